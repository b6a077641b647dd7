"""Records the hashes of inputs and output, to tell whether generated/ is up to date without generating it.

Imports only the standard library, so that `generate` answers an unchanged contract at once.
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
# The same hashes and that of PROVENANCE.json, for `sha256sum -c`.
SUMS_NAME = "SHA256SUMS"
# Files of the package without the comment that they are generated.
UNMARKED = ("LICENSE", SUMS_NAME)

# The parts of CHANGELOG.md, and whether they are copied into the package.
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
    """Yield everything below a folder except folders and Python's caches, as (relative name, path), sorted.

    A path need not be a regular file: `read_file` refuses others.
    """
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.relative_to(folder).parts and (path.is_symlink() or not path.is_dir()):
            yield path.relative_to(folder).as_posix(), path


def read_inputs(root: Path) -> dict[str, Any]:
    """Return the hashes of contract and overrides, the versions of tools and package, and its dependencies.

    LICENSE and CHANGELOG.md are not hashed, but compared byte by byte (`copied_documents`).

    Raises:
        Problem: An input is missing or invalid.
    """
    overrides = hashlib.sha256()
    for name, path in files_below(root / "overrides"):
        # Prose and modules of other commands do not affect the output.
        if path.suffix != ".md" and (not name.startswith("codegen/") or name in GENERATOR_MODULES):
            overrides.update(f"{name}\0{sha256(_read(path))}\n".encode())
    contract = _read(root / "openapi.yaml")
    lock = _read(root / "requirements-dev.lock").decode(errors="replace")
    pins = dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", lock, flags=re.MULTILINE))
    try:
        tools = {tool: pins[tool] for tool in TOOLS}
    except KeyError as missing:
        raise Problem(f"requirements-dev.lock does not pin {missing}", "rewrite it: make lock") from missing
    try:
        project = tomllib.loads(_read(root / "pyproject.toml").decode())["project"]
        needs = {name: project[name] for name in ("requires-python", "dependencies")}
    except (ValueError, LookupError, TypeError) as error:
        raise Problem(
            f"pyproject.toml must have requires-python and dependencies: {error}", "add what is missing"
        ) from error
    settings = _read(root / "overrides/client.yaml").decode(errors="replace")
    version = re.search(r"^package_version_override: (\d+\.\d+\.\d+)$", settings, flags=re.MULTILINE)
    if version is None:
        raise Problem(
            "overrides/client.yaml: `package_version_override` must be a semantic version", "write one, such as 1.0.0"
        )
    return {
        "version": version[1],
        "contract": sha256(contract),
        "overrides": overrides.hexdigest(),
        "tools": tools,
        **needs,
    }


def full_version(version: str, contract_version: str) -> str:
    """Return the version of the package followed by the contract's, so that `pip list` and logs show both.

    This is a local version label (PEP 440): 1.2.0+contract.1.0.0 satisfies a requirement of 1.2.0. PyPI refuses it.
    """
    return f"{version}+contract.{contract_version}"


def copied_documents(root: Path) -> dict[str, bytes]:
    """Return the files that are copied from the root into the package: the licence, and the changelog without the
    entries about the rest of the project, which must not change the package.

    Raises:
        Problem: One of them cannot be read, or an entry of the changelog is below no known heading.
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
                f"CHANGELOG.md:{number}: an entry must be below one of " + ", ".join(f"`{name}`" for name in _PARTS),
                "move it there; the first two are copied into the package",
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
    """Return PROVENANCE.json for a package. It has no times and no absolute paths, so that the same input gives the
    same bytes on any machine.
    """
    document = {
        "about": f"Written by `make generate`. `files` has the sha256 of all other files except {SUMS_NAME}.",
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
    """Return SHA256SUMS for PROVENANCE.json and the files that it lists."""
    files = {**json.loads(provenance)["files"], FILE_NAME: sha256(provenance)}
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items())).encode()


def is_current(root: Path, inputs: dict[str, Any]) -> bool:
    """True if generated/ is up to date with the inputs (see `read_inputs`), by hashes alone."""
    package = root / "generated" / PACKAGE
    try:
        recorded = read_file(package / FILE_NAME)
        copied = {name: read_file(package / name) for name in ("LICENSE", "CHANGELOG.md", SUMS_NAME)}
        version = json.loads(recorded)["contract"]["version"]
        # No hash covers the version in PROVENANCE.json, so it is compared with the contract.
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
    # A file that cannot be read or parsed was not written by the driver.
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
