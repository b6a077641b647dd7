"""The clients: settings, credentials, connections and cookies."""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
import threading
import warnings
from typing import Any

import httpx2
import pytest
import trustme

from ks_workflow_runs import (
    CONTRACT_VERSION,
    AuthenticatedClient,
    Client,
    Retry,
    errors,
)
from ks_workflow_runs._cookies import CallerCookies
from ks_workflow_runs._sending import PreparedRequest, _Attempts
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from ks_workflow_runs.client import USER_AGENT
from tests.client import pages
from tests.client.calls import Call
from tests.client.stub_server import StubServer, stub_server
from tests.reference_server import seed

pytestmark = pytest.mark.sampled(20)

EMPTY_PAGE = json.dumps(pages.EMPTY_PAGE).encode()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KS_BASE_URL", "KS_TOKEN", "KS_UAT"):
        monkeypatch.delenv(name, raising=False)


# --- settings -------------------------------------------------------------------------------------------------------


def test_settings_come_from_the_environment(server: StubServer, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    server.body = EMPTY_PAGE
    for name, value in {"KS_BASE_URL": server.url, "KS_TOKEN": "env-token", "KS_UAT": "env-cookie"}.items():
        monkeypatch.setenv(name, value)
    with AuthenticatedClient() as client:
        call(seed.DEFINITION_ID, client=client)
    with AuthenticatedClient(token="given") as client:
        call(seed.DEFINITION_ID, client=client)
    first, second = (headers for _, headers in server.requests)
    assert (first["Authorization"], first["Cookie"]) == ("Bearer env-token", "ks_uat=env-cookie")
    assert second["Authorization"] == "Bearer given"


def test_the_user_agent_names_package_and_contract(server: StubServer, call: Call) -> None:
    server.body = EMPTY_PAGE
    with Client(server.url) as client:
        call(seed.DEFINITION_ID, client=client)
    with Client(server.url, headers={"User-Agent": "mine", "X-Team": "a"}) as client:
        call(seed.DEFINITION_ID, client=client)
    first, second = (headers for _, headers in server.requests)
    assert first["User-Agent"] == USER_AGENT and USER_AGENT.endswith(f"+contract.{CONTRACT_VERSION}")
    assert (second["User-Agent"], second["X-Team"]) == ("mine", "a")


def test_header_names_are_case_insensitive(server: StubServer) -> None:
    server.body = EMPTY_PAGE
    with Client(server.url, token="a-token", headers={"authorization": "Bearer other", "user-agent": "mine"}) as client:
        list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
        list_workflow_runs.sync(seed.DEFINITION_ID, client=client, authorization="Bearer third")
    first, second = (headers for _, headers in server.requests)
    assert first.get_all("Authorization") == ["Bearer a-token"] and first.get_all("User-Agent") == ["mine"]
    assert second.get_all("Authorization") == ["Bearer third"]


def test_cookies_of_a_server_are_not_sent_back(server: StubServer, call: Call) -> None:
    server.body = EMPTY_PAGE
    server.headers = {"Set-Cookie": "ks_uat=other; Path=/"}
    with Client(server.url, ks_uat="mine") as client:
        for _ in range(2):
            list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
    assert [headers.get_all("Cookie") for _, headers in server.requests] == [["ks_uat=mine"]] * 2


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://ks.example.com", True),
        ("http://192.0.2.7:8000", True),
        ("https://ks.example.com", False),
        ("http://localhost:8000", False),
        ("http://127.0.0.9", False),
        ("http://[::1]:8000", False),
    ],
)
def test_an_unencrypted_credential_warns_except_on_loopback(url: str, warned: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Client(url, token="a-token")
    assert [("unencrypted" in str(warning.message), warning.filename) for warning in caught] == (
        [(True, __file__)] if warned else []
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Client(url)


def test_ipv6_addresses_are_accepted(call: Call) -> None:
    # Nothing listens there. An attempt to connect is enough.
    with (
        Client("http://[::1]:9", retry=Retry(max_retries=0)) as client,
        pytest.raises(errors.ApiConnectionError, match="::1"),
    ):
        call(seed.DEFINITION_ID, client=client)


def test_default_timeouts_are_finite() -> None:
    with Client("http://127.0.0.1") as client:
        timeout = client.get_httpx_client().timeout
    assert None not in (timeout.connect, timeout.read, timeout.write, timeout.pool)


def test_repr_shows_no_credential() -> None:
    client = AuthenticatedClient("http://127.0.0.1/api", "a-token", ks_uat="a-cookie")
    assert repr(client) == "AuthenticatedClient('http://127.0.0.1/api')"
    assert str(client) == repr(client)


def test_certificates_are_verified_against_the_given_authority(call: Call) -> None:
    authority = trustme.CA()
    tls, private = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.configure_trust(private)
    with stub_server(tls) as server:
        server.body = EMPTY_PAGE
        # Two clients with the default verification, which all clients share.
        for _ in range(2):
            with (
                Client(server.url, token="a-token", retry=Retry(max_retries=0)) as client,
                pytest.raises(errors.ApiConnectionError, match="CERTIFICATE_VERIFY_FAILED"),
            ):
                call(seed.DEFINITION_ID, client=client)
        assert not server.requests
        for trust in (private, False):
            with Client(server.url, token="a-token", verify_ssl=trust) as client:
                assert call(seed.DEFINITION_ID, client=client).total == 0


def test_the_callers_transport_is_used(server: StubServer) -> None:
    server.body = EMPTY_PAGE
    sent: list[httpx2.Request] = []

    class Transport(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            sent.append(request)
            return super().handle_request(request)

    with Client(server.url, httpx_args={"transport": Transport()}) as client:
        list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
    assert len(sent) == len(server.requests) == 1


@pytest.mark.parametrize("timeout", [None, float("inf"), httpx2.Timeout(None), 1e300])
@pytest.mark.parametrize("total", [float("inf"), 60.0])
def test_infinite_timeouts_are_accepted(call: Call, server: StubServer, timeout: Any, total: float) -> None:
    server.body = EMPTY_PAGE
    with Client(server.url, timeout=timeout, retry=Retry(total=total)) as client:
        assert call(seed.DEFINITION_ID, client=client).total == 0


def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, call: Call, server: StubServer) -> None:
    server.body = EMPTY_PAGE
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    for no_proxy, through in {"": True, "other.example": True, "*": False, "192.0.2.0/24": False}.items():
        monkeypatch.setenv("no_proxy", no_proxy)
        del server.requests[:]
        with Client("http://192.0.2.7", timeout=0.2, retry=Retry(max_retries=0)) as client:
            if through:
                assert call(seed.DEFINITION_ID, client=client).total == 0
                assert server.requests[0][0].startswith("http://192.0.2.7/v1/")
            else:
                with pytest.raises(errors.ApiConnectionError):
                    call(seed.DEFINITION_ID, client=client)
                assert not server.requests


def test_thousands_of_retries_are_possible() -> None:
    request = httpx2.Request("GET", "http://127.0.0.1/")
    retry = Retry(max_retries=10**9, max_backoff=float("inf"), total=float("inf"))
    with httpx2.Client() as http:
        attempts = _Attempts(PreparedRequest(request, [200], retry, CallerCookies(http), keeps_deadline=True))
    for _ in range(3000):
        attempts.begin()
    assert attempts.wait_after(errors.ApiConnectionError("x")) <= 10**6


# --- connections ----------------------------------------------------------------------------------------------------


def test_connections_are_pooled_and_closed(server: StubServer) -> None:
    server.body = EMPTY_PAGE
    with Client(server.url) as client:
        list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
        http = client.get_httpx_client()
        list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
        assert client.get_httpx_client() is http and not http.is_closed
    assert http.is_closed
    # It can be used again.
    list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
    client.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("closed", [True, False])
def test_a_client_works_in_one_event_loop_after_another(server: StubServer, closed: bool) -> None:
    server.body = EMPTY_PAGE
    client = Client(server.url)

    async def scenario() -> None:
        await list_workflow_runs.asyncio(seed.DEFINITION_ID, client=client)
        if closed:
            await client.aclose()

    asyncio.run(scenario())
    asyncio.run(scenario())
    asyncio.run(client.aclose())
    assert len(server.requests) == 2
    # Collect unclosed connections here, where their warnings are expected.
    gc.collect()


def test_the_callers_client_is_used_and_not_closed(server: StubServer) -> None:
    server.body = EMPTY_PAGE
    with httpx2.Client(headers={"X-Own": "yes"}, follow_redirects=True) as own:
        with Client(server.url, token="a-token").set_httpx_client(own) as client:
            list_workflow_runs.sync(seed.DEFINITION_ID, client=client.set_async_httpx_client(httpx2.AsyncClient()))
        assert not own.is_closed
        server.status, server.headers = 302, {"Location": server.url}
        with pytest.raises(errors.StatusError):
            list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
    assert [headers["X-Own"] for _, headers in server.requests] == ["yes", "yes"]
    assert server.requests[0][1]["Authorization"] == "Bearer a-token"


def test_the_callers_async_client_is_used_and_not_closed(server: StubServer) -> None:
    server.body = EMPTY_PAGE

    async def scenario() -> None:
        async with httpx2.AsyncClient(headers={"X-Own": "yes"}) as own:
            async with Client(server.url).set_async_httpx_client(own) as client:
                await list_workflow_runs.asyncio(seed.DEFINITION_ID, client=client)
            assert not own.is_closed

    asyncio.run(scenario())
    assert server.requests[0][1]["X-Own"] == "yes"


def test_threads_and_tasks_may_share_a_client(reference_url: str) -> None:
    totals: list[int] = []
    with AuthenticatedClient(reference_url, seed.TOKEN) as client:

        def read() -> None:
            totals.append(list_workflow_runs.sync(seed.DEFINITION_ID, client=client).total)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        async def scenario() -> None:
            async with client:
                calls = [list_workflow_runs.asyncio(seed.DEFINITION_ID, client=client) for _ in range(8)]
                totals.extend(page.total for page in await asyncio.gather(*calls))

        asyncio.run(scenario())
    assert totals == [137] * 16


# --- cookies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["own", "given", "given with cookies", "own with cookies"])
@pytest.mark.parametrize("way", ["sync", "asyncio"])
def test_no_cookie_of_a_server_is_kept(server: StubServer, kind: str, way: str) -> None:
    server.body = EMPTY_PAGE
    server.headers = {"Set-Cookie": "ks_uat=theirs; Path=/", "set-cookie": "route=theirs; Path=/v1/"}
    cookies = {"route": "mine"} if "with" in kind else None
    own: Any = {"sync": httpx2.Client, "asyncio": httpx2.AsyncClient}[way](cookies=cookies)
    client = AuthenticatedClient(server.url, "a-token", httpx_args={"cookies": cookies})
    if kind.startswith("given"):
        client = AuthenticatedClient(server.url, "a-token")
        client.set_httpx_client(own) if way == "sync" else client.set_async_httpx_client(own)

    async def scenario() -> int:
        async with client:
            for _ in range(3):
                await list_workflow_runs.asyncio(seed.DEFINITION_ID, client=client)
            kept = len(client.get_async_httpx_client().cookies)
            await own.aclose()
            return kept

    if way == "sync":
        for _ in range(3):
            list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
        kept = len(client.get_httpx_client().cookies)
        client.close()
        own.close()
    else:
        kept = asyncio.run(scenario())
    expected = ["route=mine"] if cookies else None
    assert [headers.get_all("Cookie") for _, headers in server.requests] == [expected] * 3
    assert kept == (1 if cookies else 0)


def test_many_cookies_of_a_server_do_not_grow_a_request(server: StubServer) -> None:
    server.body = EMPTY_PAGE
    with AuthenticatedClient(server.url, "a-token") as client:
        for number in range(40):
            server.headers = {"Set-Cookie": f"c{number}={'x' * 4000}; Path=/"}
            list_workflow_runs.sync(seed.DEFINITION_ID, client=client)
    assert all("Cookie" not in headers for _, headers in server.requests) and len(server.requests) == 40
