"""An edit of openapi.yaml alone changes what is judged: a server that follows it passes, others fail."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract_run.conftest import OURS
from tests.mutants.faults.base import RunFault, run_status_is
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

OPENAPI = Path(__file__).parents[2] / "openapi.yaml"
ENDED = "['COMPLETED', 'FAILED']"
ERRORS = (
    ("(self.error != null) == (self.status == 'FAILED')", "self.status == 'COMPLETED' || {}"),
    ("'`error` is set exactly for `FAILED`.'", "'`error` is set for `FAILED`, and may be for `COMPLETED`.'"),
)
CANCELLED = (
    (ENDED, "['COMPLETED', 'FAILED', 'CANCELLED']"),
    ("enum: [PENDING, RUNNING, COMPLETED, FAILED]", "enum: [PENDING, RUNNING, COMPLETED, FAILED, CANCELLED]"),
)


class Cancelling(ReferenceServer):
    """Some runs are cancelled."""

    fault: Callable[[dict[str, Any], Parameters], object] = staticmethod(lambda run, asked: None)

    def render_page(self, total: int, runs: Any, parameters: Parameters) -> dict[str, Any]:
        page = super().render_page(total, runs, parameters)
        for run, row in zip(page["items"], runs, strict=True):
            if run["status"] == "COMPLETED" and row.sequence % 7 == 0:
                run["status"] = "CANCELLED"
                type(self).fault(run, parameters)
        return page


class WithoutCompletedAt(Cancelling):
    fault = staticmethod(lambda run, asked: run.update(completed_at=None))


class ChangingCompletedAt(Cancelling):
    fault = staticmethod(lambda run, asked: asked.limit < 30 and run.update(completed_at=run["updated_at"][:-8] + "Z"))


def with_error(status: str) -> Callable[[], ReferenceServer]:
    return RunFault(lambda run: run.update(error="It was late."), run_status_is(status))


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of edited contracts, by name; empty is the repository's own."""
    folder = tmp_path_factory.mktemp("edited")
    for name, edits in {"errors": ERRORS, "cancelled": CANCELLED}.items():
        text = OPENAPI.read_text("utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new.format(old))
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return {"": "", **{path.stem: str(path) for path in folder.iterdir()}}


@pytest.mark.sampled(2)
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("name", "start", "accused_of"),
    [
        ("", with_error("COMPLETED"), "error_by_status"),
        ("", Cancelling, "response_schema_conformance"),
        ("errors", with_error("COMPLETED"), ""),
        ("errors", with_error("RUNNING"), "error_by_status"),
        ("cancelled", Cancelling, ""),
        ("cancelled", WithoutCompletedAt, "completed_at_by_status"),
        ("cancelled", ChangingCompletedAt, "ended_runs_stay"),
    ],
)
def test_an_edit_of_the_contract_changes_what_is_judged(
    contract_on: Callable[..., subprocess.CompletedProcess[str]],
    edited: dict[str, str],
    name: str,
    start: Callable[[], ReferenceServer],
    accused_of: str,
) -> None:
    with running(start()) as base_url:
        result = contract_on(base_url, *OURS, CONTRACT=edited[name])
    found = re.findall(r"^\d+\. (\w+)", result.stdout, re.MULTILINE)
    assert found == ([accused_of] if accused_of else []), result.stdout + result.stderr
    assert result.returncode == bool(accused_of)
