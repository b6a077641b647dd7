"""`python -m tests.reference_server`: output, signals, settings and errors."""

import io
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import httpx2
import pytest

from tests.reference_server.__main__ import main
from tests.reference_server.app import ReferenceServer
from tests.reference_server.seed import (
    DEFINITION_ID,
    EMPTY_DEFINITION_ID,
    FORBIDDEN_DEFINITION_ID,
    FOREIGN_DEFINITION_ID,
    KS_UAT,
    RUNS,
    TOKEN,
)
from tests.reference_server.uvicorn_server import running

COMMAND = [sys.executable, "-m", "tests.reference_server"]
ROOT = Path(__file__).parents[2]


Refused = Callable[..., None]


def get_runs(base_url: str) -> httpx2.Response:
    url = f"{base_url}/v1/workflow-definitions/{DEFINITION_ID}/runs"
    return httpx2.get(url, headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False)


def environment(**variables: str) -> dict[str, str]:
    """Return the environment for a server with these variables, without those of this process."""
    return os.environ | {"DATABASE_URL": "", "SEED_RUNS": "", "CHURN": "", "SEED": "", "MUTANT": ""} | variables


@contextmanager
def start_server(**variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server in a process; yield the process and its base URL, once it accepts requests."""
    with subprocess.Popen(
        [*COMMAND, "--port", "0"],
        cwd=ROOT,
        # Buffered, so that a missing flush of the first line fails.
        env=environment(PYTHONUNBUFFERED="", **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # A server that prints nothing or does not stop must fail the test, not hang it.
        guard = threading.Timer(30, process.kill)
        guard.start()
        try:
            assert process.stdout
            yield process, process.stdout.readline().strip().removeprefix("Listening on ")
        finally:
            guard.cancel()
            process.kill()


def stop(process: subprocess.Popen[str], number: int) -> str:
    """Send the signal, and return what the server printed after its first line."""
    assert process.stdout
    assert process.stderr
    process.send_signal(number)
    output, errors = process.stdout.read(), process.stderr.read()
    assert (process.wait(timeout=30), errors) == (0, "")
    return output


def test_it_prints_ids_and_credentials() -> None:
    with start_server() as (process, base_url):
        assert get_runs(base_url).json()["total"] == RUNS
        assert process.stdout
        output = ""
        for line in process.stdout:
            output += line
            if line.strip().startswith("curl "):
                break
        if shutil.which("curl"):
            # The line works when pasted.
            answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30)
            assert f'"total":{RUNS}' in answer.stdout
        stop(process, signal.SIGTERM)
    for text in (EMPTY_DEFINITION_ID, FORBIDDEN_DEFINITION_ID, FOREIGN_DEFINITION_ID, TOKEN, KS_UAT):
        assert text in output
    assert f"{DEFINITION_ID}  has {RUNS} runs" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly_with_open_connections(number: int) -> None:
    with (
        start_server() as (process, base_url),
        socket.create_connection(("127.0.0.1", httpx2.URL(base_url).port)) as half_sent,
        httpx2.Client(trust_env=False) as client,
    ):
        half_sent.sendall(b"GET /v1/")
        # The client keeps its connection open. Connections are accepted in order: its response shows that the server
        # has the other one, too. uvicorn would not close one that it accepts while it stops.
        client.get(f"{base_url}/openapi.json")
        stop(process, number)


def test_the_seed_and_the_changes_can_be_set() -> None:
    with start_server(SEED_RUNS="1000", CHURN="50") as (process, base_url):
        known = get_runs(base_url).content
        # Until the page changes; the guard ends the loop if it never does.
        while get_runs(base_url).content == known:
            pass
        assert f"{DEFINITION_ID}  has 1000 runs, with 50 changes per second" in stop(process, signal.SIGTERM)


@pytest.mark.parametrize("database_url", ["file", "postgresql"], indirect=True)
def test_a_database_is_seeded_once(database_url: str) -> None:
    with running(ReferenceServer(database_url, runs=150)) as base_url:
        page = get_runs(base_url).json()
    assert page["total"] == 150
    with start_server(DATABASE_URL=database_url, SEED_RUNS="7") as (process, base_url):
        assert get_runs(base_url).json() == page
        assert f"{DEFINITION_ID}  has 150 runs\n" in stop(process, signal.SIGINT)


@pytest.mark.parametrize(
    ("options", "variables", "problem"),
    [
        (["--prot", "1"], {}, "unrecognized arguments"),
        (["--host", "192.0.2.1"], {}, "cannot listen on 192.0.2.1"),
        ([], {"SEED_RUNS": "-1"}, "SEED_RUNS must be an integer between 0 and 999999999 (got '-1')"),
        ([], {"CHURN": "1.5"}, "CHURN must be an integer between 0 and 999999999 (got '1.5')"),
        ([], {"MUTANT": "limit_not_echod"}, "there is no mutant 'limit_not_echod'"),
        ([], {"MUTANT": "limit_not_echoed", "CHURN": "20"}, "MUTANT uses its own database in memory, and CHURN is set"),
        ([], {"DATABASE_URL": "no-url"}, "database"),
        ([], {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "unable to open database file"),
        ([], {"DATABASE_URL": "postgresql://user:hunter2@localhost:port/runs"}, "not a valid URL"),
        ([], {"DATABASE_URL": "postgresql://user:hunter2@127.0.0.1:1/runs"}, "Connection refused"),
        ([], {"DATABASE_URL": "nosuch://user:hunter2@localhost/runs"}, "nosuch"),
    ],
    ids=str,
)
def test_a_bad_start_is_explained(
    refused: Refused, options: list[str], variables: dict[str, str], problem: str
) -> None:
    refused(problem, *options, **variables)


def test_a_database_with_other_tables_is_refused(refused: Refused, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE workflow_runs (id)")
    connection.close()
    refused("no such column", DATABASE_URL=f"sqlite:///{tmp_path}/other.db")


def test_a_database_that_does_not_exist_is_explained(refused: Refused, new_postgresql: Callable[[], str]) -> None:
    refused('database "none" does not exist', DATABASE_URL=new_postgresql().replace("/postgres?", "/none?"))


def test_a_port_in_use_is_explained() -> None:
    """In a process of its own, as a start that fails ends it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--port", port], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=30
        )
    check_refusal(done.returncode, done.stdout, done.stderr, f"port {port} on 127.0.0.1 is in use")


