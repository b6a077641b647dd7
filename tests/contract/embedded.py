"""The reference server that is tested where no other one is named."""

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
# Its exit code when it has said what is to be done.
CANNOT_START = 2


class AlreadyReported(Exception):
    """The contract cannot be tested, and the reference server has said why."""


def seed_settings() -> dict[str, Any]:
    """What a target has to know of the reference server, as its database is filled by default.

    Raises Problem, if it is not a server of the contract.
    """
    # Here, as a deployment can be tested without what the server needs.
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
    """Runs the reference server on a free port until `cleanup` is closed."""
    # A proxy would be asked for this machine's own addresses otherwise.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    command = [sys.executable, "-m", "tests.reference_server", "--port", "0", "--end-with-input"]
    # The pipe to its input closes with this process, also when that is killed: no server is left behind.
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    cleanup.callback(stop, process)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        # To the end, so that the server never waits for room in the pipe.
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
        raise Problem("the reference server did not start", "see what it says by itself: make serve PORT=0")
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
