"""Compares and swaps directory trees."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from codegen.files import read_file
from codegen.provenance import files_below


def changed_files(old: Path, new: Path) -> list[tuple[str, str]]:
    """Return the files that differ, as (`added`, `changed` or `removed`, name), sorted by name."""
    before = dict(files_below(old))
    after = dict(files_below(new))
    return [
        ("removed" if name not in after else "added" if name not in before else "changed", name)
        for name in sorted(before.keys() | after.keys())
        if name not in after or name not in before or before[name].is_symlink() or not _same(before[name], after[name])
    ]


def _same(old: Path, new: Path) -> bool:
    """True if both are regular files with the same content."""
    try:
        return read_file(old) == read_file(new)
    except OSError:
        return False


def swap(target: Path, work: Path) -> None:
    """Replace `target` with work/new. Whatever was at `target` is then below `work`.

    Both must be on one file system. On Linux the swap is atomic.
    """
    new, old = work / "new", work / "old"
    if not os.path.lexists(target):
        new.rename(target)
    elif not exchange(new, target):
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:  # also a KeyboardInterrupt
            if not os.path.lexists(target):
                old.rename(target)
            raise


def exchange(one: Path, other: Path) -> bool:
    """Exchange two files or folders atomically. Return False if the system or the file system cannot.

    This is the only call by ctypes in the driver. Python has no function for it, and two renames leave a moment without
    a target, in which an application that imports the copy fails. Without the call (Linux before 3.15, glibc before
    2.28, musl before 1.2.6, macOS) `swap` uses two renames. The test of interrupts in tests/vendor/test_vendor.py
    fails if the call stops working.
    """
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    here, rename_exchange = -100, 2  # AT_FDCWD of fcntl.h, RENAME_EXCHANGE of linux/fs.h
    if renameat2 is None:
        return False
    failed = renameat2(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(rename_exchange))
    return not failed
