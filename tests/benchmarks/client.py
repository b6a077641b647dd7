"""The client next to its rivals: decoding, pages a second, memory, import time, reading a long list.

Each contestant has a process of its own, in the rivals' environment, and idles while it is not its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib import metadata
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from codegen import ROOT
from tests.benchmarks.contestants import CONTESTANTS, IMPORTS
from tests.benchmarks.measuring import Cell, rounds, run_process
from tests.benchmarks.report import MICROSECONDS, MILLISECONDS, SECONDS, Column, Table, scaled, written
from tests.benchmarks.rivals import Process, environment, generate_stock_clients, interpreter, page_server

TITLES = {
    "ours": "ours",
    "stock": "openapi-python-client",
    "dcg": "datamodel-code-generator",
    "ksapi": "ksapi, the vendor's SDK",
    "httpx2": "httpx2 and json.loads",
    "msgspec": "msgspec, typed fields",
    "python": "Python alone",
}

# Together less than two minutes on an idle machine. Many short rounds: what else runs then hits few of them.
ROUNDS, ROUND_SECONDS = 11, 0.06
IMPORT_ROUNDS = 5
LONG_ROUNDS = 3

PAGES = (Column("pages/s", "wall", lambda seconds: f"{1 / seconds:,.0f}"), scaled("CPU us/page", "cpu", 1e6))
KILOBYTES = (scaled("kB", "bytes", 1e-3),)

Ask = Mapping[str, Callable[..., dict[str, Any]]]


def titled(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    return {TITLES[name]: cell for name, cell in cells.items()}


def decoding(ask: Ask, url: str) -> Iterator[Table]:
    """From bytes to a page."""
    for limit in (1, 20, 100):

        def measure(name: str, limit: int = limit) -> dict[str, Any]:
            return ask[name](task="decode", url=url, limit=limit, seconds=ROUND_SECONDS)

        cells = rounds(list(CONTESTANTS), ROUNDS, measure)
        size = next((values[0] for cell in cells.values() if (values := cell.values.get("bytes"))), 0)
        runs = "1 run" if limit == 1 else f"{limit} runs"
        table = Table(f"Decode a page of {runs} ({size:,} bytes)", titled(cells), MICROSECONDS)
        ours, stock, base = cells["ours"], cells["stock"], cells["httpx2"]
        table.notes = [
            f"goal: at most 2.2 x json.loads: {written(ours.ratio(base, 'cpu'))}",
            f"goal: at least 2.5 times faster than openapi-python-client: {written(stock.ratio(ours, 'cpu'))}",
        ]
        if limit == 100:
            table.is_headline = True
            table.notes += [
                f"{TITLES[name]} refuses a run without a template, so here all have one: {error}"
                for name in CONTESTANTS
                if (error := ask[name](task="null_template", url=url).get("error"))
            ]
        yield table


def retaining(ask: Ask, url: str) -> Iterator[Table]:
    """What a page costs for as long as it is kept. Counted, not timed: once is enough."""
    cells = rounds(list(CONTESTANTS), 1, lambda name: ask[name](task="retain", url=url))
    yield Table("Memory that a page of 100 runs takes", titled(cells), KILOBYTES, "bytes", is_headline=True)


def end_to_end(ask: Ask, url: str) -> Iterator[Table]:
    """Pages of 20, which is the contract's default, from a server on loopback that has them ready."""
    for task, title in (("call", "blocking"), ("call_async", "asyncio")):
        for in_flight in (1, 8):

            def measure(name: str, task: str = task, in_flight: int = in_flight) -> dict[str, Any]:
                return ask[name](task=task, url=url, limit=20, in_flight=in_flight, seconds=ROUND_SECONDS)

            cells = rounds(list(IMPORTS), ROUNDS, measure)
            what = f"Read pages of 20 runs, {title}, {in_flight} in flight"
            is_headline = (task, in_flight) in (("call", 1), ("call_async", 8))
            yield Table(what, titled(cells), PAGES, "wall", is_headline=is_headline)


def importing(environ: dict[str, str]) -> Iterator[Table]:
    """What a program pays at its start, as whole processes."""
    programs = {**IMPORTS, "python": "pass"}

    def measure(name: str) -> dict[str, Any]:
        return run_process([interpreter(), "-c", programs[name]], ROOT, environ).answer()

    # Once unmeasured: it writes the bytecode of what was just generated.
    for name in programs:
        measure(name)
    cells = rounds(list(programs), IMPORT_ROUNDS, measure)
    yield Table("Start Python, import what a first call needs", titled(cells), MILLISECONDS, is_headline=True)


def long_lists(ask: Ask, url: str) -> Iterator[Table]:
    """All runs of a long list, page by page and several at once. Rivals just go on until a page is empty."""
    for delay in (0, 10, 50):
        tasks = {
            f"ours, {title}, {concurrency} at a time": ("ours", task, concurrency)
            for task, title in (("read_all", "blocking"), ("read_all_async", "asyncio"))
            for concurrency in (1, 8)
        } | {"httpx2 and json.loads": ("httpx2", "read_pages", 1)}
        if delay == 0:
            tasks |= {TITLES[name]: (name, "read_pages", 1) for name in IMPORTS if name not in ("ours", "httpx2")}

        def measure(name: str, tasks: dict[str, tuple[str, str, int]] = tasks, delay: int = delay) -> dict[str, Any]:
            contestant, task, concurrency = tasks[name]
            return ask[contestant](task=task, url=url, delay=delay, concurrency=concurrency)

        cells = rounds(list(tasks), LONG_ROUNDS, measure)
        runs = next((values[0] for cell in cells.values() if (values := cell.values.get("runs"))), 0)
        table = Table(f"Read {runs:,} runs, {delay} ms a page", cells, SECONDS, "wall", is_headline=delay == 50)
        if delay == 50:
            names = list(tasks)
            table.notes = [
                f"goal: at least 5 times faster with 8 at a time than with 1: {one.split(', ')[1]} {written(faster)}"
                for one, eight in (names[:2], names[2:4])
                if (faster := table.ratio(one, eight))
            ]
        yield table


def tables() -> Iterator[Table]:
    with ExitStack() as stack:
        generated = Path(stack.enter_context(TemporaryDirectory(prefix="benchmark-")))
        remarks = generate_stock_clients(generated)
        environ = environment(generated)
        command = [str(interpreter()), "-m", "tests.benchmarks.contestants"]
        ask = {name: stack.enter_context(Process([*command, name], environ)).ask for name in CONTESTANTS}
        url = stack.enter_context(page_server())
        for table in chain(
            decoding(ask, url), retaining(ask, url), end_to_end(ask, url), importing(environ), long_lists(ask, url)
        ):
            table.notes += remarks
            remarks = []
            yield table


def versions() -> dict[str, str]:
    """Returns the versions of all that is compared. Those of the rivals are in their own environment."""
    names = ["pydantic", "httpx2", "httpx", "attrs", "ksapi", "urllib3", "msgspec"]
    with Process([str(interpreter()), "-m", "tests.benchmarks.contestants", "httpx2"], environment(ROOT)) as process:
        below = process.ask(task="versions", names=names)
    made_with = ("openapi-python-client", "datamodel-code-generator", "schemathesis")
    return {name: metadata.version(name) for name in made_with} | below
