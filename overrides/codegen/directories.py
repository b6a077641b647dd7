"""Two folders: what differs between them, and one put in the place of the other as a whole."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from codegen.files import read_file
from codegen.provenance import files_below


def changed_files(old: Path, new: Path) -> list[tuple[str, str]]:
    """Returns what becomes of the files when `new` takes the place of `old`, as (how, name), sorted by name."""
    before = dict(files_below(old))
    after = dict(files_below(new))
    return [
        ("removed" if name not in after else "added" if name not in before else "changed", name)
        for name in sorted(before.keys() | after.keys())
        if name not in after or name not in before or before[name].is_symlink() or not _same(before[name], after[name])
    ]


def _same(old: Path, new: Path) -> bool:
    """Whether the old file is one, and as the new one is."""
    try:
        return read_file(old) == read_file(new)
    except OSError:
        return False


def swap(target: Path, work: Path) -> None:
    """Puts work/new in the place of `target`, whatever is there, which then is below `work` under one name or another.

    Both have to be on one file system. On Linux there is no moment without a target.
    """
    new, old = work / "new", work / "old"
    if not os.path.lexists(target):
        new.rename(target)
    elif not exchange(new, target):
        target.rename(old)
        try:
            new.rename(target)
        except BaseException:  # an interrupt too
            if not os.path.lexists(target):
                old.rename(target)
            raise


def exchange(one: Path, other: Path) -> bool:
    """Exchanges two files or folders at once; False where the system or the file system has no such call."""
    # Python has no function for it. Linux has had the call since 3.15, the C libraries since glibc 2.28 and musl 1.2.6.
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    here, rename_exchange = -100, 2  # AT_FDCWD of fcntl.h, RENAME_EXCHANGE of linux/fs.h
    if renameat2 is None:
        return False
    failed = renameat2(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(rename_exchange))
    return not failed
