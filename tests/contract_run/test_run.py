"""A conforming server passes, a faulty one fails with the right finding; no secret is shown, no process left."""

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
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

from tests.contract.__main__ import REPORTS, curl_command
from tests.contract.redaction import without_secrets
from tests.contract.run import shell_word
from tests.contract_run.conftest import OURS, commanded, settings_for
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

ROOT = Path(__file__).parents[2]
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


class LimitNotEchoed(ReferenceServer):
    def render_page(self, total: int, runs: Any, parameters: Parameters) -> dict[str, Any]:
        return super().render_page(total, runs, parameters) | {"limit": 20}


class CutsShort(ReferenceServer):
    def list_runs(self, request: Request) -> Response:
        response = super().list_runs(request)
        if request.query_params.get("limit") == "99":
            response.headers["Content-Length"] = "1000000"
        return response


class OddBodies(ReferenceServer):
    """200 with bodies that our checks cannot read."""

    BODIES = (
        b"[]",
        b"{",
        b"null",
        b'{"items": 1}',
        b'{"items": [1, null], "total": "137", "limit": true}',
        b"\xff",
        b"",
    )

    def __init__(self) -> None:
        super().__init__()
        self.requests = count()

    def list_runs(self, request: Request) -> Response:
        super().list_runs(request)
        body = self.BODIES[next(self.requests) % len(self.BODIES)]
        return Response(body, media_type="application/json")


class TellsSecrets(ReferenceServer):
    """Its errors repeat the credentials."""

    def parse_parameters(self, request: Request) -> Parameters:
        try:
            return super().parse_parameters(request)
        except HTTPException:
            raise HTTPException(422, f"{request.headers.get('authorization')} {request.cookies}") from None


