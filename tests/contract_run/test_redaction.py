"""Text of a server is shown without control characters and without secrets."""

import html
import json
import subprocess
import xml.etree.ElementTree as ElementTree
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import HTTPException, Request, Response
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.__main__ import REPORTS
from tests.contract.redaction import forms, without_secrets
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

from .hostile import hostile

Contract = Callable[..., subprocess.CompletedProcess[str]]

TOKEN = "ks/Ab+c<d>&'e\"f\\g~Z0"
COOKIE = "Cookie-Value/4711"
STEERING = "\x1b]0;title\x07\x1b[2J\x9b31m\x7f\u202egnp.exe\u2028\b\r"


def spellings(secret: str) -> Iterator[str]:
    """Forms in which a server may repeat a secret, made independently of the project."""
    data = secret.encode()
    middle = len(secret) // 2
    other = secret[:middle] + ("1" if secret[middle] == "0" else "0") + secret[middle + 1 :]
    for value in (secret, secret[:-1], secret[1:], other, secret.upper(), secret.lower(), secret.swapcase()):
        yield value
        yield quote(value, safe="")
        yield html.escape(value)
        yield json.dumps(value)[1:-1]
    yield data.hex()
    yield data.hex().upper()
    for before in ("", "a", "ab", "Bearer ", "ks_uat="):
        yield b64encode(before.encode() + data).decode()
        yield urlsafe_b64encode(before.encode() + data + b" and so on").decode()
        yield b64encode(before.encode() + data.hex().encode()).decode()


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="$"), min_size=6, max_size=40))
def test_no_form_of_a_secret_remains(secret: str) -> None:
    for spelling in spellings(secret):
        rest = without_secrets(spelling, {"TOKEN": secret}).split("$TOKEN")
        assert len(rest) > 1, spelling
        # Other text, and in base64 a character on either side that shares bits.
        assert max(len(rest[0]), len(rest[-1])) < 20
    text = json.dumps({"told": [secret, json.dumps(secret), {secret: f'"{secret}\\'}]})
    assert json.loads(without_secrets(text, {"TOKEN": secret}))


def test_short_values_are_not_secrets() -> None:
    assert forms("abc") == ()
    assert without_secrets("abc", {"TOKEN": "abc"}) == "abc"


class Echoing(ReferenceServer):
    """Repeats the credentials in all forms, and sends control characters, in headers, ids and messages."""

    def told(self, request: Request) -> str:
        sent = [request.headers.get("authorization", "").partition(" ")[2], request.cookies.get("ks_uat", "")]
        return " ".join(spelling for secret in sent if len(secret) > 6 for spelling in spellings(secret))

    def parse_parameters(self, request: Request) -> Parameters:
        try:
            return super().parse_parameters(request)
        except HTTPException:
            raise HTTPException(422, f"{self.told(request)} {STEERING}") from None

    def list_runs(self, request: Request) -> Response:
        response = super().list_runs(request)
        response.headers["X-Told"] = self.told(request)
        response.headers["X-Steering"] = "a\x1b[31mb"
        body = json.loads(bytes(response.body))
        for run in body.get("items", ()):
            run["status"] = f"{run['status']}{STEERING}"
            run["id"] = f"{run['id']}{STEERING}"
            run["error"] = self.told(request)
        response.body = json.dumps(body, ensure_ascii=False).encode()
        response.headers["Content-Length"] = str(len(response.body))
        return response


@pytest.mark.full
def test_no_secrets_and_no_control_characters(
    contract_on: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.reference_server.seed.TOKEN", TOKEN)
    with running(Echoing()) as base_url:
        result = contract_on(base_url, TOKEN=TOKEN)
    assert result.returncode == 1, result.stdout + result.stderr
    reports = {path.name: path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    assert reports.keys() == {Path(report).name for report in REPORTS}
    for name, text in ({"screen": result.stdout + result.stderr} | reports).items():
        for spelling in spellings(TOKEN):
            assert spelling not in text, (name, spelling)
        assert not any(not each.isprintable() for each in set(text) - set("\n\r\t")), name
    assert all(json.loads(reports[name]) for name in ("requests.har", "promises.json", "ctrf.json", "contract.sarif"))
    assert ElementTree.fromstring(reports["junit.xml"]) is not None
    assert "\\x9b31m" in result.stdout and "\\x9b31m" in reports["schemathesis.txt"]


def test_problems_have_no_control_characters(contract_on: Contract) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/{TOKEN}\x1b[2J\x07\r\nContent-Length: 0\r\n\r\n"
    with hostile({0: lambda: iter([head.encode("latin-1")])}) as (base_url, _):
        result = contract_on(base_url, TOKEN=TOKEN)
    assert result.returncode == 2
    assert "it redirects to 'http://elsewhere/$TOKEN\\x1b[2J\\x07'" in result.stderr
    assert not any(not each.isprintable() for each in set(result.stderr) - {"\n"})
