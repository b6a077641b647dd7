"""Where the contestants of the client's benchmark run, and how the stock clients among them come about."""

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
"""Seconds after which a process that does not answer is given up."""


def interpreter() -> Path:
    """Returns the rivals' Python; where their environment could not be made, the project's, which has hardly any."""
    ready = (ENVIRONMENT / "requirements-benchmark.lock").exists()
    return ENVIRONMENT / "bin" / "python" if ready else Path(sys.executable)


def environment(generated: Path) -> dict[str, str]:
    """That of the processes: no settings that reach only some of the contestants."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "KS_")) and not name.lower().endswith("_proxy")
    }
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "generated", generated)))}


class Process:
    """A process that answers a line with a line."""

    def __init__(self, command: Sequence[str | Path], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **task: Any) -> dict[str, Any]:
        """Returns the answer to a task; one with `error` where there is none."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            answer = self.read()
        except BrokenPipeError:
            answer = ""
        return json.loads(answer) if answer else {"error": "its process ended, or was too slow"}

    def read(self) -> str:
        """Returns its next line; empty where it ended, or was too slow and is ended."""
        assert self._process.stdout is not None
        timer = threading.Timer(TIMEOUT, self._process.kill)
        timer.start()
        try:
            return self._process.stdout.readline()
        finally:
            timer.cancel()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=10)  # the end of its input ends it
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


@contextmanager
def page_server() -> Iterator[str]:
    """Runs the page server; yields its address."""
    with Process([sys.executable, "-m", "tests.benchmarks.page_server"], dict(os.environ)) as process:
        address = process.read().strip()
        if not address:
            raise RuntimeError("the page server did not start; its traceback says why")
        yield address


def generate_stock_clients(folder: Path) -> list[str]:
    """Runs the two generators as they come, side by side below a folder. Returns what is to be said of it."""

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
    if said := run("openapi_python_client", "generate", "--path", str(contract), "--meta", "none",
                   "--output-path", "stock_client"):  # fmt: skip
        notes.append(f"openapi-python-client made no client: {said}")
    if said := run_dcg(str(contract)):
        notes.append(f"datamodel-code-generator refuses the contract as it is: {said}")
        document = read(contract).value
        # The cookie is also a security scheme, and of two that are one it takes neither.
        for path in document["paths"].values():
            path["get"]["parameters"] = [item for item in path["get"]["parameters"] if item["in"] != "cookie"]
        (folder / "without_cookie.json").write_text(json.dumps(document), encoding="utf-8")
        said = run_dcg("without_cookie.json")
        notes.append(said or "  its client was made from the contract without the cookie parameter")
    return notes
