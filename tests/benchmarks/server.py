"""How fast the reference server answers when one definition has a million runs.

On SQLite (a file) and PostgreSQL: the first page, one near the end, one past it; over 1, 8 and 64 connections, each of
which sends its next request when it has its answer. And, as the limit, the same answers as fixed bytes from a bare
uvicorn with the same settings. All of it shares the cores of this machine; each server is one process. The databases
take 5 GB in the folder for temporary files, until the end. Nothing is judged.
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

from tests.benchmarks.measuring import rounds
from tests.benchmarks.report import Column, Table, scaled
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
    *(scaled(f"{name} ms", name, 1e3, 2) for name in ("p50", "p95", "p99")),
)


@contextmanager
def server(*command: str, **variables: str) -> Iterator[str]:
    """Runs a server in a process of its own; yields the base URL that it prints first."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, env=os.environ | variables, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            if not line:
                sys.exit(f"problem: {command[0]} did not start\nfix: see above what it says")
            yield line.strip().removeprefix("Listening on ")
        finally:
            process.terminate()


async def ask(base_url: str, path: str, connections: int) -> dict[str, Any]:
    """Returns the seconds for each answer over all connections, and of how long one took; without the warm-up."""
    host, _, port = base_url.removeprefix("http://").partition(":")
    request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()
    begin = time.perf_counter() + WARM_UP
    took: list[float] = []

    async def ask_again_and_again() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while (sent := time.perf_counter()) < begin + SECONDS:
            writer.write(request)
            status, *headers = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            if status != b"http/1.1 200 ok":
                raise RuntimeError(f"{path} was answered with {status.decode()}")
            [length] = [header.partition(b":")[2] for header in headers if header.startswith(b"content-length:")]
            await reader.readexactly(int(length))
            if sent >= begin:
                took.append(time.perf_counter() - sent)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(ask_again_and_again() for _ in range(connections)))
    if not took:
        return {"error": f"no answer in {SECONDS} s"}
    took.sort()
    percentiles = {f"p{part}": took[len(took) * part // 100] for part in (50, 95, 99)}
    return {"wall": SECONDS / len(took), **percentiles}


def tables() -> Iterator[Table]:
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(TemporaryDirectory(prefix="benchmark-"))
        urls = {"SQLite": f"sqlite:///{folder}/runs.db", "PostgreSQL": cleanup.enter_context(postgresql())}
        start = partial(server, "tests.reference_server", "--port", "0", SEED_RUNS=str(RUNS), CHURN="0")
        with ThreadPoolExecutor() as pool:
            # Both at once; a server says where it is when its database is full.
            servers = {name: start(DATABASE_URL=url) for name, url in urls.items()}
            base_urls = dict(zip(servers, pool.map(cleanup.enter_context, servers.values()), strict=True))
        base_urls["bare uvicorn"] = cleanup.enter_context(
            server("tests.benchmarks.bare", base_urls["SQLite"], *PATHS.values())
        )
        for page, path in PATHS.items():
            for connections in CONNECTIONS:

                def measure(name: str, path: str = path, connections: int = connections) -> dict[str, Any]:
                    return asyncio.run(ask(base_urls[name], path, connections))

                cells = rounds(list(base_urls), ROUNDS, measure)
                title = f"Reference server, {RUNS:,} runs: the {page}, {connections} at a time"
                is_headline = (page, connections) == ("first page", 8)
                yield Table(title, cells, COLUMNS, "wall", is_headline=is_headline)
