"""The clock of the fake server: waits advance it at once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from .._deadline import Clock


class FakeClock(Clock):
    """A clock whose waits take no real time.

    Args:
        start: The initial time, with a time zone.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.Lock()

    @property
    def elapsed(self) -> float:
        """Seconds that have passed."""
        return self._elapsed

    @property
    def time(self) -> datetime:
        """The current time."""
        return self._start + timedelta(seconds=self._elapsed)

    def advance(self, seconds: float) -> None:
        """Advance the clock. Raise ValueError for a negative time."""
        if not 0 <= seconds < 1e9:
            raise ValueError(f"'seconds' must be between 0 and 1e9 (got {seconds!r})")
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
