"""The client of the second contract: its requests, and calls against the task board."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.board.conftest import connect
from tests.board.data import DELETED_TASK_ID, FOREIGN_TASK_ID, PROJECT_ID, TASK_ID
from tests.board.faults import with_faults
from tests.board.server import running

# --- requests -------------------------------------------------------------------------------------------------------


def test_parameters_of_one_name_differ_by_operation(board: Any) -> None:
    tasks, events = (module.build_call(PROJECT_ID) for module in (board.list_tasks, board.list_events))
    assert (tasks.params, events.params) == ([("limit", "50"), ("offset", "0")], [("limit", "10")])
    assert board.list_tasks.build_call(PROJECT_ID, limit=200).params[0] == ("limit", "200")
    with pytest.raises(board.errors.ConfigurationError, match=r"'limit' must be between 1 and 50 \(got 51\)"):
        board.list_events.build_call(PROJECT_ID, limit=51)
    assert "(at least 1, at most 200)" in board.list_tasks.sync.__doc__
    assert "(at least 1, at most 50)" in board.list_events.sync.__doc__


def test_filters_are_serialized_as_the_contract_says(board: Any) -> None:
    moment = datetime(2026, 4, 14, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    status = board.models.TaskStatus.DONE
    call = board.list_tasks.build_call(PROJECT_ID, status=status, tag=("a", "b"), updated_since=moment)
    assert call.params[2:] == [
        ("status", "DONE"),
        ("tag", "a"),
        ("tag", "b"),
        ("updated_since", "2026-04-14T09:30:00Z"),
    ]
    assert all(type(value) is str for _, value in call.params)
    assert board.list_tasks.build_call(PROJECT_ID, tag=[], status=None).params == [("limit", "50"), ("offset", "0")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tag": "office"}, r"'tag' must be a list \(got str 'office'\)"),
        ({"tag": ["Office"]}, r"'tag' must match \^\[a-z\]\{1,20\}\$ \(got str 'Office'\)"),
        ({"tag": ["x"] * 6}, r"'tag' must have at most 5 items \(got 6\)"),
        ({"tag": [1]}, r"'tag' must be text \(got int 1\)"),
        ({"status": "LOST"}, r"'status' must be one of OPEN, DOING, DONE \(got str 'LOST'\)"),
        ({"updated_since": datetime(2026, 1, 1)}, "'updated_since' must be a datetime with a time zone"),
        ({"updated_since": "2026-01-01T00:00:00Z"}, r"'updated_since' must be a datetime with a time zone \(got str"),
        ({"updated_since": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))}, "the years 1 to 9999"),
        ({"limit": True}, r"'limit' must be an integer \(got bool True\)"),
    ],
)
def test_an_invalid_argument_is_refused_before_sending(board: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(board.errors.ConfigurationError, match=message):
        board.list_tasks.build_call(PROJECT_ID, **given)


def test_a_body_contains_the_fields_that_were_set(board: Any) -> None:
    models = board.models
    draft = models.TaskDraft(title="x", estimate=None, details=models.Checklist(kind="checklist", entries=["y"]))
    call = board.create_task.build_call(PROJECT_ID, body=draft)
    assert json.loads(call.content) == {
        "title": "x",
        "estimate": None,
        "details": {"kind": "checklist", "entries": ["y"]},
    }
    assert call.headers == {"Content-Type": "application/json"} and call.method == "POST"


def changed(draft: Any, **values: Any) -> Any:
    for name, value in values.items():
        setattr(draft, name, value)
    return draft


BODIES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a mapping": (lambda models: {"title": "x"}, r"'body' must be a TaskDraft \(got dict\)"),
    "another model": (lambda models: models.Note(kind="note", text="x"), r"'body' must be a TaskDraft \(got Note\)"),
    "a further field": (
        lambda models: models.TaskDraft(title="x", titel="y"),
        "'body.titel' is not a field of TaskDraft",
    ),
    "a further field below": (
        lambda models: models.TaskDraft(title="x", details=models.Note(kind="note", text="x", size=1)),
        "'body.details.size' is not a field of Note",
    ),
    "null": (lambda models: models.TaskDraft(title="x", tags=None), "'body.tags' must be omitted"),
    "made without checks": (
        lambda models: models.TaskDraft.model_construct(tags=["a"]),
        "'body.title' is invalid: Field required",
    ),
    "changed": (
        lambda models: changed(models.TaskDraft(title="x"), title=""),
        "'body.title' is invalid: String should have at least",
    ),
    "no number": (
        lambda models: changed(models.TaskDraft(title="x"), estimate=float("nan")),
        "'body.estimate' must be a finite number",
    ),
    "of an unknown kind": (
        lambda models: models.TaskDraft.model_validate({"title": "x", "details": {"kind": "poem", "text": "x"}}),
        "'body.details' must be of a kind that the contract knows",
    ),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", BODIES)
def test_an_invalid_body_is_not_sent(board: Any, case: str) -> None:
    make, message = BODIES[case]
    with pytest.raises(board.errors.ConfigurationError, match=message):
        board.create_task.build_call(PROJECT_ID, body=make(board.models))


# --- against a server -----------------------------------------------------------------------------------------------


def test_all_operations_against_a_server(board: Any) -> None:
    models, errors = board.models, board.errors
    with running() as url, connect(board, url) as client:
        page = board.list_tasks.sync(PROJECT_ID, client=client, status="DONE", tag=["office"], limit=200)
        assert page.items and {task.status for task in page.items} == {models.TaskStatus.DONE}
        assert all("office" in task.tags and type(task.tags[0]) is str for task in page.items)
        assert {type(task.details) for task in page.items} == {models.Note, models.Checklist}
        since = sorted(task.updated_at for task in page.items)[1]
        later = board.list_tasks.sync(PROJECT_ID, client=client, updated_since=since, limit=200)
        assert later.items and all(task.updated_at >= since for task in later.items)

        events = board.list_events.sync(PROJECT_ID, client=client)
        rest = board.list_events.sync(PROJECT_ID, client=client, cursor=events.next_cursor)
        assert len(events.events) == 10 and not {e.id for e in events.events} & {e.id for e in rest.events}

        draft = models.TaskDraft(title="Ours", tags=["a"], details=models.Note(kind="note", text="x"))
        created = board.create_task.sync_detailed(PROJECT_ID, client=client, body=draft)
        assert created.status_code == 201 and created.location == f"/v1/tasks/{created.parsed.id}"
        with pytest.raises(errors.ConflictError, match="There is an open task of that title") as caught:
            board.create_task.sync(PROJECT_ID, client=client, body=draft)
        assert caught.value.status_code == 409
        found = board.get_task.sync_detailed(created.parsed.id, client=client)
        assert found.parsed == created.parsed and found.task_version == 1

        deleted = board.delete_task.sync_detailed(created.parsed.id, client=client)
        assert (deleted.status_code, deleted.parsed, deleted.content) == (204, None, b"")
        for operation in (board.get_task, board.delete_task):
            with pytest.raises(errors.GoneError):
                operation.sync(created.parsed.id, client=client)
        assert board.delete_task.sync(TASK_ID, client=client) is None
        with pytest.raises(errors.NotFoundError, match="There is no such thing"):
            board.get_task.sync(FOREIGN_TASK_ID, client=client)
        with pytest.raises(errors.UnprocessableEntityError) as invalid:
            board.list_events.sync(PROJECT_ID, client=client, cursor="nonsense")
        assert isinstance(invalid.value.faults[0], models.Fault) and "cursor" in invalid.value.detail
    with (
        running() as url,
        board.client.Client(url, token="wrong") as client,
        pytest.raises(errors.AuthenticationError),
    ):
        board.get_task.sync(DELETED_TASK_ID, client=client)


def test_operations_with_asyncio(board: Any) -> None:
    async def scenario(url: str) -> None:
        async with connect(board, url) as client:
            draft = board.models.TaskDraft(title="Ours")
            created = await board.create_task.asyncio_detailed(PROJECT_ID, client=client, body=draft)
            assert created.location == f"/v1/tasks/{created.parsed.id}"
            assert await board.delete_task.asyncio(created.parsed.id, client=client) is None
            with pytest.raises(board.errors.GoneError):
                await board.get_task.asyncio(created.parsed.id, client=client)

    with running() as url:
        asyncio.run(scenario(url))


def test_details_of_an_unknown_kind_are_kept_unless_strict(board: Any) -> None:
    with running(with_faults("details_of_an_unknown_kind")) as url:
        with connect(board, url) as client:
            details = board.get_task.sync(TASK_ID, client=client).details
        assert type(details).__name__ == "Unknown" and details.kind not in ("note", "checklist")
        assert details.model_dump()["kind"] == details.kind
        message = "details: must be of a kind that the contract knows"
        with connect(board, url, strict=True) as client, pytest.raises(board.errors.DecodingError, match=message):
            board.get_task.sync(TASK_ID, client=client)


DETAILS: dict[str, tuple[Any, str]] = {
    "a field less": ({"kind": "note"}, "details.note.text"),
    "fields of the other": ({"kind": "note", "entries": []}, "details.note.text"),
    "no kind": ({"text": "x"}, "Field `kind` must be text"),
    "a kind that is no text": ({"kind": 1, "text": "x"}, "Field `kind` must be text"),
    "no object": ("note", "details"),
}


@pytest.mark.parametrize("case", DETAILS)
def test_invalid_details_are_an_error_that_names_them(board: Any, case: str) -> None:
    details, message = DETAILS[case]
    draft = json.dumps({"title": "x", "details": details})
    with pytest.raises(ValueError) as caught:
        board.models.TaskDraft.model_validate_json(draft)
    assert message in ".".join(map(str, caught.value.errors()[0]["loc"])) + caught.value.errors()[0]["msg"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fault", "sent", "message"),
    [
        ("version_missing", None, "header Task-Version: must be present"),
        ("version_not_an_integer", "", "header Task-Version: must be an integer"),
    ],
)
def test_an_invalid_header_is_none_unless_strict(board: Any, fault: str, sent: str | None, message: str) -> None:
    with running(with_faults(fault)) as url:
        with connect(board, url) as client:
            answer = board.get_task.sync_detailed(TASK_ID, client=client)
        assert answer.task_version is None and ("task-version" in answer.headers) == (sent is not None)
        with connect(board, url, strict=True) as client, pytest.raises(board.errors.DecodingError, match=message):
            board.get_task.sync(TASK_ID, client=client)
