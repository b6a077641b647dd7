"""The four calls: requests, results and errors."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from ks_workflow_runs import ApiError, AuthenticatedClient, Client, Retry, errors
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from ks_workflow_runs.types import UNSET
from tests.client.calls import Call
from tests.client.pages import DEFAULTS, EMPTY_PAGE, changed
from tests.client.stub_server import StubServer
from tests.reference_server import seed

DEFINITION_ID = UUID(str(seed.DEFINITION_ID))


def body(content: object) -> bytes:
    return json.dumps(content).encode()


# --- end to end -----------------------------------------------------------------------------------------------------


def test_reads_every_page_of_the_reference_server(call: Call, reference_url: str) -> None:
    ids: list[UUID] = []
    total = 1
    while len(ids) < total:
        with AuthenticatedClient(reference_url, seed.TOKEN) as client:
            page = call(DEFINITION_ID, client=client, limit=50, offset=len(ids))
        assert (page.limit, page.offset) == (50, len(ids))
        ids += [run.id for run in page.items]
        total = page.total
    assert len(ids) == len(set(ids)) == total == 137


@pytest.mark.parametrize(
    ("definition_id", "token", "expected", "detail"),
    [
        (seed.DEFINITION_ID, "wrong", errors.AuthenticationError, "Could not validate credentials"),
        (seed.FORBIDDEN_DEFINITION_ID, seed.TOKEN, errors.PermissionDeniedError, None),
        (seed.FOREIGN_DEFINITION_ID, seed.TOKEN, errors.NotFoundError, None),
    ],
)
def test_error_statuses_of_the_reference_server_are_raised(
    call: Call,
    reference_url: str,
    definition_id: Any,
    token: str,
    expected: type[errors.StatusError],
    detail: str | None,
) -> None:
    with AuthenticatedClient(reference_url, token) as client, pytest.raises(expected) as raised:
        call(UUID(str(definition_id)), client=client)
    assert raised.value.detail
    assert detail in (None, raised.value.detail)
    assert raised.value.detail in str(raised.value)
    assert token not in str(raised.value)


def test_a_cookie_is_a_credential(call: Call, reference_url: str) -> None:
    with Client(reference_url) as client:
        assert call(DEFINITION_ID, client=client, ks_uat=seed.KS_UAT).total == 137
    with Client(reference_url, ks_uat=seed.KS_UAT) as client:
        assert call(DEFINITION_ID, client=client).total == 137


def test_a_credential_of_the_call_overrides_the_clients(call: Call, reference_url: str) -> None:
    with AuthenticatedClient(reference_url, "wrong") as client:
        assert call(DEFINITION_ID, client=client, authorization=f"Bearer {seed.TOKEN}").total == 137
    with Client(reference_url, ks_uat="wrong") as client:
        assert call(DEFINITION_ID, client=client, ks_uat=seed.KS_UAT).total == 137


# --- what is sent ---------------------------------------------------------------------------------------------------


def test_defaults_of_the_contract_are_sent_and_nothing_else(call: Call, server: StubServer) -> None:
    server.body = body(EMPTY_PAGE)
    with Client(server.url) as client:
        call(DEFINITION_ID, client=client)
    [(target, headers)] = server.requests
    assert target == f"/v1/workflow-definitions/{DEFINITION_ID}/runs?{urlencode(DEFAULTS)}"
    assert "Authorization" not in headers and "Cookie" not in headers


@pytest.mark.parametrize("nothing", [None, UNSET])
def test_a_parameter_without_a_value_is_not_sent(call: Call, server: StubServer, nothing: Any) -> None:
    server.body = body(EMPTY_PAGE)
    with Client(server.url) as client:
        call(DEFINITION_ID, client=client, limit=nothing, offset=nothing, authorization=nothing, ks_uat=nothing)
    [(target, headers)] = server.requests
    assert target.endswith("/runs")
    assert "Authorization" not in headers and "Cookie" not in headers


def test_credentials_are_sent_in_the_headers_of_the_contract(call: Call, server: StubServer) -> None:
    server.body = body(EMPTY_PAGE)
    with AuthenticatedClient(server.url, "a-token") as client:
        call(DEFINITION_ID, client=client, ks_uat="a-cookie")
    [(_, headers)] = server.requests
    assert headers.get_all("Authorization") == ["Bearer a-token"]
    assert headers.get_all("Cookie") == ["ks_uat=a-cookie"]


@pytest.mark.parametrize("prefix", ["/api", "/api/", "/a/b"])
def test_a_path_prefix_of_the_base_url_is_kept(call: Call, server: StubServer, prefix: str) -> None:
    server.body = body(EMPTY_PAGE)
    with Client(server.url + prefix) as client:
        call(DEFINITION_ID, client=client)
    assert server.requests[0][0].startswith(f"{prefix.rstrip('/')}/v1/workflow-definitions/")


# --- what is returned and raised ------------------------------------------------------------------------------------


def test_detailed_calls_return_status_headers_and_raw_body(server: StubServer) -> None:
    server.body = body(EMPTY_PAGE)
    server.headers = {"Content-Type": "application/json", "X-Request-Id": "7"}
    with Client(server.url) as client:
        response = list_workflow_runs.sync_detailed(DEFINITION_ID, client=client)
    assert response.status_code is HTTPStatus.OK
    assert response.content == server.body
    assert response.headers["x-request-id"] == "7"
    assert response.parsed.total == 0


SENTENCE = body({"detail": "a sentence"})
FAULTS = body({"detail": [{"loc": ["query", "limit"], "msg": "too large", "type": "x"}]})


@pytest.mark.parametrize(
    ("status", "content", "expected", "detail"),
    [
        (401, SENTENCE, errors.AuthenticationError, "a sentence"),
        (403, SENTENCE, errors.PermissionDeniedError, "a sentence"),
        (404, SENTENCE, errors.NotFoundError, "a sentence"),
        (422, FAULTS, errors.UnprocessableEntityError, "query.limit: too large"),
        (422, SENTENCE, errors.UnprocessableEntityError, "a sentence"),
        (429, SENTENCE, errors.RateLimitError, "a sentence"),
        (503, SENTENCE, errors.ServiceUnavailableError, "a sentence"),
        # A documented status with an undocumented body.
        (401, b"<html>sign in</html>", errors.AuthenticationError, None),
        (404, b"", errors.NotFoundError, None),
        (422, body({"detail": [{"loc": "limit"}]}), errors.UnprocessableEntityError, None),
        (429, body({"detail": None}), errors.RateLimitError, None),
        (503, b"\xff", errors.ServiceUnavailableError, None),
        # Undocumented statuses.
        (201, body(EMPTY_PAGE), errors.StatusError, None),
        (204, b"", errors.StatusError, None),
        (302, b"", errors.StatusError, None),
        (418, SENTENCE, errors.StatusError, "a sentence"),
        (500, b"Internal Server Error", errors.StatusError, None),
        (520, b"", errors.StatusError, None),
        (599, b"", errors.StatusError, None),
    ],
)
def test_every_status_but_200_is_raised(
    reading: Callable[..., object],
    server: StubServer,
    status: int,
    content: bytes,
    expected: type[errors.StatusError],
    detail: str | None,
) -> None:
    server.status, server.body = status, content
    server.headers = {"Location": "/elsewhere"}
    with Client(server.url, retry=Retry(max_retries=0)) as client, pytest.raises(ApiError) as raised:
        reading(DEFINITION_ID, client=client)
    error = raised.value
    assert type(error) is expected
    assert isinstance(error, errors.StatusError) and error.detail == detail
    assert error.status_code == error.response.status_code == status
    assert error.response.content == (b"" if status == 204 else content)
    assert str(error.request.url).startswith(server.url)
    assert str(error).startswith(f"{status} for GET {server.url}/v1/")
    assert len(server.requests) == 1, "a redirect was followed"
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.detail) == (expected, str(error), detail)


def test_faults_of_parameters_are_readable(server: StubServer) -> None:
    server.status, server.body = 422, FAULTS
    with Client(server.url) as client, pytest.raises(errors.UnprocessableEntityError) as raised:
        list_workflow_runs.sync(DEFINITION_ID, client=client)
    [fault] = raised.value.faults
    assert (fault.loc, fault.msg, fault.type) == (["query", "limit"], "too large", "x")


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", ""),
        (b"<html></html>", ""),
        (b"null", ""),
        (b"[]", ""),
        (b'{"items": [], "total": 0, "limit": 20', ""),
        (body({**EMPTY_PAGE, "total": None}), "total"),
        (body({**EMPTY_PAGE, "total": -1}), "total"),
        (body({**EMPTY_PAGE, "items": [7]}), "items.0"),
        *(
            (body(changed("items", 0, *path, to=value)), ".".join(("items", "0", *path)))
            for path, value in (
                (("id",), None),
                (("id",), 7),
                (("status",), 1),
                (("started_at",), "yesterday"),
                (("started_at",), "2026-04-14T09:30:00"),
                (("run_snapshot", "sources"), {}),
                (("run_snapshot", "max_run_duration_seconds"), "300"),
            )
        ),
        (body(changed("items", 0, "error", without=True)), "items.0.error"),
    ],
)
def test_a_body_that_does_not_match_the_contract_is_raised(
    reading: Callable[..., object], server: StubServer, content: bytes, path: str
) -> None:
    server.body = content
    with Client(server.url) as client, pytest.raises(errors.DecodingError) as raised:
        reading(DEFINITION_ID, client=client)
    assert [fault_path for fault_path, _ in raised.value.faults] == [path]
    assert (path or "the body") in str(raised.value)
    assert raised.value.response is not None and raised.value.response.content == content


@pytest.mark.parametrize(
    ("path", "value", "strict"),
    [
        (("items", 0, "status"), "CANCELLED", False),
        (("items", 0, "priority"), 7, False),
        (("items", 0, "status"), "CANCELLED", True),
        (("items", 0, "priority"), 7, True),
    ],
)
def test_unknown_fields_and_values_are_kept_unless_strict(
    reading: Callable[..., object], server: StubServer, path: tuple[str | int, ...], value: object, strict: bool
) -> None:
    server.page = changed(*path, to=value)
    # The `Content-Type` is ignored.
    server.headers = {"Content-Type": "text/html"}
    with Client(server.url, strict=strict) as client:
        if strict:
            with pytest.raises(errors.DecodingError, match=".".join(map(str, path))):
                reading(DEFINITION_ID, client=client)
        else:
            page: Any = reading(DEFINITION_ID, client=client)
            assert getattr(getattr(page, "items", page)[0], str(path[-1])) == value
