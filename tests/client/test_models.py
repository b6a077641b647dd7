"""The models keep unknown fields and values, and refuse missing fields and wrong types."""

from __future__ import annotations

import copy
import json
import pickle
import weakref
from typing import Any
from uuid import UUID

import httpx2
import pytest

from ks_workflow_runs._decoding import decode
from ks_workflow_runs._sending import Answer
from ks_workflow_runs.errors import DecodingError
from ks_workflow_runs.models import ABCDPathSnapshot, PartType, WorkflowRunPage, WorkflowRunStatus
from tests.client.pages import DOCUMENT, PAGE, changed


def read(page: object, *, strict: bool = False) -> WorkflowRunPage:
    request = httpx2.Request("GET", "http://127.0.0.1/")
    answer = Answer(request, 200, httpx2.Headers(), json.dumps(page).encode())
    return decode(WorkflowRunPage, answer, strict=strict)


def test_the_example_of_the_contract_round_trips() -> None:
    page = read(PAGE)
    running, completed, failed = page.items
    assert running.status is WorkflowRunStatus.RUNNING and running.completed_at is None and running.error is None
    assert completed.completed_at is not None and completed.completed_at.utcoffset() is not None
    assert completed.run_snapshot.template is not None
    assert completed.run_snapshot.template.part_type is PartType.DOCUMENT_VERSION
    assert failed.error == "The run exceeded its maximum duration of 300 seconds."
    assert read(json.loads(page.model_dump_json())) == page


def test_unknown_fields_are_kept_at_every_depth() -> None:
    page = copy.deepcopy(PAGE)
    page["next"] = "x"
    page["items"][0]["priority"] = 7
    page["items"][0]["run_snapshot"]["sources"][0]["size"] = {"bytes": 1}
    result = read(page)
    assert result.model_extra == {"next": "x"}
    assert result.items[0].model_extra == {"priority": 7}
    assert result.items[0].run_snapshot.sources[0].model_extra == {"size": {"bytes": 1}}
    written = json.loads(result.model_dump_json())
    assert written["items"][0]["run_snapshot"]["sources"][0]["size"] == {"bytes": 1}


@pytest.mark.parametrize(
    "path",
    [
        ("items", 0, "status"),
        ("items", 0, "runner_type"),
        ("items", 0, "run_snapshot", "runner_type"),
        ("items", 0, "run_snapshot", "sources", 0, "part_type"),
    ],
)
@pytest.mark.parametrize("value", ["CANCELLED", "", "pending", "ä"])
def test_an_unknown_enum_value_is_kept(path: tuple[str | int, ...], value: str) -> None:
    page = read(changed(*path, to=value))
    written: Any = json.loads(page.model_dump_json())
    for part in path:
        written = written[part]
    assert written == value


def test_an_unknown_enum_value_behaves_like_a_member() -> None:
    unknown = WorkflowRunStatus("CANCELLED")
    assert unknown == "CANCELLED" and str(unknown) == "CANCELLED" and unknown.value == "CANCELLED"
    assert not unknown.is_known and WorkflowRunStatus.PENDING.is_known
    assert unknown == WorkflowRunStatus("CANCELLED") and hash(unknown) == hash(WorkflowRunStatus("CANCELLED"))
    assert unknown != WorkflowRunStatus.PENDING
    assert pickle.loads(pickle.dumps(unknown)) == unknown
    assert pickle.loads(pickle.dumps(WorkflowRunStatus.PENDING)) is WorkflowRunStatus.PENDING
    assert repr(unknown) == "<WorkflowRunStatus.CANCELLED: 'CANCELLED'>"
    assert "CANCELLED" not in [status.value for status in WorkflowRunStatus]
    with pytest.raises(ValueError):
        WorkflowRunStatus(7)  # type: ignore[arg-type]


REQUIRED = [
    ((), "WorkflowRunPage"),
    (("items", 1), "WorkflowRunResponse"),
    (("items", 1, "run_snapshot"), "WorkflowRunSnapshot"),
    (("items", 1, "run_snapshot", "template"), "ABCDPathSnapshot"),
]


