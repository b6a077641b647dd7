"""The contract's rules, held against runs and pages; and what the reference server keeps to besides."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from codegen.extensions import Answer, Request, Result, Verdict, read
from codegen.openapi import read as read_document
from tests.reference_server.seed import DEFINITION_ID

Run = dict[str, Any]

PROMISED = read(read_document(Path(__file__).parents[2] / "openapi.yaml"))
OPERATION = PROMISED.operation("list_workflow_runs")


def moment(run: Run, name: str) -> datetime:
    return datetime.fromisoformat(run[name])


def check_page(
    page: dict[str, Any], limit: int, offset: int, now: datetime, earlier: Mapping[str, Run] | None = None
) -> None:
    """Checks a page, and that what may not change of its runs is as it was earlier, by id."""
    request = Request(path={"definition_id": DEFINITION_ID}, query={"limit": limit, "offset": offset})
    answer = Answer(200, page)
    verdicts = PROMISED.judge_answer(OPERATION, request, answer, now, earlier)
    assert_held(verdicts + PROMISED.judge_page(OPERATION, request, answer))
    check_order(page["items"], now)


def check_runs(runs: Sequence[Run], now: datetime) -> None:
    """Checks runs that stand together in the list."""
    check_page({"items": runs, "total": len(runs), "limit": len(runs), "offset": 0}, len(runs), 0, now)


def assert_held(verdicts: list[Verdict]) -> None:
    assert verdicts
    assert [(each.rule_id, each.pointer) for each in verdicts if each.result is not Result.HOLDS] == []


def check_order(runs: Sequence[Run], now: datetime) -> None:
    """Newest first, executed one after the other, and all by one clock."""
    for newer, older in pairwise(runs):
        assert moment(newer, "created_at") > moment(older, "created_at")
        assert newer["status"] == "PENDING" or moment(newer, "started_at") >= moment(older, "completed_at")
    for run in runs:
        times = [run[name] for name in ("created_at", "started_at", "completed_at", "updated_at") if run[name]]
        assert all(each.endswith("Z") for each in times)
        assert max(map(datetime.fromisoformat, times)) <= now
