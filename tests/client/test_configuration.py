"""Invalid arguments and settings are refused as one kind of error, before anything is sent."""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any

import httpx2
import pytest

from ks_workflow_runs import (
    AuthenticatedClient,
    Client,
    Retry,
    aiter_pages,
    errors,
    iter_pages,
    iter_workflow_runs,
)
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from tests.client import pages
from tests.client.calls import Call
from tests.client.stub_server import StubServer
from tests.reference_server import seed

EMPTY_PAGE = json.dumps(pages.EMPTY_PAGE).encode()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KS_BASE_URL", "KS_TOKEN", "KS_UAT"):
        monkeypatch.delenv(name, raising=False)


# --- arguments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        *("", "..", "a/b", "6f1c2f0e6c0b4a589a3e0d6f4c1b7a10", f"{{{seed.DEFINITION_ID}}}", f"{seed.DEFINITION_ID}\n"),
        *(f"urn:uuid:{seed.DEFINITION_ID}", None, 7, b"6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10"),
    ],
)
def test_an_invalid_uuid_is_refused(call: Call, server: StubServer, value: Any) -> None:
    with Client(server.url) as client:
        with pytest.raises(errors.ConfigurationError, match=f"'{pages.IN_PATH}' must be a UUID"):
            call(value, client=client)
        for start in (iter_pages, aiter_pages, iter_workflow_runs):
            with pytest.raises(ValueError, match="definition_id"):
                start(client, value)
    assert not server.requests


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", value) for value in (0, pages.MOST + 1, -1, True, 1.0, "20", 10**30)]
    + [("offset", value) for value in (-1, False, 0.0, "0")]
    + [("authorization", value) for value in ("", "Bearer x\r\nX: y", "Bearer \x00", "Bearer ä", " Bearer x", 7)]
    + [("ks_uat", value) for value in ("", "a;b", "a b", "a,b", 'a"b', "a\\b", "a\r\nb", "ä", 7)],
)
def test_invalid_parameters_are_refused(call: Call, server: StubServer, name: str, value: Any) -> None:
    with Client(server.url) as client, pytest.raises(errors.ConfigurationError, match=f"'{name}' must") as raised:
        call(seed.DEFINITION_ID, client=client, **{name: value})
    assert not server.requests
    assert raised.value.request is None and raised.value.response is None and raised.value.status_code is None


BOUNDS = {"page_size": (1, pages.MOST + 1), "concurrency": (0, 65)}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in ("page_size", "concurrency", "limit", "offset") for value in (-1, 1.5, "9")]
    + [(name, value) for name, bounds in BOUNDS.items() for value in bounds],
)
def test_pagers_refuse_invalid_arguments_at_once(name: str, value: Any) -> None:
    with Client("http://127.0.0.1") as client, pytest.raises(errors.ConfigurationError, match=name):
        iter_workflow_runs(client, seed.DEFINITION_ID, **{name: value})


@pytest.mark.parametrize(
    "value",
    [
        *("", "host", "ftp://host", "http://", "//host", "http://host/?a=b", "http://host/#a", "http://host:99999", 7),
        *("http://user:pass-word@host", "http://ho st"),
    ],
)
def test_an_invalid_base_url_is_refused(value: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="base_url") as raised:
        Client(value)
    assert "pass-word" not in str(raised.value)


@pytest.mark.parametrize("name", ["token", "ks_uat"])
@pytest.mark.parametrize("value", ["", "a b", "a;b", "a,b", 'a"b', "a\nb", "a\x00b", "ä", 7])
def test_an_invalid_credential_is_refused_and_not_shown(name: str, value: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match=f"'{name}' must") as raised:
        Client("http://127.0.0.1", **{name: value})
    assert len(str(value)) < 3 or str(value) not in str(raised.value)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\x00", "ä", "", 7])
def test_an_invalid_header_is_refused(value: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"'headers\.X-Team' must be"):
        Client("http://127.0.0.1", headers={"X-Team": value})


