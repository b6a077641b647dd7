"""A server that cannot be tested is not a violation: exit code 2, the reason and the fix."""

import json
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.contract.__main__ import REPORTS
from tests.contract.contract import Problem
from tests.contract.preflight import preflight
from tests.contract.session import Session
from tests.contract.settings import read_environment
from tests.http_server import in_thread
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

from .conftest import OURS
from .hostile import hostile, page
from .measured import impatient

UNKNOWN = "00000000-0000-4000-8000-000000000000"
# Never requested: settings are checked first. (No server listens on port 9.)
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running() as base_url:
        yield base_url


@contextmanager
def answering(status: int, body: str, **headers: str) -> Iterator[str]:
    """A server that gives one response to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with in_thread(http_server):
        yield f"http://127.0.0.1:{http_server.server_address[1]}"


def has_problem(result: Any, problem: str, fix: str) -> bool:
    first, second, *rest = result.stderr.splitlines()
    assert first.startswith("problem: ") and problem in first, result.stderr
    assert second.startswith("fix: ") and fix in second, result.stderr
    assert not rest and not result.stdout
    return bool(result.returncode == 2)


@pytest.mark.parametrize(
    ("variables", "problem", "fix"),
    [
        ({"BASE_URL": "host.example/api"}, "must begin with http:// or https://", "BASE_URL=http://host.example/api"),
        ({"BASE_URL": "user:password@host.example"}, "BASE_URL must not contain credentials", "BASE_URL=https://"),
        ({"BASE_URL": "ftp://host.example"}, "must be an http or https URL (got 'ftp:", "BASE_URL=https://"),
        ({"BASE_URL": "http://host.example:port"}, "must be an http or https URL", "BASE_URL=https://"),
        ({"BASE_URL": "http://host.example?a=b"}, "must not have a query or a fragment", "BASE_URL=https://"),
        (
            {"BASE_URL": "http://host/v1/workflow-definitions/"},
            "must not contain the path of the operation",
            "before /v1",
        ),
        ({"TOKEN": ""}, "neither TOKEN nor KS_UAT", "set TOKEN"),
        ({"TOKEN": "Bearer abc"}, "TOKEN contains characters", "without 'Bearer'"),
        ({"KS_UAT": "a;b"}, "KS_UAT contains characters", "value alone as KS_UAT"),
        ({"KS_UAT": "ks_uat=abc"}, "KS_UAT must not contain the name of the cookie", "after ks_uat="),
        ({"DEFINITION_ID": ""}, "every response would be a 404", "that has runs"),
        ({"DEFINITION_ID": "42"}, "must be a UUID (got '42')", "DEFINITION_ID="),
        ({"DEFINITION_ID": f"{UNKNOWN},42"}, "must be a UUID (got '42')", "DEFINITION_ID="),
        ({"EMPTY_DEFINITION_ID": "42"}, "must be a UUID (got '42')", "EMPTY_DEFINITION_ID="),
        ({"FOREIGN_DEFINITION_ID": UNKNOWN}, "is given twice", "give it once"),
        ({"BASE_URL": ""}, "but not BASE_URL", "unset DEFINITION_ID"),
        ({"ALL_METHODS": "yes"}, "ALL_METHODS must be 0 or 1 (got 'yes')", "ALL_METHODS=1"),
        ({"FAIL_FAST": "yes"}, "FAIL_FAST must be 0 or 1 (got 'yes')", "FAIL_FAST=1"),
        ({"THOROUGH": "yes"}, "THOROUGH must be 0 or 1 (got 'yes')", "THOROUGH=1"),
        ({"MAX_TIME": "long"}, "MAX_TIME must be a number from 0 up (got 'long')", "MAX_TIME="),
        ({"MAX_EXAMPLES": "many"}, "MAX_EXAMPLES must be a number from 1 up (got 'many')", "MAX_EXAMPLES="),
        ({"SEED": "-1"}, "SEED must be a number from 0 up (got '-1')", "SEED="),
        ({"RATE_LIMIT": "fast"}, "RATE_LIMIT must be a rate (got 'fast')", "RATE_LIMIT="),
    ],
)
def test_settings_are_checked_first(variables: dict[str, str], problem: str, fix: str) -> None:
    right = {"BASE_URL": NOBODY, "TOKEN": "token", "DEFINITION_ID": UNKNOWN}
    assert read_environment(right).is_deployment
    with pytest.raises(Problem, match=re.escape(problem)) as raised:
        read_environment(right | variables)
    assert fix in raised.value.fix


def test_no_credentials_in_the_base_url(contract_on: Callable[..., Any]) -> None:
    result = contract_on("http://user:hidden@127.0.0.1:9")
    assert has_problem(result, "BASE_URL must not contain credentials", "BASE_URL=https://")
    assert "hidden" not in result.stderr


def test_help(contract: Callable[..., Any]) -> None:
    assert "DEFINITION_ID" in contract("--help").stdout


def test_an_unknown_check_is_a_problem(contract_on: Callable[..., Any], server: str) -> None:
    result = contract_on(server, EXCLUDE_CHECKS="no_such_check")
    assert result.returncode == 2 and "problem: EXCLUDE_CHECKS names 'no_such_check'" in result.stderr


@pytest.mark.parametrize(
    ("variables", "problem", "fix"),
    [
        ({"TOKEN": "wrong"}, "refuses the credentials in TOKEN (401)", "valid ones as TOKEN"),
        ({"KS_UAT": "wrong"}, "refuses the credentials in KS_UAT (401)", "valid ones as KS_UAT"),
        ({"DEFINITION_ID": seed.FORBIDDEN_DEFINITION_ID}, "may not read the definition", "credentials that may"),
        ({"DEFINITION_ID": seed.FOREIGN_DEFINITION_ID}, "there is no definition 2c85f3b9", "check DEFINITION_ID"),
        ({"DEFINITION_ID": UNKNOWN}, "there is no definition 00000000", "check DEFINITION_ID"),
        ({"DEFINITION_ID": seed.EMPTY_DEFINITION_ID}, "has no runs", "one that has runs"),
        (
            {"DEFINITION_ID": f"{seed.DEFINITION_ID},{UNKNOWN}"},
            "there is no definition 00000000",
            "check DEFINITION_ID",
        ),
        ({"DEFINITION_ID": UNKNOWN, "EMPTY_DEFINITION_ID": seed.DEFINITION_ID}, "there is no definition", "check"),
    ],
)
def test_unreadable_definitions_cannot_be_tested(
    contract_on: Callable[..., Any], server: str, variables: dict[str, str], problem: str, fix: str
) -> None:
    assert has_problem(contract_on(server, **variables), problem, fix)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (404, "<h1>Not Found</h1>", {"Content_Type": "text/html"}),
        (200, "<h1>Welcome</h1>", {"Content_Type": "text/html; charset=utf-8"}),
        (200, '{"status": "ok"}', {"Content_Type": "application/json"}),
        (404, '{"detail": "Not Found"}', {"Content_Type": "application/json"}),
        (302, "", {"Location": "https://sign-in.example/login?next=/runs"}),
        (400, "The plain HTTP request was sent to HTTPS port", {"Content_Type": "text/html"}),
    ],
)
def test_a_wrong_base_url_is_not_a_violation(
    contract_on: Callable[..., Any], status: int, body: str, headers: dict[str, str]
) -> None:
    with answering(status, body, **headers) as base_url:
        assert has_problem(contract_on(base_url), "is not the API", "BASE_URL=https://host.example/api")


def test_a_wrong_path_prefix_is_a_wrong_base_url(contract_on: Callable[..., Any], server: str) -> None:
    assert has_problem(contract_on(f"{server}/api"), "is not the API (404", "BASE_URL=https://host.example/api")


@pytest.mark.parametrize(
    ("status", "problem", "fix"),
    [(429, "quota is exceeded", "30 s"), (502, "not available", "run this again"), (503, "not available", "again")],
)
def test_an_unavailable_server_cannot_be_tested(
    contract_on: Callable[..., Any], status: int, problem: str, fix: str
) -> None:
    with answering(status, '{"detail": "later"}', Content_Type="application/json", Retry_After="30") as base_url:
        assert has_problem(contract_on(base_url), problem, fix)


PAGE = b'{"items": [], "total": %s, "limit": 1, "offset": 0}'


TOTALS = (
    *(b"1e400", b"-1e400", b"NaN", b"Infinity", b"1e308", b"-1", b"1.5", b"true", b"null", b"9" * 30, b"9" * 5000),
    *(b'"\\ud800"', b"[" * 10**5 + b"]" * 10**5, b'{"a":' * 500 + b"1" + b"}" * 500),
)


@pytest.mark.full
def test_invalid_bodies_do_not_stop_the_preflight(contract_on: Callable[..., Any], tmp_path: Path) -> None:
    with hostile({number: page(PAGE % total) for number, total in enumerate(TOTALS, 1)}) as (base_url, server):
        for _ in TOTALS:
            target = replace(impatient(base_url, tmp_path), secrets={"KS_UAT": seed.KS_UAT})
            target = replace(target, ids={name: replace(each, empty=()) for name, each in target.ids.items()})
            with Session(target).opened() as session:
                assert preflight(target, session).totals.keys() <= target.totals.keys()
        assert len(server.requests) == len(TOTALS)
    # Nor the run: the first body at the preflight, the others during the run.
    with hostile({15 * number + 1: page(PAGE % total) for number, total in enumerate(TOTALS)}) as (base_url, server):
        result = contract_on(base_url)
    assert result.returncode == 1, result.stdout + result.stderr
    assert len(server.requests) > 15 * len(TOTALS)
    assert "no_answer" in result.stdout and "response_schema_conformance" in result.stdout
    assert json.loads((tmp_path / "requests.har").read_text("utf-8"))


class IgnoresDefinition(ReferenceServer):
    """Shows the runs of one definition for all, like a cache that ignores the path."""

    def load_page(self, session: Any, parameters: Parameters) -> Any:
        return super().load_page(session, replace(parameters, definition_id=uuid.UUID(seed.DEFINITION_ID)))


@pytest.mark.full
def test_runs_of_another_definition_do_not_count_as_own(contract_on: Callable[..., Any]) -> None:
    with running(IgnoresDefinition()) as base_url:
        result = contract_on(base_url, *OURS, EMPTY_DEFINITION_ID=seed.EMPTY_DEFINITION_ID)
        full = contract_on(base_url, EMPTY_DEFINITION_ID=seed.DEFINITION_ID, DEFINITION_ID=seed.EMPTY_DEFINITION_ID)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "runs_of_the_definition" in result.stdout
    assert has_problem(full, "given as EMPTY_DEFINITION_ID, has runs", "that has none")


def test_connection_refused(contract_on: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert has_problem(contract_on(f"http://127.0.0.1:{port}"), "cannot be reached: [Errno", "BASE_URL is right")


def test_unknown_host(contract_on: Callable[..., Any]) -> None:
    # A name that is not sent to a resolver.
    assert has_problem(contract_on(f"http://{'long' * 20}.example"), "cannot be reached", "BASE_URL is right")


def test_https_to_a_server_without_tls(contract_on: Callable[..., Any], server: str) -> None:
    result = contract_on(server.replace("http:", "https:"))
    assert has_problem(result, "no secure connection", "REQUESTS_CA_BUNDLE=")


def test_a_missing_ca_file(contract_on: Callable[..., Any], server: str) -> None:
    result = contract_on(server.replace("http:", "https:"), REQUESTS_CA_BUNDLE="/no/such/ca.pem")
    assert has_problem(result, "/no/such/ca.pem", "BASE_URL is right")


def test_a_reference_server_that_does_not_start(contract: Callable[..., Any]) -> None:
    result = contract(DATABASE_URL="no database")
    assert result.returncode == 2
    assert result.stderr.count("problem: ") == 1 and "cannot use the database of DATABASE_URL" in result.stderr


def test_an_unknown_mutant(contract: Callable[..., Any]) -> None:
    result = contract(MUTANT="limit_not_echod")
    assert result.returncode == 2
    assert (
        "problem: there is no mutant 'limit_not_echod'\nfix: take one that `make mutants` prints, such as limit_not_"
        in result.stderr
    )
    result = contract(BASE_URL=NOBODY, MUTANT="limit_not_echoed")
    assert has_problem(result, "only the reference server has mutants", "make serve MUTANT=")


def test_reports_of_an_earlier_run_are_deleted(contract: Callable[..., Any], tmp_path: Path) -> None:
    for report in REPORTS:
        (tmp_path / report).parent.mkdir(exist_ok=True)
        (tmp_path / report).write_text("of an earlier run")
    assert contract(BASE_URL=NOBODY, TOKEN="token", DEFINITION_ID=UNKNOWN).returncode == 2
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_unusable_report_folder(contract: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = contract(BASE_URL=NOBODY, TOKEN="token", DEFINITION_ID=UNKNOWN, REPORT_DIR=str(tmp_path / "file"))
    assert has_problem(result, "no reports can be written to", "another REPORT_DIR")
