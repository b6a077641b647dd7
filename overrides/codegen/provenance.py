"""What the output was made from, as hashes: the answer to "is it current?" without making it again.

Imports nothing but the standard library, because an unchanged contract has to be answered at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codegen import PACKAGE, Problem

FILE_NAME = "PROVENANCE.json"

# What decides the bytes of the output. Their versions are pinned in pyproject.toml and reach us through the lock.
TOOLS = ("datamodel-code-generator", "jinja2", "openapi-python-client", "ruff")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields the files below a folder as (name relative to it, path), in a fixed order, without Python's caches."""
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.parts and (path.is_file() or path.is_symlink()):
            yield path.relative_to(folder).as_posix(), path


def read_inputs(root: Path) -> dict[str, Any]:
    """Returns the hashes of all that goes in: contract, overrides, and the versions of the tools.

    Raises:
        Problem: openapi.yaml or requirements.lock is not there.
    """
    overrides = hashlib.sha256()
    for name, path in files_below(root / "overrides"):
        if path.suffix != ".md":  # prose decides nothing
            overrides.update(f"{name}\0{sha256(path.read_bytes())}\n".encode())
    try:
        contract = (root / "openapi.yaml").read_bytes()
        lock = (root / "requirements.lock").read_text(encoding="utf-8")
    except OSError as error:
        raise Problem(
            f"{error.filename} cannot be read: {error.strerror}", "restore it: git checkout -- <file>"
        ) from error
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", lock, flags=re.MULTILINE))
    try:
        tools = {tool: pins[tool] for tool in TOOLS}
    except KeyError as missing:
        raise Problem(f"requirements.lock does not pin {missing}", "write it anew: make lock") from missing
    return {"contract": sha256(contract), "overrides": overrides.hexdigest(), "tools": tools}


def describe(inputs: dict[str, Any], contract_version: str, package: Path) -> bytes:
    """Returns PROVENANCE.json for the files of a package. No times and no paths of a machine: the same input gives the
    same bytes everywhere.
    """
    document = {
        "about": "Made by `make generate`. `files` are the sha256 of the other files of this package.",
        "contract": {"version": contract_version, "sha256": inputs["contract"]},
        "overrides": {"sha256": inputs["overrides"]},
        "tools": inputs["tools"],
        "files": {name: sha256(path.read_bytes()) for name, path in files_below(package) if name != FILE_NAME},
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def is_current(root: Path) -> bool:
    """Tells whether generated/ is what the inputs as they are now would give, by hashes alone."""
    package = root / "generated" / PACKAGE
    try:
        recorded = (package / FILE_NAME).read_bytes()
        version = json.loads(recorded)["contract"]["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    # The version is believed only where the contract has it too: it is the one entry that no hash covers.
    stated = re.search(
        r"^  version: (\S+)$", (root / "openapi.yaml").read_bytes().decode(errors="replace"), flags=re.MULTILINE
    )
    foreign = [name for name, path in files_below(package.parent) if package not in path.parents]
    return (
        stated is not None
        and stated[1] == version
        and not foreign
        and recorded == describe(read_inputs(root), version, package)
    )