def verdict_of(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The findings of a failed run, by check."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert "VIOLATES THE CONTRACT" in result.stdout
    assert "\nnext: " in result.stdout
    # One screen, after the lines that show progress.
    assert len(result.stdout.partition("\n\n")[2].splitlines()) < 36
    unwrapped = re.sub(r"\n   (?!curl )", " ", result.stdout)
    return dict(re.findall(r"^\d\. (\w+)(?: \(\d+ requests\))?: (.*)", unwrapped, re.MULTILINE))


def verdict_line(result: subprocess.CompletedProcess[str], title: str) -> str:
    """Return the text of the verdict under a title."""
    below = result.stdout.partition(f"\n{title:<12}")[2]
    return " ".join(re.split(r"\n(?! )", below, maxsplit=1)[0].split())


def recorded_requests(reports: Path) -> set[tuple[str, str]]:
    """Return method and path of all recorded requests."""
    entries = json.loads((reports / "requests.har").read_text("utf-8"))["log"]["entries"]
    found = {(entry["request"]["method"], entry["request"]["url"].split("/", 3)[3]) for entry in entries}
    assert len(found) > 20
    return found


def assert_as_in_readme(result: subprocess.CompletedProcess[str], command: str, reports: Path) -> None:
    """The verdict is the one in the README, except for numbers and width."""

    def verdict(text: str) -> str:
        return " ".join(re.sub(r"[0-9]+", "0", text.replace(str(reports), "reports")).partition("tested ")[2].split())

    readme = Path(__file__).parents[1].joinpath("contract/README.md").read_text("utf-8")
    recorded = readme.partition(f"$ {command}\n")[2].partition("```")[0].partition("make: ")[0]
    assert verdict(recorded) == verdict(result.stdout) != ""


@pytest.fixture(scope="module")
def conforming(
    elsewhere: ProcessPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The run without any settings, and where its reports are."""
    folder = tmp_path_factory.mktemp("conforming")
    # Empty means not given.
    names = ("MAX_EXAMPLES", "BASE_URL", "TOKEN", "DEFINITION_ID", "SEED", "RATE_LIMIT")
    given = settings_for(folder, **dict.fromkeys(names, ""))
    return elsewhere.submit(commanded, (), given).result(timeout=240), folder


def test_the_reference_server_conforms(conforming: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    result, folder = conforming
    assert result.returncode == 0, result.stdout + result.stderr
    sent = re.search(r"^requests +([0-9]+) ", result.stdout, re.MULTILINE)
    assert sent and int(sent[1]) <= 300
    assert not result.stderr
    assert "(the reference server)" in result.stdout
    assert "CONFORMS" in result.stdout
    assert_as_in_readme(result, "make contract", folder)
    for kind in ("200 with items", "200 without items", "401", "404", "405", "422"):
        assert re.search(rf"\b{kind}: [1-9]", result.stdout)
    for kind in ("schema", "paging", "credentials", "protocol", "evidence"):
        assert re.search(rf"\b{kind} +[1-9][0-9]* requests  ok", result.stdout)
    assert verdict_line(result, "not judged") == "no 429 came (5 promises); no 503 came (2 promises)"
    assert ElementTree.parse(folder / "junit.xml").getroot().get("failures") == "0"
    assert "No issues found" in (folder / "schemathesis.txt").read_text("utf-8")


@pytest.mark.full
def test_the_same_seed_makes_the_same_requests(
    conforming: tuple[subprocess.CompletedProcess[str], Path], contract: Contract, tmp_path: Path
) -> None:
    # Though a busy machine repeats some.
    contract(MAX_EXAMPLES="", SEED="0", RATE_LIMIT="")
    assert recorded_requests(tmp_path) == recorded_requests(conforming[1])


def test_a_mutant_of_the_reference_server_violates(contract: Contract, tmp_path: Path) -> None:
    result = contract(MUTANT="limit_not_echoed")
    assert verdict_of(result).keys() == {"limit_and_offset_echoed"}
    assert_as_in_readme(result, "make contract MUTANT=limit_not_echoed", tmp_path)


@pytest.mark.full
def test_too_few_runs_are_reported(contract: Contract) -> None:
    result = contract(*OURS, SEED_RUNS="20")
    assert result.returncode == 0
    full = f"a full page of 100: {seed.DEFINITION_ID} has 20 runs (SEED_RUNS of more than 100)"
    assert verdict_line(result, "not judged") == f"{full}; no 429 came (5 promises); no 503 came (2 promises)"
    result = contract(SEED_RUNS="0")
    assert result.returncode == 2
    assert "has no runs" in result.stderr and "SEED_RUNS=1 or more" in result.stderr


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


class ThreeFaults(LimitNotEchoed, CutsShort, TellsSecrets):
    """Each shows in other responses."""


FINDINGS = {
    "limit_and_offset_echoed": "limit .* was requested, but the page says limit 20",
    "no_answer": "the response ended before it was complete",
    "response_schema_conformance": "Response violates schema",
}


def test_each_fault_is_reported(contract_on: Contract, tmp_path: Path) -> None:
    with running(ThreeFaults()) as base_url:
        result = contract_on(base_url, KS_UAT=seed.KS_UAT)
    found = verdict_of(result)
    assert found.keys() == FINDINGS.keys()
    curl_command = re.findall(r"^\d\. (\w+).*(?:\n   (?!curl ).*)*\n   curl ", result.stdout, re.MULTILINE)
    for check, message in FINDINGS.items():
        assert re.search(message, found[check])
        assert check in curl_command
    cases = ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
    failed = {str(each.get("name")).partition(".")[2] for each in cases if each.find("failure") is not None}
    assert failed == found.keys()
    reports = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in reports} == {Path(report).name for report in REPORTS}
    for text in (result.stdout, result.stderr, *(path.read_text("utf-8") for path in reports)):
        # Nor almost right values, one character short.
        assert seed.TOKEN[:-1] not in text
        assert seed.KS_UAT[:-1] not in text


@pytest.mark.full
def test_unreadable_bodies_are_left_to_the_schema(contract_on: Contract) -> None:
    with running(OddBodies()) as base_url:
        found = verdict_of(contract_on(base_url, *OURS))
    assert found.keys() <= {"response_schema_conformance", "reached"}


def test_fail_fast_ends_the_run_and_the_curl_command_repeats_the_request(contract_on: Contract) -> None:
    with running(LimitNotEchoed()) as base_url:
        result = contract_on(base_url, FAIL_FAST="1")
        curl = re.search(r"^   (curl .*)", result.stdout, re.MULTILINE)
        asked = re.search(r"limit (\d+) was requested", result.stdout)
        assert curl is not None and asked is not None
        repeated = subprocess.run(
            ["sh", "-c", curl[1]], env=os.environ | {"TOKEN": seed.TOKEN}, capture_output=True, text=True, check=True
        )
    assert verdict_of(result).keys() == {"limit_and_offset_echoed"}
    assert re.search(r"^requests    [1-9] \(", result.stdout, re.MULTILINE)
    assert f"limit={asked[1]}" in curl[1]
    assert "200 OK" in repeated.stdout
    assert '"limit":20' in repeated.stdout


@pytest.fixture
def front_end(environment: Callable[..., dict[str, str]]) -> Contract:
    """Runs the front end for pytest."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/contract", "--base-url"]

    def front_end(base_url: str) -> subprocess.CompletedProcess[str]:
        given = environment(TOKEN=seed.TOKEN, DEFINITION_ID=seed.DEFINITION_ID)
        return subprocess.run([*command, base_url], cwd=ROOT, env=given, capture_output=True, text=True, timeout=120)

    return front_end


@pytest.mark.full
def test_the_front_end_for_pytest_says_that_there_is_no_server(front_end: Contract) -> None:
    nobody = front_end("http://127.0.0.1:9")
    assert nobody.returncode == 2
    assert "problem: http://127.0.0.1:9 cannot be reached" in nobody.stdout + nobody.stderr


@pytest.mark.full
def test_the_front_end_for_pytest_has_a_test_for_each_check(front_end: Contract) -> None:
    with running(LimitNotEchoed()) as base_url:
        result = front_end(base_url)
    assert result.returncode == 1, result.stdout + result.stderr
    assert re.search(r"1 failed, \d\d passed, \d skipped", result.stdout)
    assert re.search(r"limit \d+ was requested, but the page says limit 20\ncurl ", result.stdout)
    assert seed.TOKEN not in result.stdout + result.stderr


def test_secrets_are_replaced_in_any_spelling() -> None:
    secret = "it's<secret>"
    spellings = f"{secret} it&#x27;s&lt;secret&gt; it%27s%3Csecret%3E"
    assert without_secrets(spellings, {"TOKEN": secret}) == "$TOKEN $TOKEN $TOKEN"
    assert shell_word(f"Cookie: ks_uat={secret}", {"KS_UAT": secret}) == "'Cookie: ks_uat='\"$KS_UAT\""
    assert shell_word("http://host/a?b", {"BASE_URL": "http://host"}) == "\"$BASE_URL\"'/a?b'"
    assert shell_word("a b", {}) == "'a b'"


@pytest.mark.parametrize("header", ["x" * 400, "\u00fc", "\x1b[2J", "\x07"])
def test_a_long_or_unprintable_command_goes_to_a_file(tmp_path: Path, header: str) -> None:
    file = tmp_path / "curl" / "1.sh"
    assert curl_command("curl --header x http://host", file) == "curl --header x http://host" and not file.exists()
    command = f"printf %s {shell_word(f'X: {header}', {})}"
    assert curl_command(command, file) == f"sh {file}"
    # Byte for byte as sent.
    assert subprocess.run(["sh", str(file)], capture_output=True, check=True).stdout == f"X: {header}".encode("latin-1")


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

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # Responses are written in two parts; the second would wait for the first one's ACK.
        server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}{prefix}/"
        finally:
            server.shutdown()
            thread.join()


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


