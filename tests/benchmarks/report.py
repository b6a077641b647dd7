"""What is shown of the figures: tables on the terminal, and the same tables as JSON, as SVG and in Markdown."""

from __future__ import annotations

import json
import os
import platform
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Cell


@dataclass(frozen=True)
class Column:
    """A column of a table: of which values, and how they are written."""

    heading: str
    value: str
    write: Callable[[float], str]


def scaled(heading: str, value: str, factor: float, digits: int = 0) -> Column:
    return Column(heading, value, lambda number: f"{number * factor:,.{digits}f}")


MICROSECONDS = (scaled("wall us", "wall", 1e6), scaled("CPU us", "cpu", 1e6))
MILLISECONDS = (scaled("wall ms", "wall", 1e3), scaled("CPU ms", "cpu", 1e3))
SECONDS = (scaled("wall s", "wall", 1, 2), scaled("CPU s", "cpu", 1, 2))

# How the values are called that ratios are of.
CALLED = {"wall": "wall time", "cpu": "CPU time", "bytes": "memory", "found": "number of faults found"}


@dataclass
class Table:
    """What some contestants did alike.

    Attributes:
        cells: By the name of the contestant; the first is the one that the ratios relate to.
        ratio_of: The value that the ratios are of; empty where there are none.
        missing: What stands where a contestant that was measured has no such value.
        is_headline: Whether it is also in the SVG and in the Markdown table.
    """

    title: str
    cells: dict[str, Cell]
    columns: Sequence[Column]
    ratio_of: str = "cpu"
    notes: list[str] = field(default_factory=list)
    missing: str = "-"
    is_headline: bool = False

    def ratio(self, name: str, first: str = "") -> float | None:
        """Returns a contestant's ratio to the first of the table, or to another one."""
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
                # One text in place of the figures.
                rows.append([name, f"not measured: {cell.error}"])
                continue
            figures = [self.figure(name, column) for column in self.columns]
            rows.append([name, *figures, *([written(self.ratio(name))] if self.ratio_of else [])])
        widths = [max(len(row[0]) for row in rows), *(max(len(heading), 10) for heading in headings[1:])]
        lines = [
            f"  {name:<{widths[0]}}"
            + "".join(f"  {figure:>{width}}" for figure, width in zip(figures, widths[1:], strict=False))
            for name, *figures in rows
        ]
        title = f"{self.title} (ratio: of {CALLED[self.ratio_of]})" if self.ratio_of else self.title
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


def written(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def machine() -> dict[str, str]:
    """Returns what the figures were measured on."""
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
    """Returns the headlines as a table for the README: the first of each in figures, the others as ratios to it."""
    lines = ["| measured | first | the others, as ratios to it |", "| --- | --- | --- |"]
    for table in tables:
        if not table.is_headline:
            continue
        first, *others = table.cells
        column = table.main_column
        figure = f"{first}: {table.figure(first, column)} ({column.heading})"
        ratios = (f"{name} **{written(table.ratio(name))}**" for name in others if not table.cells[name].error)
        lines.append(f"| {table.title} | {figure} | {', '.join(ratios)} |")
    return "\n".join(lines)


# --- the picture ----------------------------------------------------------------------------------------------------

# Pixels.
WIDTH, MARGIN, GAP = 1160, 30, 40
PANEL = (WIDTH - 2 * MARGIN - GAP) // 2
LABEL, FIGURES = 190, 130
ROW = 22
HEAD = 46
BETWEEN = 22

STYLE = """
text { font-family: system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; font-size: 13px; fill: #24292f }
.heading { font-size: 22px; font-weight: 600 }
.title { font-size: 14px; font-weight: 600 }
.small { font-size: 11.5px; fill: #59636e }
.bar { fill: #afb8c1 }
.first { fill: #0969da }
"""


def as_svg(facts: Mapping[str, str], tables: Sequence[Table]) -> str:
    """Draws the headlines: bars as long as the ratios, in two columns; the first of each panel in blue."""
    ends = [MARGIN + 66, MARGIN + 66]
    panels = []
    for table in tables:
        if table.is_headline:
            side = ends.index(min(ends))
            panels.append(_panel(table, MARGIN + side * (PANEL + GAP), ends[side]))
            ends[side] += HEAD + ROW * len(table.cells) + BETWEEN
    wrapped = [line for name, fact in facts.items() for line in textwrap.wrap(f"{name}: {fact}", 160)]
    foot = "".join(_text(MARGIN, max(ends) + 10 + 17 * number, line, "small") for number, line in enumerate(wrapped))
    height = max(ends) + 17 * len(wrapped) + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">\n'
        f'<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + _text(MARGIN, MARGIN + 16, "make benchmark", "heading")
        + _text(MARGIN, MARGIN + 38, "Bars are ratios to the blue one. Less is better, if not said otherwise.", "small")
        + "".join(panels)
        + foot
        + "</svg>\n"
    )


def _panel(table: Table, left: int, top: int) -> str:
    column = table.main_column
    unit = column.heading.removeprefix("wall ").removeprefix("CPU ")
    parts = [
        _text(left, top + 14, table.title, "title"),
        _text(left, top + 32, CALLED[table.ratio_of], "small"),
    ]
    ratios = {name: table.ratio(name) for name in table.cells}
    longest = max([ratio for ratio in ratios.values() if ratio is not None], default=1.0)
    for number, (name, ratio) in enumerate(ratios.items()):
        y = top + HEAD + ROW * number
        parts.append(_text(left, y + 12, name))
        if ratio is None:
            parts.append(_text(left + LABEL, y + 12, "not measured", "small"))
            continue
        length = max(1.0, ratio / longest * (PANEL - LABEL - FIGURES))
        kind = "bar" if number else "first"
        parts.append(
            f'<rect class="{kind}" x="{left + LABEL}" y="{y}" width="{length:.1f}" height="{ROW - 6}" rx="2"/>\n'
        )
        figure = f"{written(ratio)} x, {table.figure(name, column)} {unit}"
        parts.append(_text(round(left + LABEL + length + 6), y + 12, figure))
    return "".join(parts)


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}"' + (f' class="{kind}"' if kind else "") + f">{escape(text)}</text>\n"
