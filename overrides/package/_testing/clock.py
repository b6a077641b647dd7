"""The time of a testing kit: it passes only where somebody waits, at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from .._deadline import Clock


class FakeClock(Clock):
    """A clock on which no wait takes any time.

    Args:
        start: What time it is, with its zone.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Seconds that have passed on it."""
        return self._elapsed

    @property
    def time(self) -> datetime:
        """What time it is."""
        return self._start + timedelta(seconds=self._elapsed)

    def advance(self, seconds: float) -> None:
        """Lets time pass. Raises ValueError for a time that would run backwards."""
        if not 0 <= seconds < 1e9:
            raise ValueError(f"'seconds' must be from 0 to 1e9 (got {seconds!r})")
        with self._lock:
            self._elapsed += seconds

    def now(self) -> float:
        return self._elapsed

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        if not stopped.is_set():
            self.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        self.advance(seconds)
        await asyncio.sleep(0)
