"""Starts the embedded reference server, tested if there is no BASE_URL."""

import os
import queue
import re
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from .contract import OPENAPI, ROOT, Problem, contract
from .target import Ids, Target

# Seconds.
SERVER_START, SERVER_STOP = 60, 10
# The server's exit code after it has printed a problem.
CANNOT_START = 2


class AlreadyReported(Exception):
    """The reference server could not start, and has printed why."""


def seed_settings() -> dict[str, Any]:
    """Return the settings of a target for the reference server with its default data.

    Raises Problem if it does not serve the contract.
    """
    # Imported late: tests of a deployment do not need the server's dependencies.
    from tests.reference_server import seed

    first = contract().operations[0]
    foreign = (seed.FOREIGN_DEFINITION_ID, seed.FORBIDDEN_DEFINITION_ID)
    secrets = {name: getattr(seed, name) for name in contract().variables if hasattr(seed, name)}
    if not secrets:
        fix = f"start a server of it, and give its BASE_URL; of {OPENAPI.name}, which CONTRACT names, there is no other"
        raise Problem("the reference server knows none of the contract's credentials", fix)
    return {
        "ids": {first.parent: Ids((seed.DEFINITION_ID,), (seed.EMPTY_DEFINITION_ID,), foreign)},
        "secrets": secrets,
        "totals": {(first.name, seed.DEFINITION_ID): seed.RUNS},
    }


def start_reference_server(target: Target, cleanup: ExitStack) -> Target:
    """Run the reference server on a free port until `cleanup` is closed."""
    # Otherwise a proxy would get requests to this machine.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    command = [sys.executable, "-m", "tests.reference_server", "--port", "0", "--end-with-input"]
    # Its standard input closes with this process, even on SIGKILL: no server is left behind.
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    cleanup.callback(stop, process)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        # Read to the end, so that the server never blocks on a full pipe.
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        process.stdout.close()
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    try:
        line = lines.get(timeout=SERVER_START)
    except queue.Empty:
        line = None
    found = re.match(r"Listening on (\S+)", line or "")
    if found is None:
        if line == "" and process.wait(SERVER_STOP) == CANNOT_START:
            raise AlreadyReported
        raise Problem("the reference server did not start", "see its output: make serve PORT=0")
    return replace(target, base_url=found[1], **seed_settings())


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(SERVER_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
