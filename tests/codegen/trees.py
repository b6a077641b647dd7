"""Copies of what the driver reads and writes, to be broken."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from codegen import ROOT
from codegen.provenance import files_below

INPUTS = ("openapi.yaml", "requirements.lock", "pyproject.toml", "LICENSE", "CHANGELOG.md", "overrides", "generated")


def copy_tree(root: Path) -> Path:
    """Makes such a copy in a folder that is not there yet, and returns the folder."""
    root.mkdir()
    for name in INPUTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    return root


def contents(folder: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files_below(folder)}


# How the contract has its first query parameter.
LIMIT = """\
        - name: limit
          in: query
          description: Number of items per page
          schema:
            type: integer
            minimum: 1
            maximum: 100
            default: 20
"""

# The contract's version as it is now: no test depends on which one that is.
VERSION_LINE = re.compile(r"^  version: (.*)$", re.MULTILINE)
VERSION = VERSION_LINE.findall((ROOT / "openapi.yaml").read_text(encoding="utf-8"))[0]


def set_contract_version(root: Path, version: str) -> None:
    contract = root / "openapi.yaml"
    text = VERSION_LINE.sub(f"  version: {version}", contract.read_text(encoding="utf-8"), count=1)
    contract.write_text(text, encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
