"""A server with prepared responses: it costs almost no CPU time, so that measurements show the client.

    python -m tests.benchmarks.page_server

prints its address, and exits when standard input is closed. It answers any path with a page of 10,000 runs by `limit`
and `offset`, after a delay in milliseconds, the first segment of the path. The runs are copies of the reference
server's, with new ids.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.reference_server import seed
from tests.reference_server.uvicorn_server import running

RUNS = 10_000


class Pages:
    """The bytes of all responses."""

    def __init__(self, runs: list[dict[str, Any]]) -> None:
        # Split at the id, so that each run is serialized once.
        parts = [json.dumps(run | {"id": "?"}, ensure_ascii=False).encode().split(b'"?"') for run in runs]
        self._runs = [
            f'"{uuid.UUID(int=index + 1, version=4)}"'.encode().join(parts[index % len(parts)]) for index in range(RUNS)
        ]
        self._answers: dict[tuple[int, int], bytes] = {}

    def answer(self, limit: int, offset: int) -> bytes:
        """Return a whole response, built on first use."""
        if (limit, offset) not in self._answers:
            self._answers[limit, offset] = self._make(limit, offset)
        return self._answers[limit, offset]

    def _make(self, limit: int, offset: int) -> bytes:
        rest = f'],"total":{RUNS},"limit":{limit},"offset":{offset}}}'.encode()
        body = b'{"items":[' + b",".join(self._runs[offset : offset + limit]) + rest
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Connection(asyncio.Protocol):
    """One connection, with requests without a body, one after the other."""

    transport: asyncio.Transport

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, self._received = self._received.split(b"\r\n\r\n", 1)
            url = urlsplit(head.split(b" ", 2)[1].decode())
            query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
            answer = self._pages.answer(query["limit"], query.get("offset", 0))
            delay = int(url.path.split("/")[1]) / 1000
            if delay:
                # Simulated latency.
                asyncio.get_running_loop().call_later(delay, self.transport.write, answer)
            else:
                self.transport.write(answer)


def reference_runs() -> list[dict[str, Any]]:
    """Return runs of the reference server. All have a template, because the vendor's SDK rejects null there."""
    with running() as url:
        runs: list[dict[str, Any]] = httpx2.get(
            f"{url}/v1/workflow-definitions/{seed.DEFINITION_ID}/runs?limit=100",
            headers={"Authorization": f"Bearer {seed.TOKEN}"},
            trust_env=False,
        ).json()["items"]
    for run in runs:
        run["run_snapshot"]["template"] = run["run_snapshot"]["template"] or run["run_snapshot"]["outputs"][0]
    return runs


async def serve(pages: Pages) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(pages), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Pages(reference_runs())))
