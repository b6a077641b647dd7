"""The driver's part of the testing kit: rules as Python, names, and invalid settings."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from codegen import Problem, provenance, render
from codegen.cel import Result, program
from codegen.cel.python import Untranslatable, conditions
from ks_workflow_runs._testing import cel
from tests.codegen.trees import copy_tree, replace

pytestmark = pytest.mark.sampled(6)

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, -3, 0.5, 1.0, "", "a", "ab", "b"),
    *([], [1], [1, "a"], ["a", None], [True], [[1]], {}, {"a": 1}, {"b": 1}, {"b": None}),
]
RULES = [
    "self.a == self.b",
    "self.a != self.b || self.a == null",
    "self.a < self.b && self.b < 3",
    "self.a == null || self.b <= self.a",
    "!(self.a in ['a', 'ab']) || size(self.b) > 1",
    "self.a in self.b",
    "has(self.a) && !has(self.b)",
    "has(self.a.b) ? self.a.b == 1 : self.b != null",
    "self.a.all(each, each == 1 || each == 'a')",
    "self.a.exists(each, each > self.b)",
    "self.a.exists_one(each, each == self.b)",
    "self.a.filter(each, each != null).map(each, [each]) == [[1]]",
    "self.a.startsWith('a') && self.b.matches('^a+$')",
    "self.a + self.b == 2",
    "self.a / self.b == -1",
    "self.a % self.b == -1",
    "self.a[0] == self.b",
    "self['a'] > 1 || self['b'] == 'ab'",
    "[self.a, self.b] == [1, true]",
]


def judged(rule: str, value: Any) -> Result:
    """Evaluate a rule as the kit does."""
    wrong = False
    for each in conditions(program(rule, ("self",)), "self"):
        try:
            result = eval(each.source, {"cel": cel, "self": value})
        except cel.EVALUATION_ERRORS:
            wrong = True
            continue
        if result is False:
            return Result.BROKEN
        wrong = wrong or result is not True
    return Result.NOT_JUDGED if wrong else Result.HOLDS


@pytest.mark.parametrize("rule", RULES)
def test_translated_rules_give_the_same_results_as_the_engine(rule: str) -> None:
    seen = set[Result]()
    for a, b in product(VALUES, repeat=2):
        for value in ({"a": a, "b": b}, {"a": a}):
            expected = program(rule, ("self",)).judge({"self": value})
            assert judged(rule, value) is expected, value
            seen.add(expected)
    assert {Result.HOLDS, Result.BROKEN} <= seen


def test_times_and_durations_are_nanoseconds() -> None:
    rule = "self <= timestamp('2026-01-01T00:00:00Z') + duration('1h0.000000001s')"
    assert judged(rule, cel.moment("2026-01-01T02:00:00.000000001+01:00")) is Result.HOLDS
    assert judged(rule, cel.moment("2026-01-01T01:00:00.000000002Z")) is Result.BROKEN


def test_reads_have_the_names_of_the_contract() -> None:
    found = conditions(program("self.is__dash__late.all(each, each.x == 'a') && self.b.c != 'b'", ("self",)), "self")
    assert [each.reads for each in found] == [[("is-late",), ("is-late", "*", "x")], [("b", "c")]]
    assert [each.texts for each in found] == [[(("is-late", "*", "x"), "a")], [(("b", "c"), "b")]]


@pytest.mark.parametrize(
    "rule", ["self.a.getFullYear() == 2026", "duration(self.a) > duration('1s')", "type(self.a) == int"]
)
def test_untranslatable_rule_is_an_error(rule: str) -> None:
    with pytest.raises(Untranslatable, match=r"^it uses "):
        conditions(program(rule, ("self",)), "self")


def test_a_rule_that_cannot_be_translated_is_in_the_docstring(tmp_path: Path) -> None:
    root = copy_tree(tmp_path / "root")
    replace(
        root / "openapi.yaml",
        "rule: (self.error != null) == (self.status == 'FAILED')",
        "rule: self.created_at.getFullYear() > 2000",
    )
    render.build(root, tmp_path / "generated", provenance.read_inputs(root))
    source = (tmp_path / "generated/ks_workflow_runs/testing.py").read_text(encoding="utf-8")
    assert "- The rule `error_by_status` is not applied: it uses `getFullYear`. `error` is set exactly" in source


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("list_workflow_runs:", "list_runs:", "`list_runs` is not an operation with `x-list`"),
        ("  changes:", "  moves:", "`list_workflow_runs` may have only `updated`, `adds` and `changes`"),
        (
            "status: COMPLETED",
            "state: COMPLETED",
            "`list_workflow_runs.changes.complete`: WorkflowRunResponse has no field",
        ),
        (
            "status: FAILED",
            "status: DONE",
            "`list_workflow_runs.changes.fail`: the contract does not allow 'DONE' for `status`",
        ),
        ("complete: {status", "add_runs: {status", "two methods of the testing kit have the name `add_runs`"),
        ("complete: {status", "next: {status", "two methods of the testing kit have the name `next`"),
        (
            "complete: {status",
            "to-end: {status",
            "`list_workflow_runs.changes.to-end` must be a valid name of a method",
        ),
        (
            "complete: {status: COMPLETED}",
            "complete: COMPLETED",
            "`list_workflow_runs.changes` must map names to fields",
        ),
        (
            "updated: [updated_at]",
            "updated: [changed_at]",
            "`list_workflow_runs.updated`: WorkflowRunResponse has no field",
        ),
    ],
)
def test_invalid_move_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = copy_tree(tmp_path / "root")
    replace(root / "overrides/testing.yaml", old, new)
    with pytest.raises(Problem) as raised:
        render.build(root, tmp_path / "generated", provenance.read_inputs(root))
    assert raised.value.what.startswith(f"overrides/testing.yaml: {message}")
    assert not (tmp_path / "generated").exists()
