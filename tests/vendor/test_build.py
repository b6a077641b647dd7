"""`make build`: content of wheel and sdist, which are reproducible."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from codegen import PACKAGE, ROOT
from ks_workflow_runs import __version__
from tests.codegen.trees import contents, copy_tree, generated

STEM = f"{PACKAGE}-{__version__}"
# The command of the Makefile, without the check before it.
COMMAND = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "hatchling build" in line)


def build(folder: Path, dist: Path, *arguments: str, umask: int = 0o022) -> dict[str, bytes]:
    command = [sys.executable if word == "$(python)" else word for word in COMMAND.strip("@\t ").split()]
    subprocess.run(
        [*command, "-d", str(dist), *arguments],
        cwd=folder,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(1_000_000_000 + umask)},
        umask=umask,
        capture_output=True,
        check=True,
    )
    return contents(dist)


@pytest.mark.filterwarnings("error")
def test_wheel_and_sdist_are_reproducible_and_hold_the_package(tmp_path: Path) -> None:
    first = copy_tree(tmp_path / "first")
    second = copy_tree(tmp_path / "a second one")
    for path in second.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o700 if path.is_dir() else 0o600)
    (second / "generated" / PACKAGE / "__pycache__").mkdir()
    (second / "generated" / PACKAGE / "__pycache__/models.pyc").touch()
    (second / ".gitignore").write_text("__pycache__/\n")
    (first / ".gitignore").write_text("__pycache__/\n")
    built = build(first, tmp_path / "dist 1")
    assert built.keys() == {f"{STEM}-py3-none-any.whl", f"{STEM}.tar.gz"}
    assert build(second, tmp_path / "dist 2", umask=0o077) == built

    expected = contents(generated())
    with zipfile.ZipFile(tmp_path / "dist 1" / f"{STEM}-py3-none-any.whl") as wheel:
        assert {name: wheel.read(name) for name in wheel.namelist() if ".dist-info/" not in name} == expected
        metadata = wheel.read(f"{STEM}.dist-info/METADATA").decode()
    assert f"Version: {__version__}\n" in metadata and metadata.count("Requires-Dist: ") == 2
    # Not tarfile: its `filter`, without which it warns, is missing in some releases of Python 3.11.
    subprocess.run(["tar", "-xzf", tmp_path / "dist 1" / f"{STEM}.tar.gz", "-C", tmp_path], check=True)
    assert contents(tmp_path / STEM / "generated") == expected
    again = build(tmp_path / STEM, tmp_path / "dist 3", "-t", "wheel")
    assert again == {name: data for name, data in built.items() if name.endswith(".whl")}
