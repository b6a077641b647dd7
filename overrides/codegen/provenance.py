"""What the output was made from, as hashes: the answer to "is it current?" without making it again.

Imports nothing but the standard library, because an unchanged contract has to be answered at once.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from codegen import PACKAGE, Problem
from codegen.files import read_file

FILE_NAME = "PROVENANCE.json"
# The same hashes, and that of PROVENANCE.json, for `sha256sum -c`.
SUMS_NAME = "SHA256SUMS"
# The files of the package that cannot hold a line which says where they come from.
UNMARKED = ("LICENSE", SUMS_NAME)

# The parts of CHANGELOG.md, and which of them go with the package.
_PARTS = {"### Contract": True, "### Client": True, "### Project": False}

# The modules of the driver that decide the bytes of the output. Editing another one leaves the package current.
GENERATOR_MODULES = (
    *("codegen/__init__.py", "codegen/alternatives.py", "codegen/contract.py", "codegen/credentials.py"),
    *("codegen/files.py", "codegen/models.py", "codegen/paging.py", "codegen/provenance.py", "codegen/render.py"),
    *("codegen/settings.py", "codegen/signatures.py", "codegen/testing.py", "codegen/testing_data.py"),
    *("codegen/text.py", "codegen/docstrings.py"),
    *("codegen/endpoints/__init__.py", "codegen/endpoints/bodies.py", "codegen/endpoints/common.py"),
    *("codegen/endpoints/parameters.py", "codegen/endpoints/responses.py"),
    *("codegen/openapi/__init__.py", "codegen/openapi/document.py", "codegen/openapi/loader.py"),
    *("codegen/openapi/operations.py", "codegen/openapi/schemas.py"),
    # Docstrings, and which operations take the ids of a list's items.
    *("codegen/extensions/links.py", "codegen/extensions/model.py", "codegen/extensions/objects.py"),
    # Rules: as Python for the testing kit, and which fields of an item repeat a parameter.
    *("codegen/cel/engine.py", "codegen/cel/python.py", "codegen/cel/shapes.py", "codegen/cel/tree.py"),
)

# The packages that decide them. pyproject.toml pins their versions, requirements.lock repeats the pins.
TOOLS = ("cel-expr-python", "datamodel-code-generator", "jinja2", "openapi-python-client", "ruff")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields all that is below a folder and no folder itself, as (name relative to it, path), in a fixed order, without
    Python's caches. It may be no regular file: `read_file` refuses those.
    """
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.relative_to(folder).parts and (path.is_symlink() or not path.is_dir()):
            yield path.relative_to(folder).as_posix(), path


def read_inputs(root: Path) -> dict[str, Any]:
    """Returns the hashes of all that goes in, contract and overrides, with the versions of the tools and of the
    package, and what it needs. LICENSE and CHANGELOG.md are compared byte by byte instead (`copied_documents`).

    Raises:
        Problem: One of them is not there, or does not say what is looked for in it.
    """
    overrides = hashlib.sha256()
    for name, path in files_below(root / "overrides"):
        # Prose decides nothing, nor do the commands that come after generation.
        if path.suffix != ".md" and (not name.startswith("codegen/") or name in GENERATOR_MODULES):
            overrides.update(f"{name}\0{sha256(_read(path))}\n".encode())
    contract = _read(root / "openapi.yaml")
    lock = _read(root / "requirements-dev.lock").decode(errors="replace")
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", lock, flags=re.MULTILINE))
    try:
        tools = {tool: pins[tool] for tool in TOOLS}
    except KeyError as missing:
        raise Problem(f"requirements-dev.lock does not pin {missing}", "write it anew: make lock") from missing
    try:
        project = tomllib.loads(_read(root / "pyproject.toml").decode())["project"]
        needs = {name: project[name] for name in ("requires-python", "dependencies")}
    except (ValueError, LookupError, TypeError) as error:
        raise Problem(
            f"pyproject.toml does not say what the package needs: {error}", "state requires-python and dependencies"
        ) from error
    settings = _read(root / "overrides/client.yaml").decode(errors="replace")
    version = re.search(r"^package_version_override: (\d+\.\d+\.\d+)$", settings, flags=re.MULTILINE)
    if version is None:
        raise Problem(
            "overrides/client.yaml: `package_version_override` is no semantic version", "write one, such as 1.0.0"
        )
    return {
        "version": version[1],
        "contract": sha256(contract),
        "overrides": overrides.hexdigest(),
        "tools": tools,
        **needs,
    }