@pytest.mark.parametrize("name", ["max_retries", "backoff", "max_backoff", "max_retry_after", "total"])
@pytest.mark.parametrize("value", [-1, float("nan"), "3", None])
def test_an_invalid_retry_is_refused(name: str, value: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match=name):
        Retry(**{name: value})


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(errors.ConfigurationError, match="KS_BASE_URL"):
        Client()
    with pytest.raises(errors.ConfigurationError, match="KS_TOKEN or KS_UAT"):
        AuthenticatedClient("http://127.0.0.1")


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", [10**5000, -(10**5000), 2**4096], ids=["long", "negative", "binary"])
def test_a_huge_integer_is_refused(call: Call, server: StubServer, name: str, value: int) -> None:
    with Client(server.url) as client:
        with pytest.raises(errors.ConfigurationError, match=f"'{name}' must") as raised:
            call(seed.DEFINITION_ID, client=client, **{name: value})
        arguments: Any = {name: value}
        for start in (iter_pages, aiter_pages, iter_workflow_runs):
            if start is iter_workflow_runs or name == "offset":
                with pytest.raises(errors.ConfigurationError, match=f"'{name}' must"):
                    start(client, seed.DEFINITION_ID, **arguments)
    assert len(str(raised.value)) < 200 and not server.requests


def test_a_huge_integer_is_refused_as_a_uuid(call: Call) -> None:
    message = f"'{pages.IN_PATH}' must"
    with Client("http://127.0.0.1") as client, pytest.raises(errors.ConfigurationError, match=message):
        call(10**5000, client=client)


@pytest.mark.parametrize(
    "value",
    [
        *(-1, 0, -0.5, float("nan"), "5", True, httpx2.Timeout(-1), httpx2.Timeout(5, read=-1), (5, -1)),
        httpx2.Timeout(5, pool=float("nan")),
    ],
)
def test_an_invalid_timeout_is_refused(value: Any) -> None:
    for arguments in ({"timeout": value}, {"httpx_args": {"timeout": value}}):
        with pytest.raises(errors.ConfigurationError, match="'timeout' must be"):
            Client("http://127.0.0.1", **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"proxy": "nonsense"},
        {"proxy": "ftp://user:pass-word@127.0.0.1"},
        {"proxy": "http://user:pass-word@127.0.0.1:port"},
        {"proxy": "socks5://user:pass-word@127.0.0.1:1"},
        {"proxy": 7},
        {"no_such_argument": 1},
        {"cert": "/no/such/file"},
        {"http2": True, "http1": False, "verify": "/no/such/file"},
        {"mounts": {"nonsense": None}},
    ],
)
def test_settings_that_httpx2_refuses_are_configuration_errors(call: Call, arguments: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        # httpx2 deprecates some of these arguments.
        warnings.simplefilter("ignore")
        with (
            Client("http://127.0.0.1", httpx_args=arguments) as client,
            pytest.raises(errors.ConfigurationError) as raised,
        ):
            call(seed.DEFINITION_ID, client=client)
    assert "pass-word" not in str(raised.value) and raised.value.__context__ is None


@pytest.mark.parametrize("host", ["a" * 64 + ".com", "a..b", "x" * 300])
def test_an_invalid_host_name_is_refused(host: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="'base_url' must be"):
        Client(f"http://{host}/")


def test_a_closed_client_of_the_caller_is_a_configuration_error(server: StubServer) -> None:
    own = httpx2.Client()
    own.close()
    client = Client(server.url).set_httpx_client(own)
    with pytest.raises(errors.ConfigurationError, match="closed"):
        list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
    for concurrency in (1, 8):
        with pytest.raises(errors.ConfigurationError, match="closed"):
            list(iter_workflow_runs(client, seed.DEFINITION_ID, concurrency=concurrency))

    async def scenario() -> None:
        own = httpx2.AsyncClient()
        await own.aclose()
        client = Client(server.url).set_async_httpx_client(own)
        with pytest.raises(errors.ConfigurationError, match="closed"):
            await list_workflow_runs.asyncio(seed.DEFINITION_ID, client=client)

    asyncio.run(scenario())
