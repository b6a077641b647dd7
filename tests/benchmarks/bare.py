"""`python -m tests.benchmarks.bare BASE_URL PATH ...`: a bare uvicorn, with the settings of the reference server.

It answers with the bytes that the server at BASE_URL answered with when it was asked once, at start.
"""

import sys

import httpx2
from starlette.types import Receive, Scope, Send

from tests.reference_server.seed import TOKEN
from tests.reference_server.uvicorn_server import UvicornServer, listen


def main() -> None:
    base_url, *paths = sys.argv[1:]
    authorization = {"authorization": f"Bearer {TOKEN}"}
    pages = {path: httpx2.get(base_url + path, headers=authorization, trust_env=False).content for path in paths}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = pages[f"{scope['path']}?{scope['query_string'].decode()}"]
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    UvicornServer(app, lambda: print(f"Listening on http://127.0.0.1:{port}", flush=True)).run([listener])


if __name__ == "__main__":
    main()
