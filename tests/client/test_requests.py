"""The client builds requests itself, for speed. They equal those that httpx2 builds."""

from __future__ import annotations

import string
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ks_workflow_runs import Client, errors
from ks_workflow_runs.api.workflow_definitions import list_workflow_runs
from ks_workflow_runs.client import DEFAULT_TIMEOUT
from tests.reference_server.seed import DEFINITION_ID

ADDRESSES = [
    *(
        "http://127.0.0.1:8000",
        "https://KS.example.com:443/",
        "https://ks.example.com/api/",
        "https://ks.example.com/a%20b",
    ),
    *("http://[::1]:8080/v1", "https://b\u00fccher.example/\u00fc/../x", "https://ks.example.com/a'(b)*;@c"),
]
TEXTS = st.text(string.ascii_letters + string.digits + "%+&=", min_size=1, max_size=5)
HEADERS = st.dictionaries(st.sampled_from(["X-Team", "x-TEAM", "accept", "User-Agent", "Cookie", "HOST"]), TEXTS)
OF_HTTPX2 = st.fixed_dictionaries(
    {"headers": HEADERS},
    optional={
        "params": st.dictionaries(st.sampled_from(["limit", "tenant"]), TEXTS),
        "cookies": st.dictionaries(st.sampled_from(["a", "b"]), st.text(string.ascii_letters, min_size=1)),
    },
)


def sent(address: str, headers: dict[str, str], of_httpx2: dict[str, Any], query: dict[str, Any], *, own: bool) -> Any:
    """Return the request that reaches the transport."""
    requests: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(200)

    arguments = {"timeout": DEFAULT_TIMEOUT, "transport": httpx2.MockTransport(answer), **of_httpx2}
    client = Client(address, headers=headers, httpx_args=arguments)
    if not own:
        client.set_httpx_client(httpx2.Client(**arguments))
    client.send(list_workflow_runs.build_call(DEFINITION_ID, **query))
    request = requests[0]
    # The order does not matter.
    raw = sorted((name.lower(), value) for name, value in request.headers.raw)
    return request.method, request.url, str(request.url), raw, request.content, request.extensions["timeout"]


@settings(deadline=None, max_examples=60)
@given(
    address=st.sampled_from(ADDRESSES),
    headers=HEADERS,
    of_httpx2=OF_HTTPX2,
    query=st.fixed_dictionaries(
        {},
        optional={
            "limit": st.none() | st.integers(1, 100),
            "offset": st.none() | st.integers(0, 2**40),
            "authorization": TEXTS,
            "ks_uat": st.text(string.ascii_letters, min_size=1),
        },
    ),
)
def test_requests_equal_those_that_httpx2_builds(
    address: str, headers: dict[str, str], of_httpx2: dict[str, Any], query: dict[str, Any]
) -> None:
    ours = sent(address, headers, of_httpx2, query, own=True)
    assert ours == sent(address, headers, of_httpx2, query, own=False)


def test_settings_changed_between_calls_apply() -> None:
    requests: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        requests.append(request)
        return httpx2.Response(200)

    client = Client("http://127.0.0.1:8000", httpx_args={"transport": httpx2.MockTransport(answer)})
    call = list_workflow_runs.build_call(DEFINITION_ID)
    client.send(call)
    http = client.get_httpx_client()
    http.headers["X-Team"], http.params, http.timeout = "b", httpx2.QueryParams(tenant="c"), httpx2.Timeout(7.0)
    client.send(call)
    first, second = requests
    assert "X-Team" not in first.headers and second.headers["X-Team"] == "b"
    assert dict(second.url.params) == {**first.url.params, "tenant": "c"}
    assert set(second.extensions["timeout"].values()) == {7.0}


def test_a_too_long_address_is_a_configuration_error() -> None:
    with pytest.raises(errors.ConfigurationError, match="the address of the request is invalid"):
        Client("http://127.0.0.1:8000/" + "a" * 65_500).send(list_workflow_runs.build_call(DEFINITION_ID))
