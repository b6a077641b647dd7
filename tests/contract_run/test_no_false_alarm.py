"""Correct servers pass: FastAPI's leniency, and a list that changes while it is read.

tests/server/test_churn.py has the same for the reference server.
"""

import json
import subprocess
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import HTTPException, Request, Response

from tests.contract.outcome import Outcome
from tests.contract.run import run
from tests.contract_run.fastapi_server import Runs, Unusual, create_app, serving
from tests.mutants.runner import target_at
from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.uvicorn_server import running

# Number of runs at the start, changes per request, and whether the server uses unusual notations.
LISTS = ((150, 0, False), (150, 20, False), (3, 0, False), (150, 0, True), (150, 1, True))


def outcome_of(runs: int, changes: int, is_unusual: bool) -> Outcome:
    app = create_app(Runs(runs, changes, mended_at=30 if is_unusual else 0))
    with serving(Unusual(app) if is_unusual else app) as base_url, tempfile.TemporaryDirectory() as folder:
        target = target_at(base_url, Path(folder, "reports"))
        # This server has no foreign definitions: this one does not exist.
        ids = {name: replace(each, foreign=(seed.FOREIGN_DEFINITION_ID,)) for name, each in target.ids.items()}
        totals = dict.fromkeys(target.totals, runs)
        return run(replace(target, max_examples=5, ids=ids, totals=totals), Path(folder, "work"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("runs", "changes", "is_unusual"), LISTS)
def test_a_correct_server_passes(runs: int, changes: int, is_unusual: bool, elsewhere: ProcessPoolExecutor) -> None:
    outcome = elsewhere.submit(outcome_of, runs, changes, is_unusual).result()
    assert not outcome.findings and not outcome.errors and not outcome.is_empty
    # On a list that always changes it gives up confirming differences, and says so.
    assert bool(outcome.inconclusive) == (changes > 0)
    if (runs, changes, is_unusual) == LISTS[0]:
        # Variants that FastAPI accepts are listed.
        lenient = outcome.accepted_variants
        assert lenient["limit"] == lenient["offset"]
        assert {"'1.0'", "'+5'", "' 5'", "'05'", "given twice"} <= lenient["limit"]
        assert lenient.keys() == {"definition_id", "limit", "offset", "path"}


class Sequential(ReferenceServer):
    """Answers one request at a time, and no HEAD; allows private and, where safe, shared caching."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def list_runs(self, request: Request) -> Response:
        with self.lock:
            try:
                response = super().list_runs(request)
            except HTTPException as refusal:
                varies = {"Cache-Control": "public, max-age=60", "Vary": "Authorization, Cookie"}
                refusal.headers = {**(refusal.headers or {}), **varies}
                raise
        keeps = "max-age=60" if "authorization" in request.headers else "private, max-age=60"
        response.headers["Cache-Control"] = keeps
        response.headers["ETag"] = f'"{hash(response.body)}"'
        return response

    def check_method(self, request: Request) -> None:
        if request.method != "GET":
            raise HTTPException(405, "Method Not Allowed", {"Allow": "GET"})


def run_on_sequential_server() -> Outcome:
    with running(Sequential()) as base_url, tempfile.TemporaryDirectory() as folder:
        # This test is not about time.
        target = replace(target_at(base_url, Path(folder, "reports")), answer_within=60)
        return run(target, Path(folder, "work"))


@pytest.mark.full
def test_a_sequential_server_passes(elsewhere: ProcessPoolExecutor) -> None:
    outcome = elsewhere.submit(run_on_sequential_server).result()
    assert not outcome.findings and not outcome.errors and not outcome.is_empty and not outcome.inconclusive
    judged = {"answers_kept_apart", "head_changes_nothing", "kept_from_shared_caches"}
    assert judged <= outcome.checks.keys()


class SometimesSlow(ReferenceServer):
    """One page is slow, and so is one refusal, on purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def list_runs(self, request: Request) -> Response:
        if request.headers.get("authorization") == "Bearer null":
            threading.Event().wait(4)
        return super().list_runs(request)

    def parse_parameters(self, request: Request) -> Parameters:
        parameters = super().parse_parameters(request)
        if parameters.offset == 138:
            self.asked += 1
            threading.Event().wait(3)
        return parameters


@pytest.mark.full
def test_slow_requests_are_an_observation(
    contract_on: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    server = SometimesSlow()
    with running(server) as base_url:
        result = contract_on(base_url, MAX_EXAMPLES="1")
    assert result.returncode == 0, result.stdout + result.stderr
    [line] = [line for line in result.stdout.splitlines() if line.startswith("slow ")]
    assert "offset=138 took 3." in line and "(median " in line
    # The refusal, without a query, is not listed; and no request is repeated.
    assert "workflow-definitions" not in line
    entries = json.loads((tmp_path / "requests.har").read_text("utf-8"))["log"]["entries"]
    assert server.asked == sum("offset=138" in entry["request"]["url"] for entry in entries) > 0
