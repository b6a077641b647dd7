"""Tests of `make vendor`, `make verify-vendor`, `make build` and `make release-check`.

`consumer/` is an example project that uses a vendored copy of the client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codegen import PACKAGE
from codegen.__main__ import main
from tests.codegen.trees import copy_tree

# The tests of the example project need a copy of the client in it: test_copy.py runs them.
collect_ignore = ["consumer"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of this repository's inputs and output."""
    return copy_tree(tmp_path / "repository")


@dataclass
class Consumer:
    """A project that vendors the client.

    Attributes:
        dest: The folder that holds the copy.
        call: Runs a command of the driver on it, as `make` does, and returns exit code, stdout and stderr.
    """

    dest: Path
    call: Callable[..., tuple[int, str, str]] = field(repr=False)

    @property
    def copy(self) -> Path:
        return self.dest / PACKAGE


@pytest.fixture
def consumer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Consumer:
    """A project without a copy, in a folder with a space in its name."""
    dest = tmp_path / "a project" / "_vendor"
    dest.parent.mkdir()

    def call(*arguments: str, dest: Path | str = dest, **root: Path) -> tuple[int, str, str]:
        command, *options = arguments
        code = main([command, *options, "--", str(dest)], **root)
        return code, *capsys.readouterr()

    return Consumer(dest, call)


def everything(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """Return the content and inode of everything below a folder, which are equal if nothing was touched."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (path.lstat().st_ino, content)
    return found
