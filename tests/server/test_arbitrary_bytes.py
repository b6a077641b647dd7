"""The server answers arbitrary bytes, and never with a 5xx."""

import socket
from urllib.parse import quote_from_bytes, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference_server.seed import DEFINITION_ID, KS_UAT, TOKEN
from tests.server.client import Client

AUTHORIZATION = f"Bearer {TOKEN}".encode()
COOKIE = f"ks_uat={KS_UAT}".encode()

# Fixed examples, and no deadline: speed is not tested here.
SETTINGS = settings(derandomize=True, database=None, deadline=None, max_examples=100)

# Without line ends, which would start another header.
ANYTHING = st.binary(max_size=40).map(lambda value: value.translate(None, b"\r\n"))
ENCODED = st.binary(max_size=20).map(lambda value: quote_from_bytes(value, safe="").encode())
NAMES = st.sampled_from([b"limit", b"offset", b"other"])
DEFINITIONS = st.just(DEFINITION_ID.encode())


def status(client: Client, path: bytes, query: bytes, authorization: bytes, cookie: bytes) -> int:
    """Send one request over its own connection, read until the server closes it, and return the status."""
    base_url = urlsplit(client.base_url)
    lines = [
        b"GET " + path + b"?" + query + b" HTTP/1.1",
        b"Host: localhost",
        b"Connection: close",
        b"Authorization: " + authorization,
        b"Cookie: " + cookie,
    ]
    with socket.create_connection((base_url.hostname, base_url.port), timeout=30) as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    version, code, _ = answer.split(b" ", 2)
    assert version == b"HTTP/1.1"
    return int(code)


@SETTINGS
@given(path=ANYTHING, query=ANYTHING, authorization=ANYTHING, cookie=ANYTHING)
def test_raw_bytes(client: Client, path: bytes, query: bytes, authorization: bytes, cookie: bytes) -> None:
    assert status(client, b"/" + path, query, authorization, cookie) in {400, 401, 404}


@SETTINGS
@given(value=ANYTHING, name=NAMES, definition=DEFINITIONS | ANYTHING)
def test_raw_bytes_with_good_credentials(client: Client, value: bytes, name: bytes, definition: bytes) -> None:
    path = b"/v1/workflow-definitions/" + definition + b"/runs"
    code = status(client, path, name + b"=" + value, AUTHORIZATION, COOKIE)
    assert code in {200, 400, 404, 422}


@SETTINGS
@given(
    definition=DEFINITIONS | ENCODED,
    pairs=st.lists(st.tuples(NAMES | ENCODED, ENCODED), max_size=3),
    authorization=st.just(AUTHORIZATION) | ANYTHING,
    cookie=st.just(COOKIE) | ANYTHING,
)
def test_percent_encoded_bytes(
    client: Client, definition: bytes, pairs: list[tuple[bytes, bytes]], authorization: bytes, cookie: bytes
) -> None:
    path = b"/v1/workflow-definitions/" + definition + b"/runs"
    query = b"&".join(name + b"=" + value for name, value in pairs)
    code = status(client, path, query, authorization, cookie)
    # 400 comes from the HTTP layer, for control characters in a header; never for anything percent-encoded.
    sound = (authorization, cookie) == (AUTHORIZATION, COOKIE)
    assert code in ({200, 404, 422} if sound else {200, 400, 401, 404, 422})
