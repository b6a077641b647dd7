"""Mutants of every class are killed by exactly the checks that they name. `make mutants` runs all of them."""

from dataclasses import replace

import pytest

from tests.contract.checks import CLASSES
from tests.mutants.__main__ import main, try_all, without_mutant
from tests.mutants.faults import MUTANTS
from tests.mutants.trial import UNBROKEN, Trial

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
)


def test_mutants_are_killed_by_the_checks_that_they_name() -> None:
    trials = list(try_all(list(REPRESENTATIVE)))
    # That the unbroken server passes, the tests of the contract run see.
    assert {trial.name: sorted(trial.found) for trial in trials} == {
        trial.name: sorted(trial.expected) for trial in trials
    }
    assert all(trial.requests < 400 for trial in trials)


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
        "problem: there is no mutant 'limit_not_echo'\nfix: take one from tests/mutants/faults.py, such as limit_not_e"
    )
