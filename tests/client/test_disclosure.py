"""Errors and logs contain no credentials, and text of a server only escaped and shortened."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

import ks_workflow_runs
from ks_workflow_runs import ApiError, AuthenticatedClient, Retry, errors
from tests.client.calls import CALLS, READERS
from tests.client.pages import changed
from tests.client.stub_server import StubServer, read_request, socket_server
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(10)

TOKEN = "a.token/that+is-long~enough"
COOKIE = "a-cookie-that-is-long"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\nINFO all is well\u202e\u2028\x85\x00" + "x" * 10**6


def all_text_of(error: BaseException) -> str:
    """Return all text of an error and its causes that logs, debuggers and other processes may see."""
    seen: list[str] = []
    each: BaseException | None
    for each in (error, error.__cause__, error.__context__):
        if each is not None:
            seen += [str(each), repr(each), repr(getattr(each, "__dict__", "")), *traceback.format_exception(each)]
            request = getattr(each, "request", None) if isinstance(each, ApiError) or "_request" in vars(each) else None
            if request is not None:
                seen.append(repr(request.headers.raw))
            seen += [repr(getattr(each, name, "")) for name in ("detail", "faults", "response")]
    assert error.__context__ in (None, error.__cause__)
    return "\n".join([*seen, repr(pickle.dumps(error)), repr(getattr(error.response, "content", ""))])  # type: ignore[attr-defined]


def error_of(url: str, reading: Callable[..., object], **arguments: Any) -> ApiError:
    client = AuthenticatedClient(url, TOKEN, ks_uat=COOKIE, retry=Retry(max_retries=1, backoff=0.0), **arguments)
    with client, pytest.raises(ApiError) as raised:
        reading(seed.DEFINITION_ID, client=client)
    return raised.value


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "with its scheme": lambda secret: f"Bearer {secret}",
    "in capitals": str.upper,
    "quoted": lambda secret: json.dumps({"got": secret}),
    "in an address": lambda secret: secret.replace("/", "%2F").replace("+", "%2B"),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 of the header": lambda secret: base64.b64encode(f"Bearer {secret}".encode()).decode(),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(f"x{secret}".encode()).decode(),
    "hexadecimal": lambda secret: secret.encode().hex(),
}


@pytest.mark.parametrize("reading", [READERS["sync"], READERS["aiter"]], ids=["sync", "aiter"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [TOKEN, COOKIE])
@pytest.mark.parametrize("status", [401, 422, 503, 200])
def test_an_echoed_credential_is_redacted(
    reading: Callable[..., object],
    server: StubServer,
    caplog: pytest.LogCaptureFixture,
    status: int,
    secret: str,
    encoding: str,
) -> None:
    echoed = ENCODINGS[encoding](secret)
    server.status = status
    server.headers = {"X-Echo": echoed.replace("\n", ""), "WWW-Authenticate": f'Bearer realm="{echoed}"'}
    detail: object = f"you sent {echoed}"
    if status == 422:
        detail = [{"loc": ["header", echoed], "msg": echoed, "type": echoed, "input": echoed}]
    page = changed("items", 0, "id", to=echoed)
    server.body = json.dumps(page if status == 200 else {"detail": detail, echoed: echoed}).encode()
    with caplog.at_level(logging.DEBUG, ks_workflow_runs.__name__):
        error = error_of(server.url, reading)
    text = all_text_of(error) + caplog.text
    core = echoed.rstrip("=")
    # In base64, the characters at both ends also depend on the neighbours of the secret.
    core = core[8:-4] if "base64" in encoding else core
    assert core.lower() not in text.lower() and secret.lower() not in text.lower()
    assert status == 200 or "***" in str(error)


@pytest.mark.parametrize("strict", [False, True])
def test_an_escaped_credential_is_redacted(server: StubServer, strict: bool) -> None:
    body = json.dumps(changed("items", 0, "SECRET", to=1)).replace("SECRET", escaped(TOKEN))
    server.body = body.encode() if strict else b'{"detail": "%b"}' % escaped(TOKEN).encode()
    server.status = 200 if strict else 401
    error = error_of(server.url, CALLS["sync"], strict=strict)
    assert TOKEN not in all_text_of(error) and escaped(TOKEN) not in all_text_of(error)
    assert "***" in str(error)


def sends(data: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def handle(connection: socket.socket, ends: threading.Event) -> None:
        while True:
            read_request(connection)
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

    return handle


@pytest.mark.parametrize(
    "data",
    [
        f"HTTP/1.1 {TOKEN}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\n{TOKEN}\r\n\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nX: \x1b[2J\x07\r\n\r\n",
        b"\x1b[2J" * 2000,
        b"HTTP/1.1 200 OK\r\nContent-Length: \x1b[2J\r\n\r\n",
    ],
)
def test_invalid_http_is_escaped_and_redacted(reading: Callable[..., object], data: bytes) -> None:
    with socket_server(sends(data)) as address:
        error = error_of(f"http://{address}", reading)
    text = all_text_of(error)
    assert TOKEN not in text and COOKIE not in text and "\x1b" not in text and len(str(error)) < 1000


def test_the_cause_has_no_credential(reading: Callable[..., object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = error_of(f"http://127.0.0.1:{port}", reading)
    cause = error.__cause__
    assert isinstance(cause, httpx2.ConnectError)
    assert not {"authorization", "cookie"} & cause.request.headers.keys()
    assert TOKEN not in all_text_of(error) and COOKIE not in all_text_of(error)


@pytest.mark.parametrize("status", [200, 401, 422, 429, 503, 418])
def test_text_of_a_server_is_escaped_and_shortened(
    reading: Callable[..., object], server: StubServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    server.status = status
    detail: object = HOSTILE
    if status == 422:
        detail = [{"loc": [HOSTILE], "msg": HOSTILE, "type": "x"}]
    server.body = json.dumps({"detail": detail} if status != 200 else {**changed(HOSTILE, to=1)}).encode()
    with caplog.at_level(logging.DEBUG, ks_workflow_runs.__name__):
        error = error_of(server.url, reading, strict=True)
    shown = [str(error), repr(error), "".join(traceback.format_exception_only(error))]
    shown += [record.getMessage() for record in caplog.records if record.name == ks_workflow_runs.__name__]
    if isinstance(error, errors.DecodingError):
        shown += [text for fault in error.faults for text in fault]
    for text in shown:
        assert text.removesuffix("\n").isprintable() and len(text) < 1000
    # `detail` is unchanged, as far as it was read.
    assert status not in (401, 429, 503, 418) or error.detail is None or error.detail.startswith("\x1b")


def test_the_callers_headers_are_not_in_errors(server: StubServer, reading: Callable[..., object]) -> None:
    server.status = 401
    server.body = b'{"detail": "wrong key 4b1d-9c77-secret"}'
    error = error_of(server.url, reading, headers={"X-Api-Key": "4b1d-9c77-secret", "X-Team": "a"})
    assert "4b1d-9c77-secret" not in all_text_of(error)
    assert error.request is not None and error.request.headers.keys() >= {"host", "user-agent"}
