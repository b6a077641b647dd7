"""Reads untrusted files: only regular ones, and up to a maximum size."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# Bytes. The largest file of the driver has some hundred kilobytes.
MOST_BYTES = 16 * 2**20


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a regular file. Links are followed.

    Raises:
        OSError: It cannot be read, is not a regular file (a pipe would never end), or has more than `most` bytes.
    """
    # Non-blocking: opening a pipe would wait for a writer.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "it is not a regular file", str(path))
        # One byte more than allowed shows that it is too large. The size from stat may change meanwhile.
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(0, f"it has more than {most:,} bytes", str(path))
    return data


def is_path(path: Path) -> bool:
    """True if the path exists; False also for an invalid path."""
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False
