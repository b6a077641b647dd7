"""The contract run of the second contract: its server conforms, and each fault is found by the expected check."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from tests.board.data import ENVIRONMENT, OPENAPI, PROJECT_ID, TASK_ID, format_time
from tests.board.faults import with_faults
from tests.board.server import Board, BoardRequest, running
from tests.contract_run.conftest import OURS, contract, environment

__all__ = ["contract", "environment"]

ENVIRONMENT_OF_BOARD = {"CONTRACT": str(OPENAPI), **ENVIRONMENT}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def contract_run(contract: Run) -> Run:
    """Runs the contract run against a board, with further environment variables."""

    def contract_run(board: Board, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        with running(board=board) as base_url:
            return contract(*arguments, BASE_URL=base_url, **ENVIRONMENT_OF_BOARD | variables)

    return contract_run


def findings(result: subprocess.CompletedProcess[str]) -> set[str]:
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return set(re.findall(r"^\d+\. (\w+)", result.stdout, re.MULTILINE))


def verdict_section(result: subprocess.CompletedProcess[str], title: str) -> str:
    """Return a section of the verdict, by its title."""
    found = re.search(rf"^{title} +(.*(?:\n {{12}}.*)*)", result.stdout, re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


def test_the_board_conforms_with_all_methods(contract_run: Run) -> None:
    board = Board()
    before = {task.id for task in board.projects[PROJECT_ID].tasks if not task.is_deleted}
    result = contract_run(board, ALL_METHODS="1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "CONFORMS: every response keeps the contract.\n" in result.stdout
    counts = dict(re.findall(r"(\w+) (\d+) requests", verdict_section(result, "operations")))
    assert counts.keys() == {"list_tasks", "list_events", "get_task", "create_task", "delete_task"}
    assert all(int(count) >= 20 for count in counts.values())
    assert re.search(r"201: [1-9].*204: [1-9].*410: [1-9]", verdict_section(result, "requests"))
    # All methods were sent, and no check was skipped.
    assert "ALL_METHODS" not in result.stdout and "not tested" not in result.stdout
    # The run deleted the tasks that it created, and no others.
    assert {task.id for task in board.projects[PROJECT_ID].tasks if not task.is_deleted} == before


class Churning(Board):
    """A board that adds, deletes or changes a task with each request."""

    def answer(self, request: BoardRequest) -> Response:
        response = super().answer(request)
        with self.lock:
            project = self.projects[PROJECT_ID]
            tasks = self.alive(project)
            task = tasks[self.random.randrange(len(tasks))]
            match self.random.randrange(4):
                case 0:
                    new = self.make_task(project, {"title": f"Another {self.random.random()}", "tags": ["home"]})
                    project.tasks.append(new)
                    project.add_event(new, "CREATED", new.created_at)
                case 1 if len(tasks) > 200:
                    self.remove(task)
                    project.add_event(task, "DELETED", task.updated_at)
                case 2 if task.status != "DONE":
                    task.status = "DOING" if task.status == "OPEN" else "OPEN"
                    task.updated_at = format_time(datetime.now(UTC))
                    task.version += 1
        return response


@pytest.mark.full
def test_a_changing_list_conforms(contract_run: Run) -> None:
    result = contract_run(Churning(), *OURS)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("operation", "faults", "expected"),
    [
        (
            "list_tasks",
            ("filter_loses_one", "tag_any_instead_of_all", "updated_since_exclusive", "limit_capped_at_150"),
            {"tasks_of_the_status", "tasks_with_the_tags", "tasks_updated_since", "number_of_items"},
        ),
        (
            "list_tasks",
            ("filter_ignored", "tag_last_only", "updated_since_without_zone", "six_tags_accepted"),
            {"tasks_of_the_status", "tasks_with_the_tags", "tasks_updated_since", "invalid_parameter_refused"},
        ),
        ("list_events", ("cursor_loses_an_item", "limit_50_refused"), {"each_item_once", "valid_request_accepted"}),
        ("list_events", ("cursor_loops", "cursor_ignores_limit"), {"each_item_once", "number_of_items"}),
        ("list_events", ("next_cursor_null_too_early",), {"each_item_once"}),
        (
            "",
            ("get_differs_from_the_list", "version_missing"),
            {"frozen_task", "response_headers_conformance"},
        ),
        ("get_task", ("get_of_an_existing_one_is_404",), {"valid_request_accepted"}),
        ("create_task", ("create_ignores_the_title", "create_without_location"), {"created_as_asked"}),
        ("create_task", ("create_does_not_create",), {"made_is_there"}),
        ("delete_task", ("delete_does_not_delete",), {"deleted_is_gone"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_a_fault_is_found_by_the_expected_check(
    contract_run: Run, operation: str, faults: tuple[str, ...], expected: set[str]
) -> None:
    is_unsafe = operation in ("create_task", "delete_task")
    result = contract_run(with_faults(*faults), *OURS, OPERATION=operation, ALL_METHODS=str(int(is_unsafe)))
    assert expected <= findings(result), result.stdout + result.stderr


@pytest.mark.full
def test_one_operation_and_missing_ids(contract_run: Run) -> None:
    # With an id, without the list that has it.
    one = contract_run(Board(), *OURS, OPERATION="get_task", PROJECT_ID="", TASK_ID=TASK_ID)
    assert one.returncode == 0, one.stdout + one.stderr
    assert re.fullmatch(r"get_task \d+ requests", verdict_section(one, "operations"))
    assert "list_tasks (OPERATION is get_task)" in verdict_section(one, "not tested")
    # Unsafe methods are skipped and reported.
    assert "DELETE /v1/tasks/{task_id}, POST /v1/projects/{project_id}/tasks" in verdict_section(one, "not judged")
    neither = contract_run(Board(), *OURS, PROJECT_ID="", EMPTY_PROJECT_ID="", TASK_ID=TASK_ID)
    assert neither.returncode == 0, neither.stdout + neither.stderr
    assert "list_tasks: PROJECT_ID is not given (PROJECT_ID of one)" in verdict_section(neither, "not tested")
    assert "CONFORMS: every response keeps the contract, as far as it was tested" in neither.stdout
    for variables, problem in (
        ({"OPERATION": "list_task"}, "OPERATION must be one of the contract (got 'list_task')"),
        ({"OPERATION": "create_task"}, "create_task is a POST, which may change data"),
        ({"PROJECT_ID": "", "EMPTY_PROJECT_ID": ""}, "PROJECT_ID is not given"),
    ):
        wrong = contract_run(Board(), **variables)
        assert wrong.returncode == 2 and wrong.stderr.startswith(f"problem: {problem}"), wrong.stderr
        assert wrong.stderr.count("problem: ") == wrong.stderr.count("fix: ") == 1


@pytest.mark.full
def test_an_untestable_operation_is_reported_with_its_line(contract_run: Run, tmp_path: Path) -> None:
    text = OPENAPI.read_text("utf-8").replace(
        "        - name: tag\n          in: query\n",
        "        - name: tag\n          in: query\n          style: deepObject\n",
    )
    edited = tmp_path / "edited.yaml"
    edited.write_text(text, "utf-8")
    result = contract_run(Board(), *OURS, CONTRACT=str(edited), OPERATION="list_events")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(
        r"list_tasks: .* tag, not deepObject.*add it at line \d+ of edited.yaml", verdict_section(result, "not tested")
    )
    assert "as far as it was tested" in result.stdout


@pytest.mark.full
def test_values_are_serialized_as_the_contract_says(contract_run: Run, tmp_path: Path) -> None:
    contract_run(Board(), *OURS, OPERATION="list_tasks")
    entries: list[Any] = json.loads((tmp_path / "requests.har").read_text("utf-8"))["log"]["entries"]
    ok = {entry["request"]["url"] for entry in entries if entry["response"]["status"] == 200}
    assert any(re.search(r"tag=\w+&tag=\w+", url) for url in ok)
    assert any(re.search(r"updated_since=[^&]*%2B02", url) for url in ok)
    assert {status for url in ok for status in re.findall(r"status=(\w+)", url)} == {"OPEN", "DOING", "DONE"}
    assert {f"limit={limit}" for limit in (1, 2, 49, 51, 100, 199, 200)} <= {
        match for url in ok for match in re.findall(r"\blimit=\d+", url)
    }
