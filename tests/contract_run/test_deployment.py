"""Runs on deployments: what is sent, which definitions are judged, limits, and TLS below a path prefix."""

import http.client
import re
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from fastapi import HTTPException, Request, Response

from tests.contract_run.conftest import OURS, verdict_line, verdict_of
from tests.http_server import in_thread
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

DEFINITION_ID = uuid.UUID(seed.DEFINITION_ID)

Contract = Callable[..., subprocess.CompletedProcess[str]]


class Recording(ReferenceServer):
    """Records requests, and sets a cookie with each page."""

    def __init__(self) -> None:
        super().__init__()
        self.methods: set[str] = set()
        self.queries: set[str] = set()
        self.cookies: set[str] = set()
        self.number = 0

    def check_method(self, request: Request) -> None:
        self.methods.add(request.method)
        self.queries.add(request.url.query)
        self.cookies |= request.cookies.keys()
        self.number += 1
        super().check_method(request)

    def list_runs(self, request: Request) -> Response:
        response = super().list_runs(request)
        response.set_cookie("tracked", "yes")
        return response


def test_a_deployment_gets_only_get_requests_and_no_cookies_of_its_own(contract_on: Contract) -> None:
    server = Recording()
    with running(server) as base_url:
        result = contract_on(base_url, KS_UAT=seed.KS_UAT, DEFINITION_ID=seed.DEFINITION_ID.upper())
    assert result.returncode == 0, result.stdout + result.stderr
    assert server.methods == {"GET"}
    assert "ks_uat" in server.cookies and "tracked" not in server.cookies
    # URLs are logged.
    assert not any(secret in query for query in server.queries for secret in (seed.TOKEN, seed.KS_UAT))
    for variable in ("ALL_METHODS", "EMPTY_DEFINITION_ID", "FOREIGN_DEFINITION_ID"):
        assert variable in result.stdout


@pytest.mark.full
def test_all_methods_sends_other_methods_to_a_deployment(contract_on: Contract) -> None:
    server = Recording()
    with running(server) as base_url:
        # The session cookie alone is sufficient.
        foreign = seed.FORBIDDEN_DEFINITION_ID
        result = contract_on(base_url, ALL_METHODS="1", TOKEN="", KS_UAT=seed.KS_UAT, FOREIGN_DEFINITION_ID=foreign)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= server.methods
    assert "ALL_METHODS" not in result.stdout
    # The given definition is of the kind that is a 403.
    assert "a definition of another tenant, refused with 404" in " ".join(result.stdout.split())
    assert "a definition without access" not in result.stdout


@pytest.mark.full
def test_given_ids_are_judged(contract_on: Contract) -> None:
    foreign = f"{seed.FOREIGN_DEFINITION_ID},{seed.FORBIDDEN_DEFINITION_ID}"
    with running() as base_url:
        given = {"EMPTY_DEFINITION_ID": seed.EMPTY_DEFINITION_ID, "FOREIGN_DEFINITION_ID": foreign}
        result = contract_on(base_url, *OURS, KS_UAT=seed.KS_UAT, **given)
        accused = contract_on(base_url, *OURS, FOREIGN_DEFINITION_ID=seed.EMPTY_DEFINITION_ID, FAIL_FAST="1")
        excused = contract_on(
            base_url, *OURS, FOREIGN_DEFINITION_ID=seed.EMPTY_DEFINITION_ID, EXCLUDE_CHECKS="foreign_id_hidden"
        )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"403: [1-9]", result.stdout)
    left = "methods other than GET (ALL_METHODS=1 sends them)"
    assert verdict_line(result, "not judged") == f"{left}; no 429 came (5 promises); no 503 came (2 promises)"
    assert verdict_of(accused).keys() == {"foreign_id_hidden"}
    assert excused.returncode == 0
    assert "foreign_id_hidden (EXCLUDE_CHECKS)" in " ".join(excused.stdout.split())


