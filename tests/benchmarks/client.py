"""The client next to other clients: decoding, memory, pages per second, import time, reading a long list.

Each client runs in its own process, in the environment of the benchmark, and idles while another is measured.
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
from tests.benchmarks.implementations import IMPLEMENTATIONS, IMPORTS
from tests.benchmarks.measurement import Measurement, measure_rounds, run_process
from tests.benchmarks.report import MICROSECONDS, MILLISECONDS, SECONDS, Column, Table, format_ratio, scaled_column
from tests.benchmarks.worker import Worker, environment, generate_stock_clients, interpreter, page_server

TITLES = {
    "ours": "ours",
    "stock": "openapi-python-client",
    "dcg": "datamodel-code-generator",
    "ksapi": "ksapi, the vendor's SDK",
    "httpx2": "httpx2 and json.loads",
    "msgspec": "msgspec, typed fields",
    "python": "Python alone",
}

# Less than two minutes in total on an idle machine. Rounds are many and short, so that other load affects few of them.
ROUNDS, ROUND_SECONDS = 11, 0.06
IMPORT_ROUNDS = 5
LONG_ROUNDS = 3

PAGES = (Column("pages/s", "wall", lambda seconds: f"{1 / seconds:,.0f}"), scaled_column("CPU us/page", "cpu", 1e6))
KILOBYTES = (scaled_column("kB", "bytes", 1e-3),)

Run = Mapping[str, Callable[..., dict[str, Any]]]


def with_titles(cells: Mapping[str, Measurement]) -> dict[str, Measurement]:
    return {TITLES[name]: cell for name, cell in cells.items()}


def decode_tables(run: Run, url: str) -> Iterator[Table]:
    """Decoding of a page from bytes."""
    for limit in (1, 20, 100):

        def measure(name: str, limit: int = limit) -> dict[str, Any]:
            return run[name](task="decode", url=url, limit=limit, seconds=ROUND_SECONDS)

        cells = measure_rounds(list(IMPLEMENTATIONS), ROUNDS, measure)
        size = next((values[0] for cell in cells.values() if (values := cell.values.get("bytes"))), 0)
        runs = "1 run" if limit == 1 else f"{limit} runs"
        table = Table(f"Decode a page of {runs} ({size:,} bytes)", with_titles(cells), MICROSECONDS)
        ours, stock, base = cells["ours"], cells["stock"], cells["httpx2"]
        table.notes = [
            f"goal: at most 2.2 x json.loads: {format_ratio(ours.ratio(base, 'cpu'))}",
            f"goal: at least 2.5 times faster than openapi-python-client: {format_ratio(stock.ratio(ours, 'cpu'))}",
        ]
        if limit == 100:
            table.is_headline = True
            table.notes += [
                f"{TITLES[name]} rejects a run without a template, so all runs here have one: {error}"
                for name in IMPLEMENTATIONS
                if (error := run[name](task="null_template", url=url).get("error"))
            ]
        yield table


def memory_tables(run: Run, url: str) -> Iterator[Table]:
    """Memory of a decoded page. Deterministic, so one round is enough."""
    cells = measure_rounds(list(IMPLEMENTATIONS), 1, lambda name: run[name](task="retain", url=url))
    yield Table("Memory that a page of 100 runs takes", with_titles(cells), KILOBYTES, "bytes", is_headline=True)


def request_tables(run: Run, url: str) -> Iterator[Table]:
    """Requests for pages of 20 runs, the contract's default, from a server on loopback with prepared responses."""
    for task, title in (("call", "blocking"), ("call_async", "asyncio")):
        for in_flight in (1, 8):

            def measure(name: str, task: str = task, in_flight: int = in_flight) -> dict[str, Any]:
                return run[name](task=task, url=url, limit=20, in_flight=in_flight, seconds=ROUND_SECONDS)

            cells = measure_rounds(list(IMPORTS), ROUNDS, measure)
            what = f"Read pages of 20 runs, {title}, {in_flight} in flight"
            is_headline = (task, in_flight) in (("call", 1), ("call_async", 8))
            yield Table(what, with_titles(cells), PAGES, "wall", is_headline=is_headline)


def import_tables(environ: dict[str, str]) -> Iterator[Table]:
    """Start-up time of whole processes."""
    programs = {**IMPORTS, "python": "pass"}

    def measure(name: str) -> dict[str, Any]:
        return run_process([interpreter(), "-c", programs[name]], ROOT, environ).answer()

    # Warm-up: writes the bytecode of the generated packages.
    for name in programs:
        measure(name)
    cells = measure_rounds(list(programs), IMPORT_ROUNDS, measure)
    yield Table("Start Python, import what a first call needs", with_titles(cells), MILLISECONDS, is_headline=True)


def long_list_tables(run: Run, url: str) -> Iterator[Table]:
    """Reading of a long list, one page or several at a time. Other clients read until a page is empty."""
    for delay in (0, 10, 50):
        tasks = {
            f"ours, {title}, {concurrency} at a time": ("ours", task, concurrency)
            for task, title in (("read_all", "blocking"), ("read_all_async", "asyncio"))
            for concurrency in (1, 8)
        } | {"httpx2 and json.loads": ("httpx2", "read_pages", 1)}
        if delay == 0:
            tasks |= {TITLES[name]: (name, "read_pages", 1) for name in IMPORTS if name not in ("ours", "httpx2")}

        def measure(name: str, tasks: dict[str, tuple[str, str, int]] = tasks, delay: int = delay) -> dict[str, Any]:
            implementation, task, concurrency = tasks[name]
            return run[implementation](task=task, url=url, delay=delay, concurrency=concurrency)

        cells = measure_rounds(list(tasks), LONG_ROUNDS, measure)
        runs = next((values[0] for cell in cells.values() if (values := cell.values.get("runs"))), 0)
        table = Table(f"Read {runs:,} runs, {delay} ms a page", cells, SECONDS, "wall", is_headline=delay == 50)
        if delay == 50:
            names = list(tasks)
            table.notes = [
                f"goal: 5 times faster with 8 at a time than with 1: {one.split(', ')[1]} {format_ratio(faster)}"
                for one, eight in (names[:2], names[2:4])
                if (faster := table.ratio(one, eight))
            ]
        yield table


def tables() -> Iterator[Table]:
    with ExitStack() as stack:
        generated = Path(stack.enter_context(TemporaryDirectory(prefix="benchmark-")))
        remarks = generate_stock_clients(generated)
        environ = environment(generated)
        command = [str(interpreter()), "-m", "tests.benchmarks.client_tasks"]
        run = {name: stack.enter_context(Worker([*command, name], environ)).run for name in IMPLEMENTATIONS}
        url = stack.enter_context(page_server())
        for table in chain(
            decode_tables(run, url),
            memory_tables(run, url),
            request_tables(run, url),
            import_tables(environ),
            long_list_tables(run, url),
        ):
            table.notes += remarks
            remarks = []
            yield table


def versions() -> dict[str, str]:
    """Return the versions of all compared tools. Those of the clients are in the environment of the benchmark."""
    names = ["pydantic", "httpx2", "httpx", "attrs", "ksapi", "urllib3", "msgspec"]
    with Worker([str(interpreter()), "-m", "tests.benchmarks.client_tasks", "httpx2"], environment(ROOT)) as process:
        below = process.run(task="versions", names=names)
    made_with = ("openapi-python-client", "datamodel-code-generator", "schemathesis")
    return {name: metadata.version(name) for name in made_with} | below