def check_refusal(code: object, output: str, errors: str, problem: str) -> None:
    assert (code, output) == (2, "")
    first, second = errors.splitlines()
    assert first.startswith("problem: ")
    assert problem in first
    assert second.startswith("fix: ")
    assert "hunter2" not in errors


def start(options: tuple[str, ...], variables: dict[str, str]) -> tuple[object, str, str]:
    """Start the server in this process, where it cannot start. Return exit code, output and errors."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    output, errors = io.StringIO(), io.StringIO()
    try:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            patch.setattr("sys.argv", [COMMAND[-1], "--port", "0", *options])
            for name, value in variables.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return ended.value.code, output.getvalue(), errors.getvalue()


@pytest.fixture
def refused(elsewhere: ProcessPoolExecutor) -> Refused:
    """Starts the server in a warm process, and checks that it says why it cannot start."""

    def refused(problem: str, *options: str, **variables: str) -> None:
        check_refusal(*elsewhere.submit(start, options, environment(**variables)).result(timeout=60), problem)

    return refused


def test_running_stops_the_server_whatever_happens() -> None:
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt), running() as base_url:
        assert get_runs(base_url).status_code == 200
        raise KeyboardInterrupt
    with pytest.raises(httpx2.ConnectError):
        get_runs(base_url)
    assert "reference server" not in {thread.name for thread in set(threading.enumerate()) - before}


def test_servers_in_one_process_share_nothing() -> None:
    with running(ReferenceServer(runs=1)) as one, running(ReferenceServer(runs=2)) as two:
        assert [get_runs(url).json()["total"] for url in (one, two)] == [1, 2]
