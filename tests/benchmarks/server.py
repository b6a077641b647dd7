"""`make benchmark BENCHMARK=server`: how fast the reference server answers when one definition has a million runs.

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

from tests.reference_server.seed import DEFINITION_ID, TOKEN
from tests.server.postgresql import postgresql

ROOT = Path(__file__).parents[2]
RUNS = 1_000_000
PATHS = {
    page: f"/v1/workflow-definitions/{DEFINITION_ID}/runs?offset={offset}"
    for page, offset in {"first": 0, "deep": RUNS - 100, "empty": RUNS}.items()
}
CONNECTIONS = (1, 8, 64)
# For each line of the table.
WARM_UP = 0.3
SECONDS = 1.5


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


async def measure(base_url: str, path: str, connections: int) -> list[float]:
    """How many seconds each answer took, in order of length; without those of the warm-up."""
    host, _, port = base_url.removeprefix("http://").partition(":")
    request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode()
    begin = time.perf_counter() + WARM_UP
    took: list[float] = []

    async def ask() -> None:
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

    await asyncio.gather(*(ask() for _ in range(connections)))
    return sorted(took)


def main() -> None:
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(TemporaryDirectory(prefix="benchmark-"))
        urls = {"SQLite": f"sqlite:///{folder}/runs.db", "PostgreSQL": cleanup.enter_context(postgresql())}
        start = partial(server, "tests.reference_server", "--port", "0", SEED_RUNS=str(RUNS), CHURN="0")
        print(f"Filling both databases with {RUNS:,} runs each, which takes a minute or two ...", flush=True)
        with ThreadPoolExecutor() as pool:
            # Both at once; a server says where it is when its database is full.
            servers = {name: start(DATABASE_URL=url) for name, url in urls.items()}
            base_urls = dict(zip(servers, pool.map(cleanup.enter_context, servers.values()), strict=True))
        base_urls = {
            "bare": cleanup.enter_context(server("tests.benchmarks.bare", base_urls["SQLite"], *PATHS.values())),
            **base_urls,
        }
        print(
            f"\n{'':12}{'page':8}{'connections':>12}{'requests/s':>12}{'of bare':>9}{'p50':>9}{'p95':>9}{'p99':>9}  ms"
        )
        limits: dict[tuple[str, int], float] = {}
        for name, base_url in base_urls.items():
            for page, path in PATHS.items():
                for connections in CONNECTIONS:
                    took = asyncio.run(measure(base_url, path, connections))
                    rate = len(took) / SECONDS
                    limit = limits.setdefault((page, connections), rate)
                    percentiles = "".join(f"{took[int(len(took) * part)] * 1000:9.2f}" for part in (0.5, 0.95, 0.99))
                    print(f"{name:12}{page:8}{connections:12}{rate:12.0f}{rate / limit:9.1%}{percentiles}", flush=True)


if __name__ == "__main__":
    main()
