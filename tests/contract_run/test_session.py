"""The session: sends only what is allowed, keeps no cookies, and waits and sends again after transient responses."""

import json
import math
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from random import Random

import pytest
import requests
from fastapi import HTTPException, Request, Response

from codegen.openapi import read
from tests.contract.session import Ended, NotSent, Session, read_retry_after
from tests.reference_server import seed
from tests.reference_server.app import ReferenceServer
from tests.reference_server.uvicorn_server import running

from .conftest import OURS
from .hostile import Answer, hostile
from .measured import impatient

ROOT = Path(__file__).parents[2]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

Contract = Callable[..., subprocess.CompletedProcess[str]]


def always(answer: bytes) -> Answer:
    return lambda: iter([answer])


def test_only_safe_methods_are_sent_by_default(tmp_path: Path) -> None:
    with hostile({0: always(OK)}) as (base_url, server):
        target = impatient(base_url, tmp_path)
        with Session(target).opened():
            for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY", "MOVE", "get"):
                request = requests.Request("GET", base_url).prepare()
                request.method = method
                with pytest.raises(NotSent, match="ALL_METHODS=1"):
                    requests.Session().send(request)
            with pytest.raises(NotSent, match="not the server under test"):
                requests.get(base_url.replace("127.0.0.1", "localhost"))
            for method in ("GET", "HEAD", "OPTIONS"):
                requests.request(method, base_url)
        assert [head.partition(b" ")[0] for head in server.requests] == [b"GET", b"HEAD", b"OPTIONS"]


@pytest.mark.full
def test_unsafe_operations_are_not_sent_to_a_deployment(contract_on: Contract, tmp_path: Path) -> None:
    """A contract with operations that create and delete."""
    document = json.loads(json.dumps(read(ROOT / "openapi.yaml").value))
    answers = {"200": {"description": "Done."}, "401": {"description": "No."}}
    ((path, item),) = document["paths"].items()
    parameters = item["get"]["parameters"]
    item["post"] = {"operationId": "invoke", "requestBody": BODY, "responses": answers, "parameters": parameters}
    run_id = {"name": "run_id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    document["paths"]["/v1/runs/{run_id}"] = {
        "delete": {"operationId": "delete_run", "parameters": [run_id], "responses": answers},
        "patch": {"operationId": "change_run", "parameters": [run_id], "requestBody": BODY, "responses": answers},
    }
    edited = tmp_path / "edited.yaml"
    edited.write_text(json.dumps(document), "utf-8")
    with hostile({}) as (base_url, server):
        result = contract_on(base_url, *OURS, CONTRACT=str(edited))
        assert {head.partition(b" ")[0] for head in server.requests} == {b"GET"}
        assert result.returncode == 0, result.stdout + result.stderr
        told = " ".join(result.stdout.split())
        assert f"DELETE /v1/runs/{{run_id}}, PATCH /v1/runs/{{run_id}}, POST {path} (ALL_METHODS=1" in told
        server.requests.clear()
        contract_on(base_url, CONTRACT=str(edited), ALL_METHODS="1")
        assert {b"GET", b"POST", b"DELETE", b"PATCH"} <= {head.partition(b" ")[0] for head in server.requests}


