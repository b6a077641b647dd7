"""Checks runs and pages by the contract's rules, and by further rules of the reference server."""

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


def parse_field_time(run: Run, name: str) -> datetime:
    return datetime.fromisoformat(run[name])


def check_page(
    page: dict[str, Any], limit: int, offset: int, now: datetime, earlier: Mapping[str, Run] | None = None
) -> None:
    """Check a page. With `earlier`, runs by id, also check that fields which must not change have not."""
    request = Request(path={"definition_id": DEFINITION_ID}, query={"limit": limit, "offset": offset})
    answer = Answer(200, page)
    verdicts = PROMISED.judge_answer(OPERATION, request, answer, now, earlier)
    assert_held(verdicts + PROMISED.judge_page(OPERATION, request, answer))
    check_order(page["items"], now)


def check_runs(runs: Sequence[Run], now: datetime) -> None:
    """Check consecutive runs of the list."""
    check_page({"items": runs, "total": len(runs), "limit": len(runs), "offset": 0}, len(runs), 0, now)


def assert_held(verdicts: list[Verdict]) -> None:
    assert verdicts
    assert [(each.rule_id, each.pointer) for each in verdicts if each.result is not Result.HOLDS] == []


def check_order(runs: Sequence[Run], now: datetime) -> None:
    """Check that runs are listed newest first, ran one at a time, and have times of one clock."""
    for newer, older in pairwise(runs):
        assert parse_field_time(newer, "created_at") > parse_field_time(older, "created_at")
        is_pending = newer["status"] == "PENDING"
        assert is_pending or parse_field_time(newer, "started_at") >= parse_field_time(older, "completed_at")
    for run in runs:
        times = [run[name] for name in ("created_at", "started_at", "completed_at", "updated_at") if run[name]]
        assert all(each.endswith("Z") for each in times)
        assert max(map(datetime.fromisoformat, times)) <= now
