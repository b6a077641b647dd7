"""`python -m tests.benchmarks.bare_server BASE_URL PATH ...`: uvicorn with the reference server's settings.

At start it fetches each path once from the server at BASE_URL. It answers with the same bytes.
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