def full_version(version: str, contract_version: str) -> str:
    """Returns the version of the package with the contract's behind it, so that `pip list` and logs tell both.

    A local version label (PEP 440): wherever 1.2.0 is asked for, 1.2.0+contract.1.0.0 is one. Only PyPI takes none.
    """
    return f"{version}+contract.{contract_version}"


def copied_documents(root: Path) -> dict[str, bytes]:
    """Returns what goes from the root into the package, by name: the licence, and of the changelog what concerns the
    package. What concerns the rest of the project is left out, so that a note about it does not change the package.

    Raises:
        Problem: One of them cannot be read, or an entry stands where nothing says what it concerns.
    """
    changelog = [
        "<!-- Copied by `make generate` from CHANGELOG.md of the project. Do not edit it here. -->",
        "# Changelog",
        "",
        "What users of the client notice. Versions follow semantic versioning.",
    ]
    entries = []
    release, part = "", ""
    for number, line in enumerate(_read(root / "CHANGELOG.md").decode(errors="replace").splitlines(), 1):
        if line.startswith("## "):
            release, part = line, ""
        elif line.startswith("### "):
            part = line
        elif release and line and part not in _PARTS:
            raise Problem(
                f"CHANGELOG.md:{number}: the line is below none of " + ", ".join(f"`{name}`" for name in _PARTS),
                "move it below the one that it concerns: the first two go with the package",
            )
        elif release and line and _PARTS[part]:
            entries.append((release, part, line))
    for release, of_release in groupby(entries, key=lambda entry: entry[0]):
        changelog += ["", release]
        for part, of_part in groupby(of_release, key=lambda entry: entry[1]):
            changelog += ["", part, "", *(line for _, _, line in of_part)]
    return {"LICENSE": _read(root / "LICENSE"), "CHANGELOG.md": ("\n".join(changelog) + "\n").encode()}


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}", "restore it: git checkout -- <file>") from error


def describe(inputs: dict[str, Any], contract_version: str, package: Path) -> bytes:
    """Returns PROVENANCE.json for the files of a package. No times and no paths of a machine: the same input gives the
    same bytes everywhere.
    """
    document = {
        "about": f"Made by `make generate`. `files` has the sha256 of all other files of the package but {SUMS_NAME}.",
        "package": PACKAGE,
        "version": full_version(inputs["version"], contract_version),
        "contract": {"version": contract_version, "sha256": inputs["contract"]},
        "overrides": {"sha256": inputs["overrides"]},
        "tools": inputs["tools"],
        "requires-python": inputs["requires-python"],
        "dependencies": inputs["dependencies"],
        "files": {
            name: sha256(read_file(path)) for name, path in files_below(package) if name not in (FILE_NAME, SUMS_NAME)
        },
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def checksums(provenance: bytes) -> bytes:
    """Returns SHA256SUMS for the files that a PROVENANCE.json lists, and for itself."""
    files = {**json.loads(provenance)["files"], FILE_NAME: sha256(provenance)}
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items())).encode()


def is_current(root: Path, inputs: dict[str, Any]) -> bool:
    """Tells whether generated/ is what the inputs, as `read_inputs` has them, would give, by hashes alone."""
    package = root / "generated" / PACKAGE
    try:
        recorded = read_file(package / FILE_NAME)
        copied = {name: read_file(package / name) for name in ("LICENSE", "CHANGELOG.md", SUMS_NAME)}
        version = json.loads(recorded)["contract"]["version"]
        # The version is believed only where the contract has it too: it is the one entry that no hash covers.
        stated = re.search(
            r"^  version: (\S+)$", _read(root / "openapi.yaml").decode(errors="replace"), flags=re.MULTILINE
        )
        foreign = [name for name, path in files_below(package.parent) if package not in path.parents]
        return (
            stated is not None
            and stated[1] == version
            and not foreign
            and recorded == describe(inputs, version, package)
            and copied == {**copied_documents(root), SUMS_NAME: checksums(recorded)}
        )
    # What cannot be read was not made by us, nor what is nested too deeply.
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
