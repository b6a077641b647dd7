"""The client next to its rivals, in one run: decoding, pages a second, import time, reading a long list.

    python -m tests.benchmarks.client

Each contestant has a process of its own, in the rivals' environment, and idles while it is not its turn. A round takes
each of them once, every other round in reverse, so that what else the machine does hits all alike; figures are medians
over the rounds, ratios medians of the ratios within a round. What could not be measured says why.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import metadata
from itertools import chain
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from codegen import ROOT
from tests.benchmarks.contestants import CONTESTANTS, IMPORTS
from tests.benchmarks.rivals import Process, environment, generate_stock_clients, interpreter, page_server

REPORT = ROOT / "reports" / "benchmark-client.json"

TITLES = {
    "ours": "ours",
    "stock": "openapi-python-client",
    "dcg": "datamodel-code-generator",
    "ksapi": "ksapi, the vendor's SDK",
    "httpx2": "base: httpx2 and json.loads",
    "msgspec": "msgspec, typed fields",
}

# Together less than two minutes on an idle machine. Many short rounds: what else runs then hits few of them.
ROUNDS, SECONDS = 11, 0.06
IMPORT_ROUNDS = 5
LONG_ROUNDS = 3

UNITS = {"us": ("wall us", "CPU us"), "ms": ("wall ms", "CPU ms"), "pages": ("pages/s", "CPU us/page")}


@dataclass
class Cell:
    """What was measured of one thing: seconds, a value for each round."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    def add(self, answer: dict[str, Any]) -> None:
        self.error = answer.pop("error", "")
        if not self.error:
            self.wall.append(answer.pop("wall"))
            self.cpu.append(answer.pop("cpu"))
            self.more = answer

    def times(self, base: Cell, clock: str) -> float | None:
        """Returns how many times as long as the base it took; None where either was not measured."""
        if self.error or base.error:
            return None
        pairs: Iterable[tuple[float, float]] = zip(getattr(self, clock), getattr(base, clock), strict=True)
        return median(one / other for one, other in pairs)


@dataclass
class Section:
    """A table, and what it was made from."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    measured: dict[str, Cell] = field(default_factory=dict)

    def __str__(self) -> str:
        table = [["", *self.columns], *self.rows]
        widths = [max(len(row[0]) for row in table), *(max(len(column), 10) for column in self.columns)]
        lines = [
            # A row that says why there are no figures has one text in their place.
            f"  {name:<{widths[0]}}"
            + "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=False))
            for name, *cells in table
        ]
        return "\n".join([self.title, *lines, *(f"  {note}" for note in self.notes)])


def rounds(names: Sequence[str], count: int, measure: Callable[[str], dict[str, Any]]) -> dict[str, Cell]:
    """Measures each of them once a round. One that failed is not asked again."""
    cells = {name: Cell() for name in names}
    for number in range(count):
        for name in names if number % 2 == 0 else reversed(names):
            if not cells[name].error:
                cells[name].add(measure(name))
    return cells


def compare(title: str, cells: dict[str, Cell], clock: str, unit: str) -> Section:
    """Makes the table of what all contestants did alike; `clock` is the one that the ratios are of."""
    section = Section(title, [*UNITS[unit], "x base", "x ours"], measured=cells)
    for name, cell in cells.items():
        if cell.error:
            section.rows.append([TITLES[name], f"not measured: {cell.error}"])
            continue
        ratios = [_ratio(cell.times(cells[other], clock)) for other in ("httpx2", "ours")]
        section.rows.append([TITLES[name], *_figures(cell, unit), *ratios])
    return section


def _figures(cell: Cell, unit: str) -> Sequence[str]:
    wall, cpu = median(cell.wall), median(cell.cpu)
    if unit == "pages":
        return f"{1 / wall:,.0f}", f"{cpu * 1e6:,.0f}"
    scale = {"us": 1e6, "ms": 1e3}[unit]
    return f"{wall * scale:,.0f}", f"{cpu * scale:,.0f}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


# --- what is measured -----------------------------------------------------------------------------------------------

Ask = Mapping[str, Callable[..., dict[str, Any]]]


def decoding(ask: Ask, url: str) -> Iterator[Section]:
    """From bytes to a page."""
    for limit in (1, 20, 100):

        def measure(name: str, limit: int = limit) -> dict[str, Any]:
            return ask[name](task="decode", url=url, limit=limit, seconds=SECONDS)

        cells = rounds(list(CONTESTANTS), ROUNDS, measure)
        size = next((cell.more["bytes"] for cell in cells.values() if cell.more), 0)
        section = compare(f"Decode a page of {limit} ({size:,} bytes)", cells, "cpu", "us")
        ours, stock, base = (cells[name] for name in ("ours", "stock", "httpx2"))
        section.notes = [
            f"goal: ours at most 2.2 x json.loads: {_ratio(ours.times(base, 'cpu'))}",
            f"goal: ours at least 2.5 times faster than the stock client: {_ratio(stock.times(ours, 'cpu'))}",
        ]
        if limit == 100:
            section.notes += [
                f"{TITLES[name]} refuses a run without a template, so here all have one: {error}"
                for name in CONTESTANTS
                if (error := ask[name](task="null_template", url=url).get("error"))
            ]
        yield section


def end_to_end(ask: Ask, url: str) -> Iterator[Section]:
    """Pages of 20, which is the contract's default, from a server on loopback that has them ready."""
    for task, title in (("call", "blocking"), ("call_async", "asyncio")):
        for in_flight in (1, 8):

            def measure(name: str, task: str = task, in_flight: int = in_flight) -> dict[str, Any]:
                return ask[name](task=task, url=url, limit=20, in_flight=in_flight, seconds=SECONDS)

            cells = rounds(list(IMPORTS), ROUNDS, measure)
            yield compare(f"Read pages of 20, {title}, {in_flight} in flight", cells, "wall", "pages")


