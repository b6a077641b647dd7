"""Copies of the driver's input and output, for tests that break them.

They have a contract of their own, contract.yaml, an older openapi.yaml. So edits of openapi.yaml do not break tests of
the driver. Tests of the content of openapi.yaml are in tests/spec.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

from codegen import ROOT
from codegen.__main__ import main
from codegen.provenance import files_below

# The current version of the contract. No test depends on its value.
VERSION_LINE = re.compile(r"^  version: (.*)$", re.MULTILINE)
OPENAPI = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
VERSION = VERSION_LINE.findall(OPENAPI)[0]
CONTRACT_PATH = Path(__file__).with_name("contract.yaml")
CONTRACT_TEXT = VERSION_LINE.sub(f"  version: {VERSION}", CONTRACT_PATH.read_text(encoding="utf-8"), count=1)

INPUTS = ("requirements-dev.lock", "pyproject.toml", "LICENSE", "CHANGELOG.md", "overrides", "generated")


def copy_tree(root: Path) -> Path:
    """Make a copy in a new folder, and return the folder."""
    _copy(root, generated())
    return root


@cache
def generated() -> Path:
    """Return the output for contract.yaml, generated once; that of openapi.yaml if both are the same."""
    if CONTRACT_TEXT == OPENAPI:
        return ROOT / "generated"
    root = Path(tempfile.mkdtemp()) / "root"
    _copy(root, ROOT / "generated")
    assert main(["generate"], root) == 0
    return root / "generated"


def _copy(root: Path, generated: Path) -> None:
    root.mkdir()
    (root / "openapi.yaml").write_text(CONTRACT_TEXT, encoding="utf-8")
    for name in INPUTS:
        source = generated if name == "generated" else ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files_below(folder)}


# The first query parameter of the contract.
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


def set_contract_version(root: Path, version: str) -> None:
    contract = root / "openapi.yaml"
    text = VERSION_LINE.sub(f"  version: {version}", contract.read_text(encoding="utf-8"), count=1)
    contract.write_text(text, encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
