"""The contract run next to plain Schemathesis: how long to a verdict, and which faults are found in the same time.

Both are whole processes that test a reference server, or a mutant of it, which runs in this one. Plain Schemathesis is
`schemathesis run` with its defaults, a definition that has runs, and the token.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from codegen import ROOT
from tests.benchmarks.measuring import Cell, Ended, rounds, run_process
from tests.benchmarks.report import SECONDS, Column, Table, scaled
from tests.mutants.faults import MUTANTS
from tests.reference_server import seed
from tests.reference_server.uvicorn_server import running

OURS, PLAIN = "make contract", "schemathesis run"
ROUNDS = 3

# One of each class, and a second where there are both easy and hard ones. All of them take `make mutants`.
FAULTS = (
    "total_as_text", "rare_field_missing", "limit_0_taken", "default_limit_19", "row_lost_in_the_middle",
    "one_id_on_two_runs", "completed_without_end", "any_token_will_do", "server_error_for_word", "post_taken",
)  # fmt: skip

CONFIG = f"""
[auth.openapi.bearerAuth]
bearer = "{seed.TOKEN}"
[parameters]
"path.definition_id" = "{seed.DEFINITION_ID}"
"""


def tables() -> Iterator[Table]:
    with TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        (folder / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
        with running() as url:
            cells = rounds((OURS, PLAIN), ROUNDS, lambda name: _verdict(name, url, folder))
        verdict = (*SECONDS, scaled("requests", "requests", 1))
        yield Table("Test the reference server, to the verdict", cells, verdict, is_headline=True)
        if any(cell.error for cell in cells.values()):
            return
        # Whole seconds, as both take them: so long that neither ends early on a server without a fault.
        budget = ceil(max(cell.median("wall") or 0 for cell in cells.values()))
        found = {fault: Cell() for fault in FAULTS}
        for number, fault in enumerate(FAULTS):
            for contestant in (OURS, PLAIN) if number % 2 == 0 else (PLAIN, OURS):
                with running(MUTANTS[fault].start()) as url:
                    _kill(found[fault], contestant, url, folder, budget)
        columns = tuple(Column(f"{name}, s", name, lambda number: f"{number:.1f}") for name in (OURS, PLAIN))
        titles = {fault: f"{MUTANTS[fault].kind}: {fault}" for fault in FAULTS}
        yield Table(
            f"Find a fault, within the {budget} s of a verdict: time to the first finding",
            {titles[fault]: found[fault] for fault in FAULTS},
            columns,
            ratio_of="",
            missing="not found",
        )
        count = {name: sum(name in cell.values for cell in found.values()) for name in (OURS, PLAIN)}
        yield Table(
            f"Faults found in the same {budget} s, of {len(FAULTS)}: more is better",
            {name: Cell({"found": [number]}) for name, number in count.items()},
            (scaled("found", "found", 1),),
            ratio_of="found",
            is_headline=True,
        )


def _verdict(contestant: str, url: str, folder: Path) -> dict[str, Any]:
    ended = _test(contestant, url, folder)
    requests = re.search(r"^requests +(\d+)|^  (\d+) generated", ended.output, flags=re.MULTILINE)
    if ended.exit_code or requests is None:
        return {"error": f"exit code {ended.exit_code}: {ended.last_line}"}
    # Of plain Schemathesis it is the number of its test cases: it does not tell the requests.
    return ended.answer() | {"requests": int(requests[1] or requests[2])}


def _kill(cell: Cell, contestant: str, url: str, folder: Path, budget: int) -> None:
    ended = _test(contestant, url, folder, budget)
    if ended.exit_code == 1:
        cell.values[contestant] = [ended.wall]
    elif ended.exit_code != 0 and "too few requests" not in ended.output:
        cell.error = f"{contestant}: exit code {ended.exit_code}: {ended.last_line}"


def _test(contestant: str, url: str, folder: Path, budget: int | None = None) -> Ended:
    """Runs one of the two; with a budget, in seconds, only up to its first finding."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command: Sequence[str | Path]
    if contestant == OURS:
        # As many requests as it likes, and all methods: what it may do to the embedded server, and what the other does.
        environ = kept | {
            "BASE_URL": url, "TOKEN": seed.TOKEN, "KS_UAT": seed.KS_UAT, "DEFINITION_ID": seed.DEFINITION_ID,
            "EMPTY_DEFINITION_ID": seed.EMPTY_DEFINITION_ID, "FOREIGN_DEFINITION_ID": seed.FOREIGN_DEFINITION_ID,
            "RATE_LIMIT": "1000/s", "ALL_METHODS": "1", "REPORT_DIR": str(folder / "reports"),
            "FAIL_FAST": "" if budget is None else "1", "MAX_TIME": str(budget or 0),
        }  # fmt: skip
        return run_process([sys.executable, "-m", "tests.contract"], ROOT, environ)
    program = Path(sys.executable).parent / "schemathesis"
    command = [program, "run", ROOT / "openapi.yaml", "--url", url, "--no-color"]
    if budget is not None:
        command = [*command, "--max-failures", "1", "--max-time", str(budget)]
    # In a folder of its own: it keeps a cache where it is started.
    return run_process(command, folder, kept)
