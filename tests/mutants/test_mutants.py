"""Mutants of every class are killed by exactly the checks that they name. `make mutants` runs all of them."""

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest

from tests.contract.checks import CLASSES
from tests.mutants.__main__ import main, without_mutant
from tests.mutants.faults import MUTANTS, OTHER_ID
from tests.mutants.trial import UNBROKEN, Trial, try_out
from tests.reference_server import seed

# One of each class, and of them those that take most to see.
REPRESENTATIVE = (
    "rare_uuid_without_dashes",
    "default_limit_50",
    "row_lost_in_the_middle",
    "one_id_on_two_runs",
    "stuck_in_running",
    "prefix_of_the_token",
    "foreign_definition_told_apart",
    "unknown_is_empty",
    "one_in_50_fails",
    "failures_shortened_in_small_pages",
    "existence_before_parameters",
    "session_cookie_refused",
    "locked_for_a_wrong_cookie",
)
UUID = "[0-9a-f-]{36}"
PLACE = r"limit \d+, offset \d+"
# A reader finds the fault by what the verdict says of it: which run or parameter, which field, both values, and where.
SAID = {
    "row_lost_in_the_middle": f"the item with id {UUID} is number \\d+ with {PLACE}, but \\d+ with {PLACE}, "
    "repeatedly and by turns",
    "one_id_on_two_runs": f"two items, numbers \\d+ and \\d+ of the list, share the id '{OTHER_ID}': "
    rf"completed_at '.+' \({PLACE}\) and '.+' \({PLACE}\)",
    "prefix_of_the_token": "a request with a part of TOKEN as a bearer token was answered with 200, not 401",
    "foreign_definition_told_apart": f"definition_id {seed.FOREIGN_DEFINITION_ID} must be answered exactly as one that "
    "does not exist, but the body is '.*Definition of another.*' in place of '.*Workflow definition not.*'",
    "failures_shortened_in_small_pages": f"the item with id {UUID}: Once a run has ended, .+ never change. Here error "
    f"is .+ with {PLACE}, and .+ with {PLACE}, repeatedly",
    "existence_before_parameters": ".+ is invalid, which is 422, but the answer is 404",
    "session_cookie_refused": "a request with the value of KS_UAT as a cookie ks_uat was answered with 401",
}


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_a_mutant_is_killed_by_the_checks_that_it_names(name: str, elsewhere: ProcessPoolExecutor) -> None:
    # That the unbroken server passes, the tests of the contract run see.
    trial = elsewhere.submit(try_out, name).result()
    assert sorted(trial.found) == sorted(trial.expected)
    assert trial.requests < 450
    assert name not in SAID or any(re.search(SAID[name], message) for message in trial.messages)


def test_there_are_mutants_of_every_class_and_for_every_check() -> None:
    assert len(MUTANTS) >= 80
    assert {mutant.kind for mutant in MUTANTS.values()} == CLASSES.keys()
    declared = [
        Trial(mutant.name, mutant.kind, mutant.killed_by, mutant.killed_by, 0, 0, ()) for mutant in MUTANTS.values()
    ]
    assert all(trial.expected for trial in declared)
    assert not without_mutant(declared)
    assert without_mutant(declared[:1])


def test_a_mutant_that_survives_is_told() -> None:
    survivor = Trial("name", "kind", frozenset(), frozenset({"one_order"}), 0, 0, ())
    assert not survivor.is_right and "SURVIVES" in survivor.verdict and "one_order" in survivor.verdict
    accused = replace(survivor, found=frozenset({"one_order", "same_total"}))
    assert not accused.is_right and "DECLARED: one_order" in accused.verdict


def test_an_unknown_mutant_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["mutants", UNBROKEN, "limit_not_echo"])
    assert main() == 2
    assert capsys.readouterr().err.startswith(
        "problem: there is no mutant 'limit_not_echo'\nfix: take one from tests/mutants/faults, such as limit_not_e"
    )
