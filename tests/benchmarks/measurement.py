"""Measures processes in interleaved rounds. Figures are medians; ratios are medians of the ratios within a round."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import Any


@dataclass
class Measurement:
    """The values measured for one row of a table.

    Attributes:
        values: By name, one value for each round. "wall" and "cpu" are in seconds.
        error: Why there are no values.
    """

    values: dict[str, list[float]] = field(default_factory=dict)
    error: str = ""

    def add(self, answer: Mapping[str, Any]) -> None:
        if error := answer.get("error", ""):
            self.values, self.error = {}, error
        for name, value in answer.items() if not error else ():
            self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float | None:
        return median(self.values[name]) if name in self.values else None

    def ratio(self, first: Measurement, name: str) -> float | None:
        """Return the median of the ratios to `first` within a round; None if either has no such value."""
        if name not in self.values or name not in first.values:
            return None
        return median(one / other for one, other in zip(self.values[name], first.values[name], strict=True))


def measure_rounds(
    names: Sequence[str], count: int, measure: Callable[[str], Mapping[str, Any]]
) -> dict[str, Measurement]:
    """Measure each once per round, in reverse order every other round, so that other load affects all alike.

    After an error, a name is not measured again.
    """
    cells = {name: Measurement() for name in names}
    for number in range(count):
        for name in names if number % 2 == 0 else reversed(names):
            if not cells[name].error:
                cells[name].add(measure(name))
    return cells


@dataclass(frozen=True)
class ProcessResult:
    """The result of a process. Times are in seconds; CPU time includes child processes that it waited for."""

    wall: float
    cpu: float
    exit_code: int
    output: str

    @property
    def last_line(self) -> str:
        return self.output.strip().rpartition("\n")[2]

    def answer(self) -> dict[str, Any]:
        """Return its times for `Measurement.add`; after a failure, the last line of its output as error."""
        if self.exit_code:
            return {"error": self.last_line or f"exit code {self.exit_code}"}
        return {"wall": self.wall, "cpu": self.cpu}


def run_process(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str] = os.environ) -> ProcessResult:
    """Run a command and measure it."""
    # A file instead of a pipe, because reading a pipe costs CPU time meanwhile.
    with TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return ProcessResult(wall, usage.ru_utime + usage.ru_stime, process.returncode, text)
