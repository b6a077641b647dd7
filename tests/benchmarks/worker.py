"""Processes and environment of the client benchmark, and the stock clients that it generates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codegen import ROOT
from codegen.openapi import read

ENVIRONMENT = ROOT / ".venv-benchmark"

TIMEOUT = 60
"""Seconds that a process may take for a line."""


def interpreter() -> Path:
    """Return the Python of the benchmark's environment, or the project's if that could not be installed."""
    ready = (ENVIRONMENT / "requirements-benchmark.lock").exists()
    return ENVIRONMENT / "bin" / "python" if ready else Path(sys.executable)


def environment(generated: Path) -> dict[str, str]:
    """Return the environment variables of the processes, without settings that affect only some clients."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "KS_")) and not name.lower().endswith("_proxy")
    }
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "generated", generated)))}


class Worker:
    """A process that answers each line of input with a line of output."""

    def __init__(self, command: Sequence[str | Path], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, **task: Any) -> dict[str, Any]:
        """Return the result of a task, or `{"error": ...}`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            answer = self.read_line()
        except BrokenPipeError:
            answer = ""
        return json.loads(answer) if answer else {"error": "its process exited or timed out"}

    def read_line(self) -> str:
        """Return the next line of output; "" if the process exits, or is killed after TIMEOUT."""
        assert self._process.stdout is not None
        timer = threading.Timer(TIMEOUT, self._process.kill)
        timer.start()
        try:
            return self._process.stdout.readline()
        finally:
            timer.cancel()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=10)  # closes its input, and it exits
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


@contextmanager
def page_server() -> Iterator[str]:
    """Run the page server; yield its address."""
    with Worker([sys.executable, "-m", "tests.benchmarks.page_server"], dict(os.environ)) as process:
        address = process.read_line().strip()
        if not address:
            raise RuntimeError("the page server did not start; see its traceback")
        yield address


def generate_stock_clients(folder: Path) -> list[str]:
    """Run the two generators with their defaults, in a folder. Return notes for the table."""

    def run(module: str, *arguments: str) -> str:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return "" if done.returncode == 0 else done.stderr.strip().rpartition("\n")[2]

    def run_dcg(contract: str) -> str:
        model = ("--input", contract, "--input-file-type", "openapi", "--output", "dcg_models.py")
        client = ("--generate-client", "httpx2", "--client-output", "dcg_client", "--client-package", "dcg_client")
        return run("datamodel_code_generator", *model, *client, "--client-model-package", "dcg_models")

    notes = []
    contract = ROOT / "openapi.yaml"
    if error := run("openapi_python_client", "generate", "--path", str(contract), "--meta", "none",
                   "--output-path", "stock_client"):  # fmt: skip
        notes.append(f"openapi-python-client failed: {error}")
    if error := run_dcg(str(contract)):
        notes.append(f"datamodel-code-generator rejects the contract: {error}")
        document = read(contract).value
        # The cookie is also a security scheme; it rejects this combination.
        for path in document["paths"].values():
            path["get"]["parameters"] = [item for item in path["get"]["parameters"] if item["in"] != "cookie"]
        (folder / "without_cookie.json").write_text(json.dumps(document), encoding="utf-8")
        error = run_dcg("without_cookie.json")
        notes.append(error or "  its client is generated from the contract without the cookie parameter")
    return notes
