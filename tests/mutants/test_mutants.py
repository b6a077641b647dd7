"""One mutant of each class is killed by exactly the checks that it names. `make mutants` runs all."""

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.checks import CLASSES
from tests.mutants.__main__ import checks_without_a_mutant, main, report, select_names
from tests.mutants.faults import MUTANTS, OTHER_ID
from tests.mutants.results import KILLED, Result, ResultsFile
from tests.mutants.runner import UNBROKEN, HandmadeRun, run_handmade
from tests.reference_server import seed

# One or two of each class, those that are hardest to find.
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
# The message must show where the fault is: the item or parameter, the field, both values, and the page.
MESSAGES = {
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


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_a_mutant_is_killed_by_the_checks_that_it_names(name: str, elsewhere: ProcessPoolExecutor) -> None:
    # The tests of the contract run cover the unbroken server.
    run = elsewhere.submit(run_handmade, name).result()
    assert sorted(run.found) == sorted(run.expected)
    assert run.requests < 450
    assert name not in MESSAGES or any(re.search(MESSAGES[name], message) for message in run.messages)


def test_there_are_mutants_of_every_class_and_for_every_check() -> None:
    assert len(MUTANTS) >= 80
    assert {mutant.kind for mutant in MUTANTS.values()} == CLASSES.keys()
    declared = [
        HandmadeRun(mutant.name, mutant.kind, mutant.killed_by, mutant.killed_by, 0, 0, ())
        for mutant in MUTANTS.values()
    ]
    assert all(run.expected for run in declared)
    assert not list(checks_without_a_mutant([run.result for run in declared]))
    assert list(checks_without_a_mutant([declared[0].result]))


def test_a_mutant_that_survives_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    survivor = HandmadeRun("name", "kind", frozenset(), frozenset({"one_order"}), 0, 0, ())
    accused = replace(survivor, name="other", found=frozenset({"one_order", "same_total"}))
    assert report([survivor.result, accused.result], is_all=False) == 1
    captured = capsys.readouterr()
    assert "0 of 2 as they should be" in captured.out
    assert captured.err.splitlines()[:2] == [
        "problem: name: SURVIVES: nothing found it; one_order should",
        "problem: other: ASTRAY: one_order, same_total found it; one_order should",
    ]
    killed = replace(survivor, found=survivor.expected)
    assert report([killed.result], is_all=False) == 0
    # In a run of all mutants, each check and each promise needs one.
    assert report([killed.result], is_all=True) == 1
    assert "problem: no mutant is killed by same_total alone\n" in capsys.readouterr().err


def test_wrong_arguments_are_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
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
        printed = capsys.readouterr().err
        assert printed.startswith(f"problem: {problem}\nfix: ")
    assert "limit_not_e" in "".join(MUTANTS)


def test_shares_have_each_mutant_once() -> None:
    names = select_names([], "")
    parts = [select_names([], f"{number}/4") for number in range(1, 5)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_later_run_continues_from_earlier_results(tmp_path: Path) -> None:
    results_file = ResultsFile(tmp_path / "reports" / "mutants.jsonl")
    first, second = (Result(name, "paging", "", KILLED, ("one_order",)) for name in "ab")
    results_file.start([first])
    results_file.add(second)
    assert results_file.read() == {"a": first, "b": second}
    # A line of other sources, one that lacks fields, two that are no results, and one that is cut off.
    text = results_file.file.read_text("utf-8")
    lacking = f'{{"state": "{results_file.state}", "name": "c"}}\n'
    results_file.file.write_text(
        text.replace(results_file.state, "0", 1) + lacking + "[1]\nnull\n" + text[:50], "utf-8"
    )
    assert results_file.read() == {"b": second}
