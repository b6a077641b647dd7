"""Reads files that anybody may have put there: only regular ones, and only so much of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# Bytes. The largest file that the driver reads or writes has some hundred kilobytes.
MOST_BYTES = 16 * 2**20


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """Returns the content of a regular file, or of what a link to one leads to.

    Raises:
        OSError: It cannot be read, is not a regular file (a pipe would never end), or has more than `most` bytes.
    """
    # Without waiting: a pipe is only open once somebody writes to it.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "it is not a regular file", str(path))
        # One byte more tells; it may grow while it is read.
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(0, f"it has more than {most:,} bytes", str(path))
    return data


def is_path(path: Path) -> bool:
    """Whether there is anything at a path; False for what cannot be one."""
    try:
        return os.path.lexists(path)
    except (OSError, ValueError):
        return False