DYING_SERVER = """
import os, signal
from tests.reference_server.app import ReferenceServer
from tests.reference_server.uvicorn_server import running

class Dying(ReferenceServer):
    def parse_limit(self, request):
        if request.query_params.get("limit") == "99":
            os._exit(0)
        return super().parse_limit(request)

with running(Dying()) as base_url:
    print(base_url, flush=True)
    signal.pause()
"""


@pytest.mark.full
def test_a_server_that_crashes_is_not_tested(contract_on: Contract, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", DYING_SERVER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        result = contract_on(server.stdout.readline().strip(), *OURS)
        server.kill()
    assert result.returncode == 2, result.stdout
    assert "problem: the server stopped answering during the run" in result.stderr
    assert "limit=99" in (tmp_path / "schemathesis.txt").read_text("utf-8")


@pytest.mark.sampled(1)
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("number", "exit_code", "problem"),
    [
        (signal.SIGINT, 2, "problem: interrupted before the end\nfix: run it again\n"),
        (signal.SIGTERM, 2, "problem: interrupted before the end\nfix: run it again\n"),
        (signal.SIGKILL, -signal.SIGKILL, ""),
    ],
)
def test_an_interrupted_run_leaves_no_server_behind(
    environment: Callable[..., dict[str, str]], number: signal.Signals, exit_code: int, problem: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.contract"],
        cwd=ROOT,
        env=environment(MAX_EXAMPLES="100000"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert address is not None
        # The tests have started.
        assert any("100 requests" in line for line in iter(process.stdout.readline, ""))
        process.send_signal(number)
        # The server writes its errors to the same pipe: this waits for its end as well.
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (exit_code, problem)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address[1])))