class PairOnly(ReferenceServer):
    """Answers two requests when both have arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.both = threading.Barrier(2)

    def list_runs(self, request: Request) -> Response:
        # The timeout is only reached if the other request does not arrive.
        self.both.wait(30)
        return super().list_runs(request)


def test_concurrent_requests_keep_the_rate(tmp_path: Path) -> None:
    with running(PairOnly()) as base_url:
        target = replace(impatient(base_url, tmp_path), answer_within=40, rate_limit="10/s")
        address = f"{base_url}/v1/workflow-definitions/{seed.DEFINITION_ID}/runs"
        right = requests.Request("GET", address, headers={"Authorization": f"Bearer {seed.TOKEN}"}).prepare()
        wrong = requests.Request("GET", address).prepare()
        with Session(target).opened() as session:
            session.throttle()
            before = session.next_request
            for _ in range(3):
                answers = session.send_concurrently([right, wrong])
                assert [answer.status_code for answer in answers] == [200, 401]
            assert session.sent == session.answered == 6
            # Not earlier than one after the other.
            assert session.next_request >= before + 0.6 - 1e-9
            post = right.copy()
            post.method = "POST"
            with pytest.raises(NotSent):
                session.send_concurrently([post])
            session.ended_early = "enough"
            with pytest.raises(Ended):
                session.send_concurrently([right, wrong])
            assert session.sent == 6


def test_counts_are_exact_with_concurrent_requests(tmp_path: Path) -> None:
    with hostile({0: always(OK)}) as (base_url, _):
        # For a busy machine.
        target = replace(impatient(base_url, tmp_path), answer_within=40)
        with Session(target).opened() as session:
            request = requests.Request("GET", base_url).prepare()
            for _ in range(5):
                assert len(session.send_concurrently([request] * 8)) == 8
            assert session.sent == session.answered == 40


BODY = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("0", 0), ("120", 120), ("9" * 5000, 999999999999)),
        *(
            (text, None)
            for text in ("soon", "1.5", "-1", "", " 1", "\u0661", "1e3", "2026-01-01T00:00:00Z", "Wed, 99 Jan")
        ),
    ],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    assert read_retry_after(text) == seconds


def test_retry_after_as_a_date() -> None:
    now = datetime(2026, 1, 31, 23, 59, 30, tzinfo=UTC)
    then = now + timedelta(seconds=40)
    for text in (format_datetime(then, usegmt=True), "Sunday, 01-Feb-26 00:00:10 GMT", "Sun Feb  1 00:00:10 2026"):
        assert read_retry_after(text, now) == 40
    assert read_retry_after(format_datetime(now, usegmt=True), then) == 0


class Outage(ReferenceServer):
    """Answers 503 or 429 for some seconds from every 40th request on, with Retry-After in each form, and at random."""

    def __init__(self, seconds: float, *forms: tuple[int, Callable[[float], str]]) -> None:
        super().__init__()
        self.seconds = seconds
        self.forms = list(forms)
        self.requests = count(1)
        self.until = 0.0
        self.too_early = 0
        self.random = Random(0)

    def list_runs(self, request: Request) -> Response:
        now = time.time()
        if next(self.requests) % 40 == 0 and self.forms:
            self.status, self.retry_after = self.forms.pop()
            self.until = now + self.seconds
        elif now < self.until:
            self.too_early += 1
        if now < self.until:
            raise HTTPException(self.status, "Locked", {"Retry-After": self.retry_after(self.until)})
        if self.random.random() < 0.1:
            raise HTTPException(503, "Locked")
        if self.random.random() < 0.05:
            raise HTTPException(429, "Quota exceeded", {"Retry-After": "0"})
        return super().list_runs(request)


def in_seconds(until: float) -> str:
    return str(math.ceil(until - time.time()))


def as_date(until: float) -> str:
    return format_datetime(datetime.fromtimestamp(math.ceil(until), UTC), usegmt=True)


def test_a_short_outage_is_waited_out(contract_on: Contract) -> None:
    server = Outage(2, (503, in_seconds), (429, in_seconds), (503, as_date))
    with running(server) as base_url:
        result = contract_on(base_url, *OURS)
    assert result.returncode == 0, result.stdout + result.stderr
    assert server.too_early == 0 and not server.forms
    assert not re.search(r"(429|503): [1-9]", result.stdout)
    # What was said before the requests were sent again was judged as well.
    assert "no 429 came" not in result.stdout and "no 503 came" not in result.stdout


def test_an_endless_outage_is_not_a_violation(contract_on: Contract) -> None:
    for retry_after in (lambda until: "0", lambda until: "3600"):
        server = Outage(1e9, (503, retry_after))
        with running(server) as base_url:
            result = contract_on(base_url)
        assert result.returncode == 2, result.stdout + result.stderr
        assert "the server answered 503 to everything, Retry-After:" in result.stderr
        assert server.too_early < 15
