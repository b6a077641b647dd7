"""What the contract says of runs and pages, beyond what a schema can state."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.reference_server.seed import DEFINITION_ID

Run = dict[str, Any]


def moment(run: Run, name: str) -> datetime:
    return datetime.fromisoformat(run[name])


def check_page(page: dict[str, Any], limit: int, offset: int, now: datetime) -> None:
    assert (page["limit"], page["offset"]) == (limit, offset)
    assert len(page["items"]) == max(0, min(limit, page["total"] - offset))
    check_runs(page["items"], now)


def check_runs(runs: Sequence[Run], now: datetime) -> None:
    """Runs that stand together in the list: newest first, and executed one after the other."""
    for run in runs:
        check_identity(run)
        check_lifecycle(run, now)
    assert len({run["id"] for run in runs}) == len(runs)
    for newer, older in pairwise(runs):
        assert moment(newer, "created_at") > moment(older, "created_at")
        assert newer["status"] == "PENDING" or moment(newer, "started_at") >= moment(older, "completed_at")


def check_identity(run: Run) -> None:
    snapshot = run["run_snapshot"]
    assert run["workflow_definition_id"] == snapshot["workflow_definition_id"] == DEFINITION_ID
    assert (snapshot["user_id"], snapshot["runner_type"]) == (run["user_id"], run["runner_type"])


def check_lifecycle(run: Run, now: datetime) -> None:
    assert (run["completed_at"] is not None) == (run["status"] in {"COMPLETED", "FAILED"})
    assert (run["error"] is not None) == (run["status"] == "FAILED")
    names = [name for name in ("created_at", "started_at", "completed_at", "updated_at") if run[name] is not None]
    assert all(run[name].endswith("Z") for name in names)
    times = [moment(run, name) for name in names]
    assert times == sorted(times)
    assert times[-1] <= now
