"""Mutants of every class are killed by exactly the checks that they name. `make mutants` runs all of them."""

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.checks import CLASSES
from tests.mutants.__main__ import chosen, idle_checks, judge, main
from tests.mutants.faults import MUTANTS, OTHER_ID
from tests.mutants.results import KILLED, Kept, Result
from tests.mutants.trial import UNBROKEN, Trial, try_by_hand
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
    "in repeated alternating reads",
    "one_id_on_two_runs": f"two items, numbers \\d+ and \\d+ of the list, share the id '{OTHER_ID}': "
    rf"completed_at '.+' \({PLACE}\) and '.+' \({PLACE}\)",
    "prefix_of_the_token": "request with a part of TOKEN as a bearer token: the status must be 401 .got 200.",
    "foreign_definition_told_apart": f"definition_id {seed.FOREIGN_DEFINITION_ID} must be refused exactly as one that "
    "does not exist, but the body is '.*Definition of another.*' instead of '.*Workflow definition not.*'",
    "failures_shortened_in_small_pages": f"the item with id {UUID}: Once a run has ended, .+ never change. Here error "
    f"is .+ with {PLACE}, and .+ with {PLACE}, in repeated alternating reads",
    "existence_before_parameters": ".+ is invalid: the status must be 422 .got 404.",
    "session_cookie_refused": "request with the value of KS_UAT as a cookie ks_uat: the credentials must be accepted "
    ".got 401.",
}


@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_a_mutant_is_killed_by_the_checks_that_it_names(name: str, elsewhere: ProcessPoolExecutor) -> None:
    # That the unbroken server passes, the tests of the contract run see.
    trial = elsewhere.submit(try_by_hand, name).result()
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
    assert not list(idle_checks([trial.result for trial in declared]))
    assert list(idle_checks([declared[0].result]))


def test_a_mutant_that_survives_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    survivor = Trial("name", "kind", frozenset(), frozenset({"one_order"}), 0, 0, ())
    accused = replace(survivor, name="other", found=frozenset({"one_order", "same_total"}))
    assert judge([survivor.result, accused.result], is_all=False) == 1
    captured = capsys.readouterr()
    assert "0 of 2 as they should be" in captured.out
    assert captured.err.splitlines()[:2] == [
        "problem: name: SURVIVES: nothing found it; one_order should",
        "problem: other: ASTRAY: one_order, same_total found it; one_order should",
    ]
    killed = replace(survivor, found=survivor.expected)
    assert judge([killed.result], is_all=False) == 0
    # Of all of them, each check and each promise has to have one.
    assert judge([killed.result], is_all=True) == 1
    assert "problem: no mutant is killed by same_total alone\n" in capsys.readouterr().err


def test_what_cannot_be_run_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, variables, problem in (
        ([UNBROKEN, "limit_not_echo"], {}, "there is no mutant 'limit_not_echo'"),
        ([], {"SHARD": "5/4"}, "SHARD must be a share (got '5/4')"),
        ([], {"SHARD": "0/4"}, "SHARD must be a share (got '0/4')"),
        ([], {"RESUME": "yes"}, "RESUME must be 0 or 1 (got 'yes')"),
    ):
        monkeypatch.setattr("sys.argv", ["mutants", *arguments])
        with monkeypatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(name, value)
            assert main() == 2
        told = capsys.readouterr().err
        assert told.startswith(f"problem: {problem}\nfix: ")
    assert "limit_not_e" in "".join(MUTANTS)


def test_shares_are_all_of_them_and_each_once() -> None:
    names = chosen([], "")
    parts = [chosen([], f"{number}/4") for number in range(1, 5)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_later_run_goes_on_from_what_is_known(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "reports" / "mutants.jsonl")
    first, second = (Result(name, "paging", "", KILLED, ("one_order",)) for name in "ab")
    kept.start([first])
    kept.add(second)
    assert kept.read() == {"a": first, "b": second}
    # One that was cut off, one of other sources, one that lacks fields, and what is none.
    text = kept.file.read_text("utf-8")
    lacking = f'{{"state": "{kept.state}", "name": "c"}}\n'
    kept.file.write_text(text.replace(kept.state, "0", 1) + lacking + "[1]\nnull\n" + text[:50], "utf-8")
    assert kept.read() == {"b": second}
