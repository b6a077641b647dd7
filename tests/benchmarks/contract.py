"""The contract run next to plain Schemathesis: time to a verdict, and faults found in the same time.

Both are whole processes. They test a reference server or a mutant, which runs in this process. Plain Schemathesis is
`schemathesis run` with its defaults, the token and a definition that has runs.
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
from tests.benchmarks.measurement import Measurement, ProcessResult, measure_rounds, run_process
from tests.benchmarks.report import SECONDS, Column, Table, scaled_column
from tests.mutants.faults import MUTANTS
from tests.reference_server import seed
from tests.reference_server.uvicorn_server import running

OURS, PLAIN = "make contract", "schemathesis run"
ROUNDS = 3

# One mutant of each class, and a second of classes with easy and hard ones. `make mutants` runs all.
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
            cells = measure_rounds((OURS, PLAIN), ROUNDS, lambda name: _time_to_verdict(name, url, folder))
        verdict = (*SECONDS, scaled_column("requests", "requests", 1))
        yield Table("Test the reference server, to the verdict", cells, verdict, is_headline=True)
        if any(cell.error for cell in cells.values()):
            return
        # Whole seconds, as both tools require; long enough for both to finish on a correct server.
        budget = ceil(max(cell.median("wall") or 0 for cell in cells.values()))
        found = {fault: Measurement() for fault in FAULTS}
        for number, fault in enumerate(FAULTS):
            for tool in (OURS, PLAIN) if number % 2 == 0 else (PLAIN, OURS):
                with running(MUTANTS[fault].start()) as url:
                    _time_to_finding(found[fault], tool, url, folder, budget)
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
            {name: Measurement({"found": [number]}) for name, number in count.items()},
            (scaled_column("found", "found", 1),),
            ratio_of="found",
            is_headline=True,
        )


def _time_to_verdict(tool: str, url: str, folder: Path) -> dict[str, Any]:
    result = _run_tool(tool, url, folder)
    requests = re.search(r"^requests +(\d+)|^  (\d+) generated", result.output, flags=re.MULTILINE)
    if result.exit_code or requests is None:
        return {"error": f"exit code {result.exit_code}: {result.last_line}"}
    # Plain Schemathesis does not report requests: this is its number of test cases.
    return result.answer() | {"requests": int(requests[1] or requests[2])}


def _time_to_finding(cell: Measurement, tool: str, url: str, folder: Path, budget: int) -> None:
    result = _run_tool(tool, url, folder, budget)
    if result.exit_code == 1:
        cell.values[tool] = [result.wall]
    elif result.exit_code != 0 and "too few requests" not in result.output:
        cell.error = f"{tool}: exit code {result.exit_code}: {result.last_line}"


def _run_tool(tool: str, url: str, folder: Path, budget: int | None = None) -> ProcessResult:
    """Run a tool. With a budget, in seconds, it stops at its first finding."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command: Sequence[str | Path]
    if tool == OURS:
        # Without a rate limit and with all methods, as against the embedded server and as the other tool does.
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
    # In a temporary folder, because it writes a cache to the working directory.
    return run_process(command, folder, kept)
