"""Collects the body of a response, within limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import httpx2

MAX_REFUSAL = 2**20
"""Bytes read of the body of an error, where the status is what matters."""


class ResponseBody:
    """The body of a response, as far as it has been read.

    Args:
        check_limits: Called with a number of bytes, raises if the answer has become too large or too late.
        is_success: False if a part of the body is enough.
    """

    def __init__(self, check_limits: Callable[[int], None], is_success: bool) -> None:
        self._check_limits = check_limits
        self._is_success = is_success
        # Not a list of chunks: chunks of two bytes would take twenty times their size.
        self._bytes = bytearray()
        self._raw = 0

    def count_raw(self, chunk: bytes) -> bytes:
        """Count bytes before decompression: there may be many that decompress to nothing."""
        self._raw += len(chunk)
        self._check_limits(self._raw)
        return chunk

    def add(self, chunk: bytes) -> bool:
        """Add a chunk. Return True if enough has been read."""
        self._bytes += chunk
        if self._is_success:
            self._check_limits(len(self._bytes))
            return False
        del self._bytes[MAX_REFUSAL:]
        return len(self._bytes) == MAX_REFUSAL

    @property
    def content(self) -> bytes:
        return bytes(self._bytes)


class CountedStream(httpx2.SyncByteStream):
    """Counts the bytes of a body before they are decompressed."""

    def __init__(self, stream: httpx2.SyncByteStream, body: ResponseBody) -> None:
        self._stream = stream
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return map(self._body.count_raw, self._stream)

    def close(self) -> None:
        self._stream.close()


class AsyncCountedStream(httpx2.AsyncByteStream):
    """Like `CountedStream`, for asyncio."""

    def __init__(self, stream: httpx2.AsyncByteStream, body: ResponseBody) -> None:
        self._stream = stream
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield self._body.count_raw(chunk)

    async def aclose(self) -> None:
        await self._stream.aclose()