class TwoDefinitions(ReferenceServer):
    """Shows the runs of the first definition for the empty one as well, with a fault in each."""

    def render_page(self, total: int, runs: Any, parameters: Parameters) -> dict[str, Any]:
        page = super().render_page(total, runs, parameters)
        for run in page["items"]:
            run["workflow_definition_id"] = str(parameters.definition_id)
        return page

    def load_page(self, session: Any, parameters: Parameters) -> Any:
        return super().load_page(session, replace(parameters, definition_id=DEFINITION_ID))


@pytest.mark.full
def test_several_definitions_are_all_read(contract_on: Contract) -> None:
    with running(TwoDefinitions()) as base_url:
        both = contract_on(base_url, *OURS, DEFINITION_ID=f"{seed.DEFINITION_ID}, {seed.EMPTY_DEFINITION_ID}")
    # Runs of the second definition have a snapshot of the first, and the ids of its runs.
    assert verdict_of(both).keys() == {"snapshot_of_the_run", "unique_ids"}


class Throttling(ReferenceServer):
    """Every n-th request gets a 429; counts requests that come too early."""

    def __init__(self, seconds: int, every: int) -> None:
        super().__init__()
        self.seconds, self.every = seconds, every
        self.requests = count(1)
        self.open_from = 0.0
        self.too_early = 0

    def list_runs(self, request: Request) -> Response:
        self.too_early += time.monotonic() < self.open_from
        if next(self.requests) % self.every == 0:
            self.open_from = time.monotonic() + self.seconds
            raise HTTPException(429, "Quota exceeded", {"Retry-After": str(self.seconds)})
        return super().list_runs(request)


def test_a_quota_is_obeyed(contract_on: Contract) -> None:
    """Before each kind of response was seen. test_a_short_outage_is_waited_out shows that a run continues."""
    server = Throttling(3600, every=9)
    with running(server) as base_url:
        result = contract_on(base_url, *OURS)
    assert result.returncode == 2 and server.too_early == 0
    assert "problem: too few requests were sent for a verdict: the quota was exceeded (429)" in result.stderr


def test_max_time_and_rate_limit_hold(contract_on: Contract) -> None:
    server = Recording()
    with running(server) as base_url:
        result = contract_on(base_url, RATE_LIMIT="10/s", MAX_TIME="2")
    assert result.returncode == 2
    assert "MAX_TIME (2 s) was over" in result.stderr
    # Preflight requests are included. The number depends on the machine.
    assert 0 < server.number < 30


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private CA's certificate (ca.pem), and a server's certificate and key (server.pem)."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return folder


@contextmanager
def reverse_proxy(upstream: str, prefix: str, certificate: Path) -> Iterator[str]:
    """Serves what is at `upstream`, with TLS and below a path prefix."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            connection = http.client.HTTPConnection(urlsplit(upstream).netloc)
            connection.request("GET", self.path.removeprefix(prefix), headers=dict(self.headers.items()))
            response = connection.getresponse()
            body = response.read()
            connection.close()
            self.send_response(response.status)
            for name, value in response.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # Responses are written in two parts; the second would wait for the first one's ACK.
    server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with in_thread(server):
        yield f"https://127.0.0.1:{server.server_address[1]}{prefix}/"


@pytest.mark.full
def test_a_deployment_below_a_path_prefix_with_a_private_ca(contract_on: Contract, certificates: Path) -> None:
    with running() as upstream, reverse_proxy(upstream, "/some/api", certificates / "server.pem") as base_url:
        untrusted = contract_on(base_url)
        result = contract_on(base_url, *OURS, REQUESTS_CA_BUNDLE=str(certificates / "ca.pem"))
    assert untrusted.returncode == 2
    assert "problem: no secure connection" in untrusted.stderr
    assert "certificate verify failed" in untrusted.stderr
    assert "REQUESTS_CA_BUNDLE=/path/to/ca.pem" in untrusted.stderr
    assert result.returncode == 0, result.stdout + result.stderr
