"""The command `make benchmark`: runs the benchmarks one after the other, and writes the reports."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from importlib import import_module

from codegen import ROOT
from tests.benchmarks import report
from tests.benchmarks.chart import as_svg
from tests.benchmarks.client import versions
from tests.benchmarks.report import Table

# Modules of this package, in the order in which they run.
BENCHMARKS = ("generation", "client", "contract", "server")

REPORTS = ROOT / "reports"


def main(arguments: list[str]) -> int:
    if unknown := [name for name in arguments if name not in BENCHMARKS]:
        print(
            f"problem: there is no benchmark '{unknown[0]}'\nfix: use one of {', '.join(BENCHMARKS)}", file=sys.stderr
        )
        return 2
    start = time.monotonic()
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        **report.machine(),
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
        "figures": "medians of interleaved rounds; ratios are medians of the ratios to the first row within a round",
    }
    print("\n".join(f"{name:<10}{fact}" for name, fact in facts.items()), flush=True)
    tables: list[Table] = []
    for name in arguments or BENCHMARKS:
        for table in import_module(f"tests.benchmarks.{name}").tables():
            tables.append(table)
            print(f"\n{table}", flush=True)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "benchmark.json").write_text(report.as_json(facts, tables), encoding="utf-8")
    (REPORTS / "benchmark.svg").write_text(as_svg(facts, tables), encoding="utf-8")
    print(f"\n{report.as_markdown(tables)}\n\nTook {time.monotonic() - start:.0f} s.")
    print("All figures: reports/benchmark.json; chart: reports/benchmark.svg; for the README: the table above")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("problem: interrupted; no report was written\nfix: run it again", file=sys.stderr)
        sys.exit(2)