@pytest.mark.parametrize(
    "path",
    [(*path, name) for path, schema in REQUIRED for name in DOCUMENT["components"]["schemas"][schema]["required"]],
)
def test_a_missing_field_is_refused_and_named(path: tuple[str | int, ...]) -> None:
    with pytest.raises(DecodingError) as raised:
        read(changed(*path, without=True))
    assert raised.value.faults == ((".".join(map(str, path)), "Field required"),)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("total",), "3"),
        (("total",), 3.5),
        (("total",), True),
        (("limit",), 0),
        (("offset",), -1),
        (("items",), {}),
        (("items", 0), None),
        (("items", 0, "id"), "not-a-uuid"),
        (("items", 0, "id"), 7),
        (("items", 0, "status"), None),
        (("items", 0, "status"), 1),
        (("items", 0, "error"), 7),
        (("items", 0, "started_at"), None),
        (("items", 0, "started_at"), "2026-04-14T09:30:00"),
        (("items", 0, "started_at"), "yesterday"),
        (("items", 0, "started_at"), "1776159000"),
        (("items", 0, "started_at"), "2026-04-14"),
        (("items", 0, "started_at"), 1776159000),
        (("items", 0, "completed_at"), False),
        (("items", 0, "run_snapshot"), None),
        (("items", 0, "run_snapshot", "max_run_duration_seconds"), "300"),
        (("items", 0, "run_snapshot", "sources"), None),
        (("items", 0, "run_snapshot", "template"), []),
    ],
)
def test_a_wrong_type_is_refused_and_named(path: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(DecodingError) as raised:
        read(changed(*path, to=value))
    assert ".".join(map(str, path)) in str(raised.value)


@pytest.mark.parametrize("path", [("items",), *(("items", 0, "run_snapshot", name) for name in ("sources", "outputs"))])
def test_only_the_first_wrong_item_of_a_list_is_reported(path: tuple[str | int, ...]) -> None:
    with pytest.raises(DecodingError) as raised:
        read(changed(*path, to=[1, 2, 3]))
    assert [each for each, _ in raised.value.faults] == [".".join(map(str, (*path, 0)))]


def test_a_refused_value_is_not_shown() -> None:
    with pytest.raises(DecodingError) as raised:
        read(changed("items", 0, "id", to="a-credential"))
    assert "a-credential" not in str(raised.value) and raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("next",), "x"),
        (("items", 1, "priority"), 7),
        (("items", 1, "status"), "CANCELLED"),
        (("items", 1, "run_snapshot", "size"), None),
        (("items", 1, "run_snapshot", "runner_type"), "HOSTED"),
        (("items", 1, "run_snapshot", "template", "part_type"), "IMAGE"),
        (("items", 1, "run_snapshot", "sources", 0, "part_type"), ""),
    ],
)
def test_strict_refuses_unknown_fields_and_values(path: tuple[str | int, ...], value: object) -> None:
    page = changed(*path, to=value)
    read(page)
    with pytest.raises(DecodingError) as raised:
        read(page, strict=True)
    [(named, _)] = raised.value.faults
    assert named == ".".join(map(str, path))
    assert read(PAGE, strict=True) == read(PAGE)


def test_times_with_other_offsets_are_equal() -> None:
    page = read(changed("items", 0, "started_at", to="2026-04-14T11:30:02.118+02:00"))
    assert page.items[0].started_at == read(PAGE).items[0].started_at


@pytest.mark.parametrize(
    "value",
    [
        *("2026-04-14T09:30:02Z", "2026-04-14t09:30:02z", "2026-04-14 09:30:02.5+00:00", "2026-04-14T09:30:02-00:00"),
        *("2026-04-14T09:30:02.118000Z", "2026-04-14T09:30:02.123456789+05:30", "2024-02-29T23:59:59.9-23:59"),
    ],
)
def test_rfc_3339_date_times_are_accepted(value: str) -> None:
    assert read(changed("items", 0, "started_at", to=value)).items[0].started_at.utcoffset() is not None


