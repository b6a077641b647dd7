"""How all of them measure: whole processes, rounds that take each contestant once, medians, ratios within a round."""

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
class Cell:
    """What was measured of one contestant.

    Attributes:
        values: By name, one for each round: "wall" and "cpu" are seconds, "bytes" and others are what they say.
        error: Why there are none.
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

    def ratio(self, first: Cell, name: str) -> float | None:
        """Returns the median of the ratios to the first, each within a round; None where either was not measured."""
        if name not in self.values or name not in first.values:
            return None
        return median(one / other for one, other in zip(self.values[name], first.values[name], strict=True))


def rounds(names: Sequence[str], count: int, measure: Callable[[str], Mapping[str, Any]]) -> dict[str, Cell]:
    """Measures each of them once a round, every other round in reverse, so that what else the machine does hits all
    alike. One that failed is not asked again.
    """
    cells = {name: Cell() for name in names}
    for number in range(count):
        for name in names if number % 2 == 0 else reversed(names):
            if not cells[name].error:
                cells[name].add(measure(name))
    return cells


@dataclass(frozen=True)
class Ended:
    """A process that has ended. Seconds; CPU time is that of all processes that it started and waited for, too."""

    wall: float
    cpu: float
    exit_code: int
    output: str

    @property
    def last_line(self) -> str:
        return self.output.strip().rpartition("\n")[2]

    def answer(self) -> dict[str, Any]:
        """Returns its times, for `Cell.add`; where it failed, what it said last."""
        if self.exit_code:
            return {"error": self.last_line or f"exit code {self.exit_code}"}
        return {"wall": self.wall, "cpu": self.cpu}


def run_process(command: Sequence[str | Path], folder: Path, environ: Mapping[str, str] = os.environ) -> Ended:
    """Runs a command to its end, and measures the whole of it."""
    # A file: one who reads a pipe would have to be woken meanwhile.
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
    return Ended(wall, usage.ru_utime + usage.ru_stime, process.returncode, text)