def importing(environ: dict[str, str]) -> Iterator[Section]:
    """What a program pays at its start."""
    measure = partial(measure_import, interpreter(), environ)
    # Once unmeasured: it writes the bytecode of what was just generated.
    for name in IMPORTS:
        measure(name)
    cells = rounds(list(IMPORTS), IMPORT_ROUNDS, measure)
    yield compare("Import what a first call needs, in a fresh interpreter", cells, "cpu", "ms")


def measure_import(python: Path, environ: dict[str, str], name: str) -> dict[str, Any]:
    code = (
        f"import time; wall, cpu = time.perf_counter(), time.process_time(); {IMPORTS[name]}; "
        'print(\'{"wall": %r, "cpu": %r}\' % (time.perf_counter() - wall, time.process_time() - cpu))'
    )
    done = subprocess.run([python, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": done.stderr.strip().rpartition("\n")[2]}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def long_lists(ask: Ask, url: str) -> Iterator[Section]:
    """All runs of a long list, one page after the other and several at once."""
    tasks = {
        f"{title}, {delay} ms a page, concurrency={concurrency}": {
            "task": task, "delay": delay, "concurrency": concurrency
        }
        for task, title in (("read_all", "blocking"), ("read_all_async", "asyncio"))
        for delay in (0, 10, 50)
        for concurrency in (1, 8)
    }  # fmt: skip
    cells = rounds(list(tasks), LONG_ROUNDS, lambda name: ask["ours"](url=url, **tasks[name]))
    runs = next((cell.more["runs"] for cell in cells.values() if cell.more), 0)
    section = Section(
        f"Read {runs:,} runs, concurrency=1 and 8", ["1: s", "8: s", "faster", "1: CPU s", "8: CPU s"], measured=cells
    )
    names = list(tasks)
    for one, eight in zip(names[::2], names[1::2], strict=True):
        title = one.removesuffix(", concurrency=1")
        if error := cells[one].error or cells[eight].error:
            section.rows.append([title, f"not measured: {error}"])
            continue
        faster = _ratio(cells[one].times(cells[eight], "wall"))
        times = [f"{median(getattr(cells[name], clock)):.2f}" for clock in ("wall", "cpu") for name in (one, eight)]
        section.rows.append([title, *times[:2], faster, *times[2:]])
        if "50 ms" in title:
            section.notes.append(f"goal: at least 5 times faster with 8 than with 1; {title}: {faster}")
    yield section


def main() -> None:
    """Measures, prints the tables, writes the report."""
    start = time.monotonic()
    with ExitStack() as stack:
        generated = Path(stack.enter_context(TemporaryDirectory(prefix="benchmark-")))
        remarks = generate_stock_clients(generated)
        environ = environment(generated)
        command = [str(interpreter()), "-m", "tests.benchmarks.contestants"]
        ask = {name: stack.enter_context(Process([*command, name], environ)).ask for name in CONTESTANTS}
        url = stack.enter_context(page_server())
        facts = versions(ask)
        print("\n".join([*(f"{name:<10}{fact}" for name, fact in facts.items()), *remarks]), flush=True)
        sections = []
        for section in chain(decoding(ask, url), end_to_end(ask, url), importing(environ), long_lists(ask, url)):
            sections.append(section)
            print(f"\n{section}", flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    report = {**facts, "remarks": remarks, "sections": [asdict(section) for section in sections]}
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"\nTook {time.monotonic() - start:.0f} s; every value of every round: {REPORT.relative_to(ROOT)}")


def versions(ask: Ask) -> dict[str, str]:
    """Returns what was measured, on what."""
    below = ask["ours"](task="versions", names=["pydantic", "httpx2", "httpx", "attrs", "ksapi", "urllib3", "msgspec"])
    made_with = {name: metadata.version(name) for name in ("openapi-python-client", "datamodel-code-generator")}
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in (made_with | below).items()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start",
        "figures": f"medians of {ROUNDS} interleaved rounds ({IMPORT_ROUNDS} of imports, {LONG_ROUNDS} of long lists)",
        "x": "how many times as long it took, in CPU time for decoding and imports, else in wall time",
    }


if __name__ == "__main__":
    main()
