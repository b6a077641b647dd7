"""Requests per second of the reference server, with a million runs of one definition.

Measures SQLite (a file) and PostgreSQL; the first page, the last and one past the end; 1, 8 and 64 connections, each
of which sends its next request after the response. As a limit, a bare uvicorn with the same settings sends the same
bytes. All servers, one process each, share the cores of this machine. The databases take 5 GB in the folder for
temporary files until the end.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.measurement import measure_rounds
from tests.benchmarks.report import Column, Table, scaled_column
from tests.reference_server.seed import DEFINITION_ID, TOKEN
from tests.server.postgresql import postgresql

ROOT = Path(__file__).parents[2]
RUNS = 1_000_000
PATHS = {
    page: f"/v1/workflow-definitions/{DEFINITION_ID}/runs?offset={offset}"
    for page, offset in {"first page": 0, "last page": RUNS - 20, "end": RUNS}.items()
}
CONNECTIONS = (1, 8, 64)
# For each server, page and number of connections.
ROUNDS = 3
WARM_UP = 0.1
SECONDS = 1.0
COLUMNS = (
    Column("requests/s", "wall", lambda seconds: f"{1 / seconds:,.0f}"),
    *(scaled_column(f"{name} ms", name, 1e3, 2) for name in ("p50", "p95", "p99")),
)


@contextmanager
def run_server(*command: str, **variables: str) -> Iterator[str]:
    """Run a server in a process; yield the base URL that it prints first."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            if not line:
                sys.exit(f"problem: {command[0]} did not start\nfix: see its output above")
            yield line.strip().removeprefix("Listening on ")
        finally:
            process.terminate()


async def measure_requests(base_url: str, path: str, connections: int) -> dict[str, Any]:
    """Return seconds per response over all connections, and percentiles of the response time, after a warm-up."""
    host, _, port = base_url.removeprefix("http://").partition(":")
    request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()
    begin = time.perf_counter() + WARM_UP
    durations: list[float] = []

    async def send_requests() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while (sent := time.perf_counter()) < begin + SECONDS:
            writer.write(request)
            status, *headers = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            if status != b"http/1.1 200 ok":
                raise RuntimeError(f"{path}: expected 200 (got {status.decode()})")
            [length] = [header.partition(b":")[2] for header in headers if header.startswith(b"content-length:")]
            await reader.readexactly(int(length))
            if sent >= begin:
                durations.append(time.perf_counter() - sent)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(send_requests() for _ in range(connections)))
    if not durations:
        return {"error": f"no response in {SECONDS} s"}
    durations.sort()
    percentiles = {f"p{part}": durations[len(durations) * part // 100] for part in (50, 95, 99)}
    return {"wall": SECONDS / len(durations), **percentiles}


def tables() -> Iterator[Table]:
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(TemporaryDirectory(prefix="benchmark-"))
        urls = {"SQLite": f"sqlite:///{folder}/runs.db", "PostgreSQL": cleanup.enter_context(postgresql())}
        start = partial(run_server, "tests.reference_server", "--port", "0", SEED_RUNS=str(RUNS), CHURN="0")
        with ThreadPoolExecutor() as pool:
            # In parallel: a server prints its address when its database is seeded.
            servers = {name: start(DATABASE_URL=url) for name, url in urls.items()}
            base_urls = dict(zip(servers, pool.map(cleanup.enter_context, servers.values()), strict=True))
        base_urls["bare uvicorn"] = cleanup.enter_context(
            run_server("tests.benchmarks.bare_server", base_urls["SQLite"], *PATHS.values())
        )
        for page, path in PATHS.items():
            for connections in CONNECTIONS:

                def measure(name: str, path: str = path, connections: int = connections) -> dict[str, Any]:
                    return asyncio.run(measure_requests(base_urls[name], path, connections))

                cells = measure_rounds(list(base_urls), ROUNDS, measure)
                title = f"Reference server, {RUNS:,} runs: the {page}, {connections} at a time"
                is_headline = (page, connections) == ("first page", 8)
                yield Table(title, cells, COLUMNS, "wall", is_headline=is_headline)
