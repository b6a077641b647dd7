"""The differences between two results: promises, accepted variants, statuses and response times, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.contract import Problem
from tests.fleet.diff import MIN_FACTOR, MIN_SECONDS, differences, read_result
from tests.fleet.results import CONFORMS, Result
from tests.fleet.test_page import document

TIMES = {"median": 0.02, "most": 0.05, "longest": 0.2, "asked": "limit=1", "slow": ""}


@pytest.fixture
def old(tmp_path: Path) -> Result:
    found = next(each for each in document(8, tmp_path)["deployments"] if each["outcome"] == CONFORMS)
    return dict(found) | {"answers": {"200 with items": 71, "401": 85}, "times": TIMES}


def test_each_difference_has_a_line(old: Result) -> None:
    assert list(differences(old, old)) == []
    new = old | {
        "server_version": "2.0.0",
        "broken": ["#/info"],
        "lenient": {"limit": ["1.0", "1e0"], "offset": ["00"]},
        "answers": {"200 with items": 99, "500": 1},
        "times": TIMES | {"most": 1.5},
    }
    # Another reason is no difference: the promise was not judged in both.
    new["not_judged"] = [{"reason": "another", "promises": ["#/paths"], "possible": True}]
    assert list(differences(old, new)) == [
        "version    1.0.0 -> 2.0.0",
        "promise    #/info: not judged -> broken",
        "promise    #/paths: kept -> not judged",
        "variants   limit: 1.0 -> 1.0, 1e0",
        "variants   offset: none -> 00",
        "answers    401: 85 -> none",
        "answers    500: none -> 1",
        "time       95th percentile 0.050 s -> 1.500 s",
    ]
    other = new | {"contract": new["contract"] | {"version": "9", "sha256": "0" * 64}}
    assert next(differences(new, other)).endswith("-> 9 (000000000000)")


SECONDS = st.floats(0, 10)


@settings(derandomize=True, database=None, deadline=None)
@given(one=SECONDS, other=SECONDS)
def test_times_differ_only_by_factor_and_seconds(one: float, other: float) -> None:
    same: Result = {"contract": {}, "server_version": None, "outcome": CONFORMS, "lenient": {}, "answers": {}}
    same |= {"not_judged": [], "broken": [], "findings": []}
    before, after = (same | {"times": {"median": each, "most": 0}} for each in (one, other))
    is_much = max(one, other) - min(one, other) > MIN_SECONDS and max(one, other) > MIN_FACTOR * min(one, other)
    assert bool(list(differences(before, after))) == is_much == bool(list(differences(after, before)))


def test_results_that_cannot_be_compared_are_reported(tmp_path: Path) -> None:
    data = document(4, tmp_path)
    (tmp_path / "fleet.json").write_text(json.dumps(data), "utf-8")
    (tmp_path / "other.json").write_text("[1]", "utf-8")
    assert read_result("host-0.example", "A", tmp_path)["name"] == "host-0.example"
    assert read_result(f"{tmp_path}/fleet.json#host-0.example", "A", Path("nowhere"))["name"] == "host-0.example"
    for text, problem in (
        ("", "A is not set"),
        ("nobody", "A must be a deployment in .*'nobody'"),
        ("host-1.example", "host-1.example could not be tested"),
        (f"{tmp_path}/other.json#x", "must be the fleet.json of a run"),
        (f"{tmp_path}#x", "cannot read"),
    ):
        with pytest.raises(Problem, match=problem):
            read_result(text, "A", tmp_path)
