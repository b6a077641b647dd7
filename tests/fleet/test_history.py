"""Findings are new, known or gone by check and promise, whatever else changes between two runs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.openapi import read
from codegen.openapi.document import Document
from codegen.openapi.promises import promises
from tests.contract.contract import OPENAPI
from tests.fleet import history
from tests.fleet.__main__ import finish
from tests.fleet.config import read_fleet
from tests.fleet.history import MAX_RUNS, History, classify_findings, stable_pointer
from tests.fleet.results import Result, latest_results, untested_result
from tests.fleet.test_config import GOOD

POINTERS = [promise.node.pointer for promise in promises(read(OPENAPI))]
CHECKS = ("one_order", "same_total", "reached")
DAYS = [f"2026-11-{day:02}T03:00:00Z" for day in range(1, 31)]


def result(*findings: tuple[str, tuple[str, ...]], judged: tuple[str, ...] = CHECKS, name: str = "berlin") -> Result:
    """Return the result of a deployment with these findings."""
    checks = [{"check": each, "class": "c", "state": "passed" if each in judged else "skipped"} for each in CHECKS]
    found = [
        {"number": number, "class": "c", "check": check, "message": "m", "promises": list(pointers)}
        for number, (check, pointers) in enumerate(findings, 1)
    ]
    return {"name": name, "outcome": "violates" if found else "conforms", "checks": checks, "findings": found}


def classify(earlier: Result | None, this: Result, day: str) -> Result:
    """Return a result classified against the one before it."""
    (found,) = classify_findings([this], {"berlin": earlier["open"]} if earlier else {}, day)
    return found


def states(found: Result) -> list[tuple[str, str]]:
    return [(each["state"], each["since"]) for each in found["findings"]]


FINDING = st.tuples(st.sampled_from(CHECKS), st.lists(st.sampled_from(POINTERS), max_size=3).map(tuple))


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(FINDING, max_size=4, unique_by=lambda each: each[0]))
def test_a_finding_of_an_earlier_run_is_known_since_then(findings: list[tuple[str, tuple[str, ...]]]) -> None:
    first = classify(None, result(*findings), DAYS[0])
    assert states(first) == [("new", DAYS[0])] * len(findings)
    second = classify(first, result(*findings), DAYS[1])
    assert states(second) == [("known", DAYS[0])] * len(findings) and second["gone"] == []
    third = classify(second, result(), DAYS[2])
    assert sorted(each["check"] for each in third["gone"]) == sorted(check for check, _ in findings)
    assert third["open"] == []
    # A finding that comes back is new.
    assert states(classify(third, result(*findings), DAYS[3])) == [("new", DAYS[3])] * len(findings)


def test_findings_match_by_check_and_one_common_promise() -> None:
    first = classify(None, result(("one_order", tuple(POINTERS[:3]))), DAYS[0])
    assert states(classify(first, result(("one_order", (POINTERS[2], POINTERS[7]))), DAYS[1])) == [("known", DAYS[0])]
    other = classify(first, result(("one_order", (POINTERS[7],))), DAYS[1])
    assert states(other) == [("new", DAYS[1])] and len(other["gone"]) == 1
    assert states(classify(first, result(("same_total", tuple(POINTERS[:3]))), DAYS[1])) == [("new", DAYS[1])]


def test_a_finding_that_was_not_judged_again_is_not_gone() -> None:
    first = classify(None, result(("one_order", (POINTERS[0],))), DAYS[0])
    unseen = classify(first, result(judged=("same_total",)), DAYS[1])
    assert unseen["gone"] == []
    assert states(classify(unseen, result(("one_order", (POINTERS[0],))), DAYS[2])) == [("known", DAYS[0])]
    # The same when the deployment could not be tested.
    away = classify(first, result() | {"outcome": "could not be tested"}, DAYS[1])
    assert away["gone"] == []
    assert states(classify(away, result(("one_order", (POINTERS[0],))), DAYS[2])) == [("known", DAYS[0])]


def test_stable_pointers_are_unique_and_survive_an_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({stable_pointer(each) for each in POINTERS}) == len(POINTERS)
    # Insert an entry before each entry of each list.
    document = read(OPENAPI)
    before = {promise.node.pointer: stable_pointer(promise.node.pointer) for promise in promises(document)}

    def shifted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shifted(each) for key, each in value.items()}
        return [{"name": "inserted"}, *map(shifted, value)] if isinstance(value, list) else value

    edited = Document(shifted(document.value))
    monkeypatch.setattr(history, "contract", lambda: SimpleNamespace(promised=SimpleNamespace(document=edited)))
    for pointer, name in before.items():
        parts = enumerate(pointer.split("/"))
        moved = [str(int(part) + 1) if is_entry(document, pointer, number) else part for number, part in parts]
        assert stable_pointer.__wrapped__("/".join(moved)) == name


def is_entry(document: Document, pointer: str, number: int) -> bool:
    """True if this part of the pointer is the index of a list."""
    holder = document.find("/".join(pointer.split("/")[:number]))
    return holder is not None and isinstance(holder.value, list)


def test_history_keeps_the_last_runs_only(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    for number in range(MAX_RUNS + 5):
        made = f"2026-{1 + number // 28:02}-{1 + number % 28:02}T03:00:00Z"
        found = classify(None, result(("one_order", ())), made)
        history.add({"made": made, "deployments": [found]})
    assert len(history.files()) == MAX_RUNS
    assert history.open_findings()["berlin"][0]["since"] == made
    # Other and truncated files are ignored.
    (tmp_path / "history" / "x.json").write_text("[1]")
    (tmp_path / "history" / "y.json").write_text('{"deployments": [')
    assert history.open_findings()["berlin"][0]["since"] == made


def test_the_latest_result_of_the_current_state_counts() -> None:
    results = [
        {"name": name, "state": state, "began": day} for day, name, state in zip(DAYS, "aabca", "sstts", strict=False)
    ]
    assert latest_results(results, {"a": "s", "b": "s"}) == {"a": results[4]}
    assert latest_results(reversed(results), {"a": "s", "c": "t"}) == {"a": results[4], "c": results[3]}


def test_new_only_fails_for_new_findings_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(GOOD, "utf-8")
    berlin, oslo = read_fleet(file).deployments

    def found(*findings: tuple[str, tuple[str, ...]]) -> list[Result]:
        whole = untested_result(berlin, "", "", 0.0) | result(*findings)
        for each in whole["findings"]:
            each |= {"also": "", "curl": "", "requests": 1}
        for each in whole["checks"]:
            each |= {"reason": "", "judged": 1}
        return [whole]

    one, other = ("one_order", (POINTERS[0],)), ("same_total", (POINTERS[1],))
    assert finish(found(one), tmp_path, new_only=True) == 1
    assert finish(found(one), tmp_path, new_only=True) == 0
    assert finish(found(one), tmp_path, new_only=False) == 1
    assert finish(found(one, other), tmp_path, new_only=True) == 1
    assert finish([*found(one), untested_result(oslo, "it is away", "wait", 0.0)], tmp_path, new_only=True) == 2
    assert finish(found(), tmp_path, new_only=True) == 0
    output = capsys.readouterr().out
    assert "berlin: new: same_total: m\n" in output and "berlin: 1 known, the oldest since 20" in output
    assert "oslo: it is away; wait\n" in output and "berlin: gone: one_order\n" in output
    data = json.loads((tmp_path / "fleet.json").read_text("utf-8"))
    assert [each["check"] for each in data["deployments"][0]["gone"]] == ["one_order"]
