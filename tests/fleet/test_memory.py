"""What is new, known and gone: by check and promise, whatever else changes between two runs."""

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
from tests.fleet import memory
from tests.fleet.__main__ import conclude
from tests.fleet.memory import KEPT, History, lasting, remembered
from tests.fleet.reading import read_fleet
from tests.fleet.results import Result, latest, untested
from tests.fleet.test_reading import GOOD

POINTERS = [promise.node.pointer for promise in promises(read(OPENAPI))]
CHECKS = ("one_order", "same_total", "reached")
DAYS = [f"2026-11-{day:02}T03:00:00Z" for day in range(1, 31)]


def result(*findings: tuple[str, tuple[str, ...]], judged: tuple[str, ...] = CHECKS, name: str = "berlin") -> Result:
    """Of a deployment that was tested, with these findings."""
    checks = [{"check": each, "class": "c", "state": "passed" if each in judged else "skipped"} for each in CHECKS]
    found = [
        {"number": number, "class": "c", "check": check, "message": "m", "promises": list(pointers)}
        for number, (check, pointers) in enumerate(findings, 1)
    ]
    return {"name": name, "outcome": "violates" if found else "conforms", "checks": checks, "findings": found}


def after(earlier: Result | None, this: Result, day: str) -> Result:
    """What is remembered of it, after another one."""
    (found,) = remembered([this], {"berlin": earlier["open"]} if earlier else {}, day)
    return found


def states(found: Result) -> list[tuple[str, str]]:
    return [(each["state"], each["since"]) for each in found["findings"]]


FINDING = st.tuples(st.sampled_from(CHECKS), st.lists(st.sampled_from(POINTERS), max_size=3).map(tuple))


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(FINDING, max_size=4, unique_by=lambda each: each[0]))
def test_what_was_found_before_is_known_since_then(findings: list[tuple[str, tuple[str, ...]]]) -> None:
    first = after(None, result(*findings), DAYS[0])
    assert states(first) == [("new", DAYS[0])] * len(findings)
    second = after(first, result(*findings), DAYS[1])
    assert states(second) == [("known", DAYS[0])] * len(findings) and second["gone"] == []
    third = after(second, result(), DAYS[2])
    assert sorted(each["check"] for each in third["gone"]) == sorted(check for check, _ in findings)
    assert third["open"] == []
    # What comes back is new.
    assert states(after(third, result(*findings), DAYS[3])) == [("new", DAYS[3])] * len(findings)


def test_one_promise_in_common_is_enough_and_another_check_is_another_finding() -> None:
    first = after(None, result(("one_order", tuple(POINTERS[:3]))), DAYS[0])
    assert states(after(first, result(("one_order", (POINTERS[2], POINTERS[7]))), DAYS[1])) == [("known", DAYS[0])]
    other = after(first, result(("one_order", (POINTERS[7],))), DAYS[1])
    assert states(other) == [("new", DAYS[1])] and len(other["gone"]) == 1
    assert states(after(first, result(("same_total", tuple(POINTERS[:3]))), DAYS[1])) == [("new", DAYS[1])]


def test_what_was_not_looked_at_is_not_gone() -> None:
    first = after(None, result(("one_order", (POINTERS[0],))), DAYS[0])
    unseen = after(first, result(judged=("same_total",)), DAYS[1])
    assert unseen["gone"] == []
    assert states(after(unseen, result(("one_order", (POINTERS[0],))), DAYS[2])) == [("known", DAYS[0])]
    # Nor is it where the deployment could not be tested.
    away = after(first, result() | {"outcome": "could not be tested"}, DAYS[1])
    assert away["gone"] == []
    assert states(after(away, result(("one_order", (POINTERS[0],))), DAYS[2])) == [("known", DAYS[0])]


def test_a_pointer_with_names_tells_every_promise_and_outlives_an_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({lasting(each) for each in POINTERS}) == len(POINTERS)
    # As if something had been inserted before each entry of each list.
    document = read(OPENAPI)
    before = {promise.node.pointer: lasting(promise.node.pointer) for promise in promises(document)}

    def shifted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shifted(each) for key, each in value.items()}
        return [{"name": "inserted"}, *map(shifted, value)] if isinstance(value, list) else value

    edited = Document(shifted(document.value))
    monkeypatch.setattr(memory, "contract", lambda: SimpleNamespace(promised=SimpleNamespace(document=edited)))
    for pointer, name in before.items():
        parts = enumerate(pointer.split("/"))
        moved = [str(int(part) + 1) if is_entry(document, pointer, number) else part for number, part in parts]
        assert lasting.__wrapped__("/".join(moved)) == name


def is_entry(document: Document, pointer: str, number: int) -> bool:
    """Whether this part of the pointer is the index of a list."""
    holder = document.find("/".join(pointer.split("/")[:number]))
    return holder is not None and isinstance(holder.value, list)


def test_history_keeps_the_last_outcomes_and_no_more(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    for number in range(KEPT + 5):
        made = f"2026-{1 + number // 28:02}-{1 + number % 28:02}T03:00:00Z"
        found = after(None, result(("one_order", ())), made)
        history.add({"made": made, "deployments": [found]})
    assert len(history.files()) == KEPT
    assert history.earlier()["berlin"][0]["since"] == made
    # What is none of ours, or was cut off, counts as none.
    (tmp_path / "history" / "x.json").write_text("[1]")
    (tmp_path / "history" / "y.json").write_text('{"deployments": [')
    assert history.earlier()["berlin"][0]["since"] == made


def test_the_last_result_counts_if_it_is_of_the_same_fleet_and_contract() -> None:
    results = [
        {"name": name, "state": state, "began": day} for day, name, state in zip(DAYS, "aabca", "sstts", strict=False)
    ]
    assert latest(results, {"a": "s", "b": "s"}) == {"a": results[4]}
    assert latest(reversed(results), {"a": "s", "c": "t"}) == {"a": results[4], "c": results[3]}


def test_only_new_ones_fail_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(GOOD, "utf-8")
    berlin, oslo = read_fleet(file).deployments

    def found(*findings: tuple[str, tuple[str, ...]]) -> list[Result]:
        whole = untested(berlin, "", "", 0.0) | result(*findings)
        for each in whole["findings"]:
            each |= {"also": "", "curl": "", "requests": 1}
        for each in whole["checks"]:
            each |= {"reason": "", "judged": 1}
        return [whole]

    one, other = ("one_order", (POINTERS[0],)), ("same_total", (POINTERS[1],))
    assert conclude(found(one), tmp_path, only_new=True) == 1
    assert conclude(found(one), tmp_path, only_new=True) == 0
    assert conclude(found(one), tmp_path, only_new=False) == 1
    assert conclude(found(one, other), tmp_path, only_new=True) == 1
    assert conclude([*found(one), untested(oslo, "it is away", "wait", 0.0)], tmp_path, only_new=True) == 2
    assert conclude(found(), tmp_path, only_new=True) == 0
    told = capsys.readouterr().out
    assert "berlin: new: same_total: m\n" in told and "berlin: 1 known, the first since 20" in told
    assert "oslo: it is away; wait\n" in told and "berlin: gone: one_order\n" in told
    data = json.loads((tmp_path / "fleet.json").read_text("utf-8"))
    assert [each["check"] for each in data["deployments"][0]["gone"]] == ["one_order"]
