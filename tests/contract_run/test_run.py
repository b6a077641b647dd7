"""A conforming server passes and a faulty one fails, as the README shows; a run that ends early leaves no process."""

import json
import re
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.contract_run.conftest import OURS, commanded, settings_for, verdict_line, verdict_of
from tests.reference_server import seed

ROOT = Path(__file__).parents[2]

Contract = Callable[..., subprocess.CompletedProcess[str]]


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
