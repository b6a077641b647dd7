"""`make generate`, from nothing and with nothing to do, next to the command lines of the two generators.

Measures whole processes, in a copy of the files that generation reads. Includes the set-up check of `make`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from codegen import ROOT
from tests.benchmarks.measurement import measure_rounds, run_process
from tests.benchmarks.report import MILLISECONDS, Table, format_ratio
from tests.codegen.trees import copy_tree

ROUNDS = 7

STOCK = "the two stock commands"
PROGRAMS = Path(sys.executable).parent
# With their defaults, formatters included, at the project's versions.
OWN_CLIENT = (PROGRAMS / "openapi-python-client", "generate", "--path", "openapi.yaml", "--overwrite")
OWN_MODELS = (PROGRAMS / "datamodel-codegen", "--input", "openapi.yaml", "--input-file-type", "openapi",
              "--output", "models.py")  # fmt: skip


def tables() -> Iterator[Table]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE", "MFLAGS"))}
    environ["PATH"] = os.pathsep.join((str(PROGRAMS), environ["PATH"]))
    with TemporaryDirectory(prefix="benchmark-") as folder:
        tree = copy_tree(Path(folder, "tree"))
        for name in ("Makefile", "requirements.lock"):
            shutil.copy(ROOT / name, tree)
        (tree / ".venv").symlink_to(ROOT / ".venv")
        run = partial(run_process, folder=tree, environ=environ)

        def from_nothing(name: str) -> dict[str, Any]:
            if name == "make generate":
                shutil.rmtree(tree / "generated", ignore_errors=True)
                return run(["make", "generate"]).answer()
            answers = [run(OWN_CLIENT).answer(), run(OWN_MODELS).answer()]
            if error := next((answer for answer in answers if "error" in answer), None):
                return error
            return {clock: sum(answer[clock] for answer in answers) for clock in ("wall", "cpu")}

        # Warm-up: writes bytecode and fills the file cache.
        names = ("make generate", STOCK)
        for name in names:
            from_nothing(name)
        table = Table(
            "Generate from nothing", measure_rounds(names, ROUNDS, from_nothing), MILLISECONDS, is_headline=True
        )
        of_stock = table.cells[names[0]].ratio(table.cells[STOCK], "cpu")
        table.notes = [f"goal: at most 0.7 of the CPU time of {STOCK}: {format_ratio(of_stock)}"]
        yield table

        commands = {
            "make generate": ["make", "generate"],
            "of it: make": ["make", "--dry-run", "generate"],
            "of it: Python's start": [".venv/bin/python", "-c", "pass"],
        }
        table = Table(
            "Generate with nothing to do",
            measure_rounds(list(commands), 3 * ROUNDS, lambda name: run(commands[name]).answer()),
            MILLISECONDS,
            is_headline=True,
        )
        table.notes = ["goal: less than 100 ms of wall time on an idle machine"]
        yield table
