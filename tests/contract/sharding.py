"""Shares of long runs, and results that a later run resumes from."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from codegen import ROOT

from .contract import Problem

T = TypeVar("T")


def read_shard(text: str) -> tuple[int, int]:
    """Return the number of the share, from 1, and the number of shares; the only share if empty. Raises Problem."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text or "1/1", re.ASCII)
    if not found or int(found[1]) > int(found[2]):
        raise Problem(f"SHARD must be a share (got '{text}')", "give its number and the number of shares: SHARD=1/4")
    return int(found[1]), int(found[2])


def select_shard(all_of_them: Sequence[T], number: int, of: int) -> list[T]:
    """Return one share: every n-th element, so that all shares take about the same time."""
    return list(all_of_them[number - 1 :: of])


def hash_files(sources: Iterable[str]) -> str:
    """Return a hash of files, and of all files in folders, by their paths in the repository."""
    digest = hashlib.sha256()
    for source in sources:
        place = ROOT / source
        files = [place] if place.is_file() else sorted(each for each in place.rglob("*") if each.is_file())
        for file in files:
            if "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


class JsonLines:
    """A file of results, one JSON object per line."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> list[dict[str, Any]]:
        """Return the results. Truncated and foreign lines are skipped."""
        found = []
        for line in self.file.read_text("utf-8", "replace").splitlines() if self.file.exists() else ():
            try:
                data = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(data, dict):
                found.append(data)
        return found

    def rewrite(self, results: Iterable[dict[str, Any]]) -> None:
        """Replace the file by these results."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("".join(map(as_line, results)), "utf-8")

    def append(self, result: dict[str, Any]) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(as_line(result))


def as_line(result: dict[str, Any]) -> str:
    return json.dumps(result) + "\n"
