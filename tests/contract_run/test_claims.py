"""The ledger: every promise has a line, and every check a promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import ROOT
from codegen.contract import Contract
from codegen.openapi.promises import promises
from tests.board.data import OPENAPI as BOARD
from tests.contract.checks import CLASSES
from tests.contract.claims import (
    BY_KIND,
    BY_LIST_ENTRY,
    BY_STAGE,
    KNOWN_REASONS,
    REFUSAL_CHECKS,
    WITHOUT_PROMISE,
    Line,
    judged_by,
    ledger,
    unclaimed,
)
from tests.contract.conditional_rules import condition_of, conditions

CHECKS = {check for names in CLASSES.values() for check in names}
LINES = ledger()


def test_every_promise_of_the_contract_has_a_line() -> None:
    stated = [promise.node.pointer for promise in promises(Contract(ROOT / "openapi.yaml").model)]
    assert [line.promise.node.pointer for line in LINES] == stated and len(set(stated)) == len(stated) > 150
    assert all(line.promise.node.line and line.honoured for line in LINES)


@pytest.mark.parametrize("contract", [ROOT / "openapi.yaml", BOARD], ids=["openapi.yaml", "board"])
def test_every_promise_has_a_check_or_a_reason_why_it_has_none(contract: Path) -> None:
    lines = ledger(Contract(contract).model)
    # The checks of its rules exist only in a run of that contract.
    ours = [line for line in lines if contract != BOARD or line.promise.kind != "extension"]
    assert [line for line in ours if not line.checks and line.reason not in KNOWN_REASONS] == []
    assert not any(line.checks and line.reason for line in lines)


def test_schemas_of_requests_and_responses_are_judged_in_both() -> None:
    found = {line.promise.node.pointer: set(line.checks) for line in ledger(Contract(BOARD).model)}
    schemas = "#/components/schemas"
    # In requests only, in responses only, in both.
    assert found[f"{schemas}/TaskDraft/properties/title/minLength"] == set(BY_KIND["body"])
    assert (
        found[f"{schemas}/TaskDraft/properties/title"]
        == found[f"{schemas}/TaskDraft/required/0"]
        == set(BY_KIND["body"])
    )
    assert found[f"{schemas}/Task/properties/title/type"] == {"response_schema_conformance"}
    assert found[f"{schemas}/TaskStatus/enum"] == {*BY_KIND["body"], "response_schema_conformance"}


def test_every_named_check_exists() -> None:
    tables = [*BY_KIND.values(), *BY_LIST_ENTRY.values(), *BY_STAGE.values(), REFUSAL_CHECKS]
    assert {check for checks in tables for check in checks} | WITHOUT_PROMISE <= CHECKS
    assert {check for line in LINES for check in line.checks} <= CHECKS


def test_every_check_judges_a_promise_or_what_http_requires() -> None:
    assert {check for line in LINES for check in line.checks} | WITHOUT_PROMISE == CHECKS


def test_rules_are_judged_by_the_checks_of_their_ids() -> None:
    rules = {line.promise.node.at("id").value: line.checks for line in LINES if "rule" in line.promise.node}
    assert len(rules) > 5 and all(checks == (name,) for name, checks in rules.items())


def test_promises_without_checks_are_unclaimed() -> None:
    assert unclaimed() == [line for line in LINES if not line.checks]
    promise = next(line.promise for line in LINES if line.promise.name.startswith("x-judged"))
    assert judged_by(promise._replace(name="x-judged state"), in_request=False) == ()
    assert Line(promise, "", (), "no check claims it").reason


def test_the_command_prints_the_ledger() -> None:
    command = [sys.executable, "-m", "tests.contract.claims"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^openapi\.yaml:\d+ ", done.stdout, re.MULTILINE)) == len(LINES)
    assert f"{len(LINES)} promises, {len(unclaimed())} not judged" in done.stdout


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": "generated:overrides"}


@pytest.mark.parametrize(
    ("rule", "condition"),
    [
        ("!(a.b in ['x', ')']) || c", "a.b in ['x', ')']"),
        (" !( (a) ) || b || c", " (a) "),
        ("!(a) && b", ""),
        ("!a || b", ""),
        ("(a) || b", ""),
        ("!(a", ""),
    ],
)
def test_the_condition_of_a_rule_is_parsed(rule: str, condition: str) -> None:
    assert condition_of(rule) == condition


def test_a_rule_is_judged_by_values_that_satisfy_its_condition() -> None:
    ((name, condition),) = conditions().items()
    assert name == "ended_runs_stay"
    assert [condition.holds({}, {"status": status}) for status in ("PENDING", "RUNNING", "COMPLETED", "FAILED")] == [
        *(False, False, True, True)
    ]
