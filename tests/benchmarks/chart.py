"""The chart of `make benchmark`, reports/benchmark.svg.

Written by hand: none of the locked packages draws charts, a plotting library would be larger than the project, and an
SVG of rectangles and text needs one function for each.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from html import escape

from tests.benchmarks.report import VALUE_NAMES, Table, format_ratio

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
    """Return the headline tables as an SVG: two columns of bar charts of the ratios, the first row of each in blue."""
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
        + _text(MARGIN, MARGIN + 38, "Bars are ratios to the blue one. Less is better, unless stated.", "small")
        + "".join(panels)
        + foot
        + "</svg>\n"
    )


def _panel(table: Table, left: int, top: int) -> str:
    column = table.main_column
    unit = column.heading.removeprefix("wall ").removeprefix("CPU ")
    parts = [
        _text(left, top + 14, table.title, "title"),
        _text(left, top + 32, VALUE_NAMES[table.ratio_of], "small"),
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
        figure = f"{format_ratio(ratio)} x, {table.figure(name, column)} {unit}"
        parts.append(_text(round(left + LABEL + length + 6), y + 12, figure))
    return "".join(parts)


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}"' + (f' class="{kind}"' if kind else "") + f">{escape(text)}</text>\n"
