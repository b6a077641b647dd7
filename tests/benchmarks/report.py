"""The tables of figures: as text, JSON and Markdown."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.measurement import Measurement


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its value and how to format it."""

    heading: str
    value: str
    write: Callable[[float], str]


def scaled_column(heading: str, value: str, factor: float, digits: int = 0) -> Column:
    return Column(heading, value, lambda number: f"{number * factor:,.{digits}f}")


MICROSECONDS = (scaled_column("wall us", "wall", 1e6), scaled_column("CPU us", "cpu", 1e6))
MILLISECONDS = (scaled_column("wall ms", "wall", 1e3), scaled_column("CPU ms", "cpu", 1e3))
SECONDS = (scaled_column("wall s", "wall", 1, 2), scaled_column("CPU s", "cpu", 1, 2))

# Names of the values that ratios compare.
VALUE_NAMES = {"wall": "wall time", "cpu": "CPU time", "bytes": "memory", "found": "number of faults found"}


@dataclass
class Table:
    """A table with one row for each tool.

    Attributes:
        cells: The measurements by row. Ratios relate to the first row.
        ratio_of: The value that ratios compare; empty for a table without ratios.
        missing: Text for a missing value of a row.
        is_headline: True if the chart and the Markdown table include it.
    """

    title: str
    cells: dict[str, Measurement]
    columns: Sequence[Column]
    ratio_of: str = "cpu"
    notes: list[str] = field(default_factory=list)
    missing: str = "-"
    is_headline: bool = False

    def ratio(self, name: str, first: str = "") -> float | None:
        """Return a row's ratio to the first row, or to another one."""
        return self.cells[name].ratio(self.cells[first or next(iter(self.cells))], self.ratio_of)

    def figure(self, name: str, column: Column) -> str:
        number = self.cells[name].median(column.value)
        return self.missing if number is None else column.write(number)

    @property
    def main_column(self) -> Column:
        return next(column for column in self.columns if column.value == self.ratio_of)

    def __str__(self) -> str:
        headings = ["", *(column.heading for column in self.columns), *(["ratio"] if self.ratio_of else [])]
        rows = [headings]
        for name, cell in self.cells.items():
            if cell.error:
                # One text instead of figures.
                rows.append([name, f"not measured: {cell.error}"])
                continue
            figures = [self.figure(name, column) for column in self.columns]
            rows.append([name, *figures, *([format_ratio(self.ratio(name))] if self.ratio_of else [])])
        widths = [max(len(row[0]) for row in rows), *(max(len(heading), 10) for heading in headings[1:])]
        lines = [
            f"  {name:<{widths[0]}}"
            + "".join(f"  {figure:>{width}}" for figure, width in zip(figures, widths[1:], strict=False))
            for name, *figures in rows
        ]
        title = f"{self.title} (ratio of {VALUE_NAMES[self.ratio_of]})" if self.ratio_of else self.title
        return "\n".join([title, *lines, *(f"  {note}" for note in self.notes)])

    def as_json(self) -> dict[str, Any]:
        rows = [
            {
                "name": name,
                "medians": {value: cell.median(value) for value in cell.values},
                "ratio": self.ratio(name) if self.ratio_of else None,
                "error": cell.error,
                "values": cell.values,
            }
            for name, cell in self.cells.items()
        ]
        return {"title": self.title, "ratio_of": self.ratio_of, "notes": self.notes, "rows": rows}


def format_ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def machine() -> dict[str, str]:
    """Return a description of the machine."""
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = [line for line in cpus.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {model}",
        "load": f"{os.getloadavg()[0]:.1f} at the start",
    }


def as_json(facts: Mapping[str, str], tables: Sequence[Table]) -> str:
    return json.dumps({**facts, "tables": [table.as_json() for table in tables]}, indent=1) + "\n"


def as_markdown(tables: Sequence[Table]) -> str:
    """Return the headline tables as one Markdown table: the first row of each in figures, the others as ratios."""
    lines = ["| measured | first | the others, as ratios to it |", "| --- | --- | --- |"]
    for table in tables:
        if not table.is_headline:
            continue
        first, *others = table.cells
        column = table.main_column
        figure = f"{first}: {table.figure(first, column)} ({column.heading})"
        ratios = (f"{name} **{format_ratio(table.ratio(name))}**" for name in others if not table.cells[name].error)
        lines.append(f"| {table.title} | {figure} | {', '.join(ratios)} |")
    return "\n".join(lines)
