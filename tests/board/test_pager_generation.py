"""Generation of pagers: nested fields of a page, and lists for which no pager can be generated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from codegen import Problem
from tests.board.conftest import build, copy_contract


def parameter(contract: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    return next(each for each in contract["paths"][path]["get"]["parameters"] if each.get("name") == name)


OF_TASKS, OF_EVENTS = "/v1/projects/{project_id}/tasks", "/v1/projects/{project_id}/events"


def schema(contract: dict[str, Any], name: str) -> Any:
    return contract["components"]["schemas"][name]


def listing(contract: dict[str, Any], path: str = OF_TASKS) -> dict[str, Any]:
    return contract["paths"][path]["get"]["x-list"]  # type: ignore[no-any-return]


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no key": (lambda contract: listing(contract).pop("key"), "`x-list` must have `key` for pagers"),
    "no limit": (
        lambda contract: listing(contract, OF_EVENTS).pop("limit"),
        "`x-list` must have `limit` for pagers",
    ),
    "no total": (lambda contract: listing(contract).pop("total"), "`x-list` must have `total` for pagers"),
    "a limit of text": (
        lambda contract: parameter(contract, OF_EVENTS, "limit").update(schema={"type": "string"}),
        "`limit` must be an integer",
    ),
    "a limit of several": (
        lambda contract: parameter(contract, OF_EVENTS, "limit")["schema"].update(multipleOf=5),
        "pagers do not support `multipleOf` for the page size",
    ),
    "a cursor that is needed": (
        lambda contract: parameter(contract, OF_EVENTS, "cursor").update(required=True),
        "`cursor` must be optional: the request for the first page does not have it",
    ),
    "a total that may be missing": (
        lambda contract: schema(contract, "TaskPage")["required"].remove("total"),
        "`total` must be required for pagers, and not null",
    ),
    "a key that may be null": (
        lambda contract: schema(contract, "Event")["properties"]["id"].update(type=["integer", "null"]),
        "`id` must be required for pagers, and not null",
    ),
    "a filter of a pager's name": (
        lambda contract: parameter(contract, OF_TASKS, "status").update(name="progress"),
        "the pagers use the argument name `progress` already",
    ),
    "a key in the query": (
        lambda contract: contract["components"]["securitySchemes"]["boardKey"].update({"in": "query"}),
        "the security scheme `boardKey` is not supported",
    ),
    "a key in a plain header": (
        lambda contract: contract["components"]["securitySchemes"]["boardKey"].update(name="X-Board"),
        "redaction does not recognize the header `X-Board`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_list_that_cannot_be_paged_is_refused(tmp_path: Path, name: str) -> None:
    edit, message = REFUSED[name]
    contract = copy_contract()
    edit(contract)
    with pytest.raises(Problem) as raised:
        build(tmp_path, contract)
    assert message in raised.value.what and raised.value.what.startswith("openapi.yaml:")


def test_fields_are_read_by_their_names_in_the_models(tmp_path: Path) -> None:
    contract = copy_contract()
    event = schema(contract, "Event")
    event["properties"]["event-id"] = event["properties"].pop("id")
    event["required"][0] = "event-id"
    listing(contract, OF_EVENTS).update(key="event-id")
    package = build(tmp_path, contract) / "task_board"
    text = (package / "api/events/list_events.py").read_text(encoding="utf-8")
    assert 'key="event_id"' in text and "event_id" in (package / "models.py").read_text(encoding="utf-8")


def test_nested_fields_are_read(tmp_path: Path) -> None:
    contract = copy_contract()
    page = schema(contract, "EventPage")
    page["properties"] = {
        "data": {
            "type": "object",
            "required": ["events", "paging"],
            "properties": {
                "events": page["properties"]["events"],
                "paging": {"type": "object", "properties": {"next": page["properties"]["next_cursor"]}},
            },
        }
    }
    page["required"] = ["data"]
    listing(contract, OF_EVENTS).update(items="data.events", next_cursor="data.paging.next")
    text = (build(tmp_path, contract) / "task_board/api/events/list_events.py").read_text(encoding="utf-8")
    assert 'items="data.events"' in text and 'next_cursor="data.paging.next"' in text


def test_without_lists_there_are_no_pagers(tmp_path: Path) -> None:
    contract = copy_contract()
    for path in (OF_TASKS, OF_EVENTS):
        del contract["paths"][path]["get"]["x-list"]
    for each in contract["paths"][OF_TASKS]["get"]["parameters"]:
        each.pop("x-selects", None)
    package = build(tmp_path, contract) / "task_board"
    assert not (package / "pagination.py").exists()
    assert "pagination" not in (package / "__init__.py").read_text(encoding="utf-8")
