"""A proxy of the reference server that replaces some responses, byte by byte."""

import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, repeat
from urllib.parse import urlsplit

from tests.reference_server.uvicorn_server import running

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MIB = 2**20
PIECE = b'{"items": [], "total": 0},' * 2048
# Seconds between two bytes of a slow response.
DRIP = 0.1

Answer = Callable[[], Iterator[bytes]]


def page(body: bytes, headers: bytes = b"") -> Answer:
    return lambda: iter([HEAD + headers + b"Content-Length: %d\r\n\r\n" % len(body), body])


def forever(start: bytes, piece: bytes) -> Answer:
    def answer() -> Iterator[bytes]:
        yield start
        yield from repeat(piece)

    return answer


def dripping(start: bytes, text: bytes = b"") -> Answer:
    """Sends one byte at a time: those of the text, then blanks forever."""

    def answer() -> Iterator[bytes]:
        wait = threading.Event()
        yield start
        for byte in (text[index : index + 1] or b" " for index in count()):
            wait.wait(DRIP)
            yield byte

    return answer


def page_made(body: Callable[[], bytes], headers: bytes = b"") -> Answer:
    """A page whose body is made when it is sent: importing this module stays cheap."""
    return lambda: page(body(), headers)()


def bomb(levels: int = 1) -> bytes:
    """Grows by a factor of 1000 per level."""
    data = b" " * (64 * MIB)
    for _ in range(levels):
        data = gzip.compress(data)
    return data


def wide(mark: bytes, size: int) -> bytes:
    return b'{"items": [' + mark * (size // len(mark)) + b'1], "total": 1, "limit": 1, "offset": 0}'


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = b"Content-Encoding: gzip\r\n"
ENDLESS: dict[str, Answer] = {
    "body": forever(HEAD + b"\r\n", PIECE),
    "chunks": forever(CHUNKED, b"%x\r\n" % len(PIECE) + PIECE + b"\r\n"),
    "small chunks": forever(CHUNKED, b"1\r\n \r\n" * 4096),
    "chunk extension": forever(CHUNKED + b"1;", b"a=b;" * 4096),
    "trailers": forever(CHUNKED + b"2\r\n{}\r\n0\r\n", b"A: b\r\n" * 4096),
    "headers": forever(HEAD, b"A: b\r\n" * 4096),
    "header line": forever(HEAD + b"A: ", b"b" * 2**16),
    "status line": forever(b"HTTP/1.1 200 ", b"O" * 2**16),
    "1xx": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1024),
    "empty gzip members": forever(HEAD + GZIP + b"\r\n", gzip.compress(b"") * 1024),
    "empty deflate blocks": forever(HEAD + GZIP + b"\r\n" + gzip.compress(b"")[:10], b"\x00\x00\x00\xff\xff" * 4096),
}
SLOW: dict[str, Answer] = {
    "body": dripping(HEAD + b"Content-Length: 1000000\r\n\r\n", b"{"),
    "chunk sizes": dripping(CHUNKED, b"1\r\n{\r\n" * 1000),
    "headers": dripping(HEAD, b"A: b\r\n" * 1000),
    "status line": dripping(b"", b"HTTP/1.1 200 OK and so on"),
    "1xx": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "trailers": dripping(CHUNKED + b"2\r\n{}\r\n0\r\n", b"A: b\r\n" * 1000),
    "nothing": dripping(b""),
}
LARGE: dict[str, Answer] = {
    "gzip bomb": page_made(bomb, GZIP),
    "gzip bomb in a gzip bomb": page_made(lambda: bomb(2), b"Content-Encoding: gzip, gzip\r\n"),
    "deflate bomb": page_made(lambda: zlib.compress(b" " * (64 * MIB)), b"Content-Encoding: deflate\r\n"),
    "objects": page_made(lambda: wide(b"{},", 15 * MIB)),
    "numbers": page_made(lambda: wide(b"1,", 15 * MIB)),
    "keys": page_made(lambda: b"{" + b'"":1,' * (3 * MIB) + b'"a":1}'),
    "members": page(wide(b'{"id": "a"},', MIB // 32)),
    "text": page(b'{"items": [], "total": "' + b"a" * (2 * MIB) + b'"}'),
    "levels": page(b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b', "total": 1, "limit": 1, "offset": 0}'),
    "levels of objects": page(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "digits": page(b'{"items": [], "total": ' + b"9" * 100_000 + b', "limit": 1, "offset": 0}'),
    "no HTTP": lambda: iter([b"SSH-2.0-OpenSSH_9.6\r\n"]),
}


@dataclass
class Hostile:
    """Answers requests by number; the reference server at `upstream` answers the others."""

    upstream: str
    answers: Mapping[int, Answer | None]
    """By number from 1; 0 is for all other requests. None leaves a request to the reference server."""
    requests: list[bytes] = field(default_factory=list)
    """The heads of the requests."""

    def serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(2**16)
                if not piece:
                    return
                head += piece
            self.requests.append(head)
            answer = self.answers.get(len(self.requests), self.answers.get(0)) or (lambda: self.relay(head))
            for part in answer():
                connection.sendall(part)

    def relay(self, head: bytes) -> Iterator[bytes]:
        address = urlsplit(self.upstream)
        with socket.create_connection((address.hostname or "", address.port or 80)) as connection:
            connection.sendall(head)
            while piece := connection.recv(2**16):
                yield piece


@contextmanager
def hostile(answers: Mapping[int, Answer | None]) -> Iterator[tuple[str, Hostile]]:
    with running() as upstream, socket.create_server(("127.0.0.1", 0)) as listener:
        server = Hostile(upstream, answers)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.settimeout(60)
                    threading.Thread(target=server.serve, args=[connection], daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
