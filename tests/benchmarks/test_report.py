"""The reports contain the measured figures. No time is asserted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks import report
from tests.benchmarks.__main__ import main
from tests.benchmarks.chart import as_svg
from tests.benchmarks.measurement import Measurement, measure_rounds, run_process
from tests.benchmarks.report import MILLISECONDS, Table

FACTS = {"machine": "2 cores <&>", "versions": "one 1.0"}


@pytest.fixture
def table() -> Table:
    cells = {
        "ours": Measurement({"wall": [1.0, 2.0, 4.0], "cpu": [0.5, 0.25, 1.0]}),
        "theirs & <co>": Measurement({"wall": [2.0, 3.0, 16.0], "cpu": [1.0, 1.0, 1.0]}),
        "absent": Measurement(error="it is not installed"),
    }
    return Table("Do it", cells, MILLISECONDS, "wall", ["a note"], is_headline=True)


def test_a_ratio_is_the_median_of_the_ratios_within_a_round(table: Table) -> None:
    # The ratios are 2, 1.5 and 4. The ratio of the medians would be 1.5.
    assert [table.ratio(name) for name in table.cells] == [1.0, 2.0, None]
    assert table.ratio("ours", "theirs & <co>") == 0.5


def test_rounds_alternate_and_skip_errors() -> None:
    measured = []

    def measure(name: str) -> dict[str, object]:
        measured.append(name)
        return {"error": "no"} if name == "b" else {"wall": float(len(measured))}

    cells = measure_rounds(("a", "b", "c"), 3, measure)
    assert measured == ["a", "b", "c", "c", "a", "a", "c"]
    assert cells == {
        "a": Measurement({"wall": [1.0, 5.0, 6.0]}),
        "b": Measurement({}, "no"),
        "c": Measurement({"wall": [3.0, 4.0, 7.0]}),
    }


def test_terminal_and_json_have_the_same_figures(table: Table) -> None:
    title, headings, ours, theirs, absent, note = str(table).splitlines()
    assert title == "Do it (ratio of wall time)" and note.strip() == "a note"
    assert headings.split() == ["wall", "ms", "CPU", "ms", "ratio"]
    assert absent.split(maxsplit=1) == ["absent", "not measured: it is not installed"]
    document = json.loads(report.as_json(FACTS, [table]))
    assert document["machine"] == FACTS["machine"]
    rows = document["tables"][0]["rows"]
    for line, row in zip((ours, theirs), rows, strict=False):
        shown = [float(figure.replace(",", "")) for figure in line.removeprefix(f"  {row['name']}").split()]
        assert shown == [row["medians"]["wall"] * 1000, row["medians"]["cpu"] * 1000, row["ratio"]]
    assert rows[1]["values"] == table.cells["theirs & <co>"].values
    assert (rows[2]["medians"], rows[2]["ratio"], rows[2]["error"]) == ({}, None, "it is not installed")


def test_the_chart_is_xml_with_a_bar_for_each_ratio(table: Table) -> None:
    svg = ElementTree.fromstring(as_svg(FACTS, [table, table]))
    texts = [element.text for element in svg.findall(".//{*}text")]
    assert {"Do it", "theirs & <co>", "2.00 x, 3,000 ms", "not measured", "machine: 2 cores <&>"} <= set(texts)
    bars = [float(bar.attrib["width"]) for bar in svg.findall(".//{*}rect") if "class" in bar.attrib]
    assert bars[0] * 2 == bars[1] and len(bars) == 4


def test_the_markdown_has_the_headlines_only(table: Table) -> None:
    detail = Table("Not shown", table.cells, MILLISECONDS)
    assert report.as_markdown([detail, table]).splitlines()[2:] == [
        "| Do it | ours: 2,000 (wall ms) | theirs & <co> **2.00** |"
    ]


def test_a_process_that_fails_is_not_measured(tmp_path: Path) -> None:
    ended = run_process([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"], tmp_path)
    assert (ended.exit_code, ended.answer()) == (3, {"error": "why"})
    assert run_process(["true"], tmp_path).answer().keys() == {"wall", "cpu"}


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clients"]) == 2
    errors = capsys.readouterr().err
    assert "no benchmark 'clients'" in errors and "fix: use one of generation, client, contract, server" in errors