@pytest.mark.parametrize(
    "value",
    [
        *("2026-04-14T09:30:02+0100", "2026-04-14T09:30:02+01", "2026-04-14T09:30:02,5Z", "2026-04-14T09:30:02.Z"),
        *("2026-04-14T09:30Z", "20260414T093002Z", "2026-W16-2T09:30:02Z", "2026-104T09:30:02Z", "2026-4-14T09:30:02Z"),
        *("2026-04-14_09:30:02Z", "2026-04-14T09:30:02 Z", " 2026-04-14T09:30:02Z", "2026-04-14T09:30:02Z\n"),
        *("2026-04-14T09:30:02UTC", "2026-04-14T24:00:00Z", "2026-02-29T09:30:02Z", "2026-04-14T09:60:02Z"),
        *(
            "2026-04-14T09:30:02+24:00",
            "2026-04-14T09:30:02\u221201:00",
            "\u0662026-04-14T09:30:02Z",
            "-026-04-14T09:30:02Z",
        ),
        *("+2026-04-14T09:30:02Z", "12026-04-14T09:30:02Z", "2026-04-14T09:30:02+01:00:00", ""),
    ],
)
def test_other_date_times_are_refused(value: str) -> None:
    with pytest.raises(DecodingError, match=r"items\.0\.started_at"):
        read(changed("items", 0, "started_at", to=value))


@pytest.mark.parametrize(
    "value",
    [
        *("0b0f6a5e52a14f6e8a0e3d9c5e1f7a01", "urn:uuid:0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a01"),
        *(
            "{0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a01}",
            "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a0",
            "0b0f6a5e52a1-4f6e-8a0e-3d9c5e1f7a01",
        ),
        *(
            "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a01\n",
            " 0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a01",
            "0b0f6a5e-52a1-4f6e-8a0e-3d9c5e1f7a0\u0661",
            "",
        ),
    ],
)
@pytest.mark.parametrize("path", [("id",), ("user_id",), ("run_snapshot", "sources", 0, "path_part_id")])
def test_uuids_without_dashes_are_refused(path: tuple[str | int, ...], value: str) -> None:
    with pytest.raises(DecodingError, match=r"items\.0\." + r"\.".join(map(str, path))):
        read(changed("items", 0, *path, to=value))
    upper = "0B0F6A5E-52A1-4F6E-8A0E-3D9C5E1F7A01"
    assert read(changed("items", 0, "id", to=upper)).items[0].id == read(PAGE).items[0].id


def test_uuids_are_shared_in_a_bounded_cache() -> None:
    def identifier(number: int) -> UUID:
        path = {"path_part_id": str(UUID(int=number)), "materialized_path": "/", "part_type": "FOLDER"}
        return ABCDPathSnapshot.model_validate_json(json.dumps(path)).path_part_id

    kept = identifier(0)
    assert identifier(0) is kept
    gone = weakref.ref(kept)
    del kept
    # More than fit into the cache.
    assert [identifier(number).int for number in range(1, 5000)] == [*range(1, 5000)]
    assert gone() is None and identifier(0).int == 0


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("within", ["%s", "[1, %s]", '{"a": [{"b": %s}]}'])
@pytest.mark.parametrize(
    "path",
    [
        *(("total",), ("more",), ("items", 0, "more"), ("items", 0, "error"), ("items", 0, "run_snapshot", "more")),
        ("items", 0, "run_snapshot", "sources", 0, "more"),
    ],
)
def test_nan_and_infinity_are_refused(path: tuple[str | int, ...], within: str, value: str) -> None:
    content = json.dumps(changed(*path, to="PLACE")).replace('"PLACE"', within % value)
    answer = Answer(httpx2.Request("GET", "http://127.0.0.1/"), 200, httpx2.Headers(), content.encode())
    with pytest.raises(DecodingError, match=r"\.".join(map(str, path))):
        decode(WorkflowRunPage, answer, strict=False)


def test_numbers_of_an_unknown_field_are_kept() -> None:
    value = {"a": [1, 2.5, -0.0, 1e300, 10**30, "NaN", None, True]}
    page = read(changed("items", 0, "more", to=value))
    assert page.items[0].model_extra == {"more": value}
    assert read(json.loads(page.model_dump_json())) == page
    assert pickle.loads(pickle.dumps(page)) == page and copy.deepcopy(page) == page
