# Copied by `make generate` from overrides/package/_redaction.py. Do not edit it here.
"""Makes text of a server safe to show: escaped, shortened, and without credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx2

MAX_SHOWN = 300
"""Characters shown of a server's text."""

# The request headers that an error keeps. They identify nobody.
_SAFE_HEADERS = frozenset({b"host", b"accept", b"accept-encoding", b"connection", b"user-agent"})
_SECRET_HEADER = re.compile(rb"auth|cookie|key|token|secret|session|password", re.IGNORECASE)
_MIN_SECRET_LENGTH = 4
_REPLACEMENT = b"***"


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    """Return text that is safe for terminals and logs: on one line, printable, and shortened."""
    rest = f"... ({len(text)} characters)" if len(text) > limit else ""
    return "".join(map(_escape, text[:limit])) + rest


def _escape(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def without_credentials(request: httpx2.Request) -> httpx2.Request:
    """Return a copy of a request without credentials, for errors that may be logged, pickled or shown."""
    headers = [(name, value) for name, value in request.headers.raw if name.lower() in _SAFE_HEADERS]
    return httpx2.Request(request.method, request.url, headers=headers)


class Redactor:
    """Replaces the credentials of a request in text of a server, in all common encodings.

    Args:
        request: The request, as sent.
    """

    def __init__(self, request: httpx2.Request) -> None:
        self._secrets = sorted(set(_secrets(request)), key=len, reverse=True)
        self._encodings = sorted(
            {encoding for secret in self._secrets for encoding in _encodings(secret)}, key=len, reverse=True
        )

    def redact_bytes(self, data: bytes) -> bytes:
        # Searching first is much faster than matching all patterns, and usually finds none.
        lowered = data.lower()
        patterns = [re.escape(encoding) for encoding in self._encodings if encoding.lower() in lowered]
        if b"\\u00" in lowered:
            patterns += [b"".join(map(_byte_or_escape, secret)) for secret in self._secrets]
        return re.sub(b"|".join(patterns), _REPLACEMENT, data, flags=re.IGNORECASE) if patterns else data

    def redact(self, text: str) -> str:
        return self.redact_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def _secrets(request: httpx2.Request) -> Iterator[bytes]:
    for name, value in request.headers.raw:
        if name.lower() not in _SAFE_HEADERS and _SECRET_HEADER.search(name):
            # `Bearer <token>` and `name=<value>; name=<value>`: the last part is the secret.
            for part in re.split(rb"[\s;,]+", value):
                secret = part.partition(b"=")[2] if name.lower() == b"cookie" else part
                if len(secret) >= _MIN_SECRET_LENGTH and secret.lower() not in (
                    b"bearer",
                    b"basic",
                    b"digest",
                    b"token",
                ):
                    yield secret


def _encodings(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield quote(secret, safe="").encode()
    if len(secret) >= 2 * _MIN_SECRET_LENGTH:
        # Imported late: rarely needed.
        import base64

        yield secret.hex().encode()
        for shift in range(3):
            # Base64 of the same bytes depends on their offset in a group of three. The first and last characters also
            # depend on the neighbours.
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield encode(b"\0" * shift + secret).rstrip(b"=")[(0, 2, 3)[shift] : -1]


def _byte_or_escape(byte: int) -> bytes:
    return rb"(?:%b|\\u00%02x)" % (re.escape(bytes([byte])), byte)
