"""A sample of the derived mutants is killed by checks of their promises. `make mutants` runs all."""

from concurrent.futures import ProcessPoolExecutor
from random import Random

import pytest

from tests.contract.claims import ledger
from tests.mutants.derived import derived
from tests.mutants.results import KILLED
from tests.mutants.runner import run_derived

# One mutant each of so many kinds, chosen with this seed.
SEED, KINDS = 0, 10


def sample() -> list[str]:
    kinds: dict[str, list[str]] = {}
    for name, mutant in derived().items():
        kinds.setdefault(mutant.kind, []).append(name)
    rng = Random(SEED)
    return [rng.choice(kinds[kind]) for kind in rng.sample(sorted(kinds), KINDS)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", sample())
def test_a_derived_mutant_is_killed_or_equivalent(name: str, elsewhere: ProcessPoolExecutor) -> None:
    result = elsewhere.submit(run_derived, name).result()
    assert result.is_right, result.summary
    if result.outcome == KILLED:
        assert result.found and not result.why


def test_names_do_not_depend_on_a_server() -> None:
    assert derived() == derived()
    promises = {line.promise.node.pointer for line in ledger()}
    assert all(set(mutant.promises[:1]) <= promises for mutant in derived().values())


def test_each_promise_that_a_check_claims_has_a_mutant() -> None:
    broken = {pointer for mutant in derived().values() for pointer in mutant.promises}
    assert not [line.promise for line in ledger() if line.checks and line.promise.node.pointer not in broken]
