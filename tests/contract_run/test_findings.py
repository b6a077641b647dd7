"""Each fault is reported, without secrets and with a command that repeats the request; under pytest as well."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException, Request, Response

from tests.contract.__main__ import REPORTS, curl_command
from tests.contract.redaction import without_secrets
from tests.contract.run import shell_word
from tests.contract_run.conftest import OURS, verdict_of
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

ROOT = Path(__file__).parents[2]

Contract = Callable[..., subprocess.CompletedProcess[str]]


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
