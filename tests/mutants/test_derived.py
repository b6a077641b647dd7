"""Mutants that follow from the contract are killed by a check that claims what they break. `make mutants` runs all."""

from concurrent.futures import ProcessPoolExecutor
from random import Random

import pytest

from tests.contract.claims import ledger
from tests.mutants.derived import derived
from tests.mutants.results import KILLED
from tests.mutants.trial import try_derived

# Of each way to break a promise, so many, by this seed.
SEED, OF_EACH = 0, 1


def sample() -> list[str]:
    kinds: dict[str, list[str]] = {}
    for name, mutant in derived().items():
        kinds.setdefault(mutant.kind, []).append(name)
    dice = Random(SEED)
    return [name for kind in sorted(kinds) for name in dice.sample(kinds[kind], min(OF_EACH, len(kinds[kind])))]


@pytest.mark.parametrize("name", sample())
def test_a_derived_mutant_is_killed_or_breaks_nothing(name: str, elsewhere: ProcessPoolExecutor) -> None:
    result = elsewhere.submit(try_derived, name).result()
    assert result.is_right, result.told
    if result.outcome == KILLED:
        assert result.found and not result.why


def test_names_do_not_depend_on_a_server() -> None:
    assert derived() == derived()
    promises = {line.promise.node.pointer for line in ledger()}
    assert all(set(mutant.promises[:1]) <= promises for mutant in derived().values())
