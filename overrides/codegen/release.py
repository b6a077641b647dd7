"""Checks that the working tree can be released, compared with the last release: the highest tag such as `v1.2.3`.

The package's version is raised by at least as much as the contract's. So 2.0.0 after 1.4.2 says that the contract may
have broken, and 1.4.3 that it has not.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from codegen import PACKAGE, Problem, breaking, provenance
from codegen.contract import Contract
from codegen.directories import changed_files
from codegen.git import git_output
from codegen.openapi import parse
from codegen.render import build


def release_check(root: Path) -> int:
    """Print each obstacle to a release, with its fix.

    Returns:
        0 ready or released, 1 not ready.

    Raises:
        Problem: The check is impossible, for example in a clone without history.
    """
    if git_output(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise Problem("this clone is shallow, so the last release is missing", "git fetch --unshallow --tags")
    inputs = provenance.read_inputs(root)
    contract = Contract(root / "openapi.yaml")
    version = inputs["version"]
    found = [*_tree(root, inputs), *_changelog(root, version)]
    last = breaking.last_release(root)
    if last is not None:
        found += since(root, last, inputs, contract)
    for problem in found:
        print(problem.report())
    if found:
        print(f"Not ready: fix the above before releasing {version}.")
        return 1
    if last == version:
        print(f"Released: the package has not changed since v{version}.")
    else:
        print(f"Ready: {version} can be released. Next: git tag v{version}; make build")
    return 0


def _tree(root: Path, inputs: dict[str, Any]) -> list[Problem]:
    found = []
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        new = Path(folder).resolve() / "new"
        build(root, new, inputs)
        if changed_files(root / "generated", new):
            found.append(Problem("generated/ is stale", "make generate"))
    if git_output(root, "status", "--porcelain"):
        found.append(Problem("there are uncommitted changes, which a tag would not include", "git commit"))
    return found


def _changelog(root: Path, version: str) -> list[Problem]:
    found = []
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (\S+).*\n", text, flags=re.MULTILINE)
    entries = {
        name: re.findall(r"^- ", body, flags=re.MULTILINE) for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }
    if not entries.get(version):
        found.append(Problem(f"CHANGELOG.md has no entry for {version}", f"write one below `## {version}`"))
    if entries.get("Unreleased"):
        found.append(Problem("CHANGELOG.md has entries below `## Unreleased`", f"move them below `## {version}`"))
    return found


def since(root: Path, last: str, inputs: dict[str, Any], contract: Contract) -> list[Problem]:
    """Return the obstacles that come from changes since the last release, such as `1.0.0`."""
    found = []
    old = parse(git_output(root, "show", f"v{last}:openapi.yaml"), f"openapi.yaml of v{last}").value
    of_contract = breaking.raised_by(str(old["info"]["version"]), contract.version)
    of_package = breaking.raised_by(last, inputs["version"])
    raise_contract = "raise `info.version` in openapi.yaml, then make generate"
    raise_package = "raise `package_version_override` in overrides/client.yaml, then make generate"
    if old != contract.document and of_contract < 1:
        found.append(
            Problem(f"the contract has changed since v{last}, but not its version {contract.version}", raise_contract)
        )
    described = f"generated/{PACKAGE}/{provenance.FILE_NAME}"
    before = _files_of(git_output(root, "show", f"v{last}:{described}"), last)
    after = provenance.describe(inputs, contract.version, root / "generated" / PACKAGE)
    files = before.items() ^ json.loads(after)["files"].items()
    # The changelog does not count: it has the entries of the next version.
    if of_package < 1 and {name for name, _ in files} - {"CHANGELOG.md"}:
        found.append(Problem(f"the package has changed since v{last}, but its version was not raised", raise_package))
    if of_package < of_contract:
        found.append(
            Problem(
                f"the contract's version was raised by {breaking.LEVELS[of_contract]} since v{last}, "
                f"the package's by {breaking.LEVELS[of_package]}",
                raise_package,
            )
        )
    differences = breaking.changes(old, contract.document)
    needed = breaking.level(differences)
    if needed == breaking.MAJOR:
        broken = "; ".join(f"{change.place}: {change.what}" for change in differences if change.breaks_clients)
        for level, fix in ((of_contract, raise_contract), (of_package, raise_package)):
            if level < needed:
                found.append(Problem(f"the contract breaks clients since v{last}: {broken}", fix))
    elif breaking.PATCH <= of_contract < needed:
        found.append(
            Problem(f"the contract has changed in more than wording since v{last}: a minor version", raise_contract)
        )
    return found


def _files_of(described: str, last: str) -> dict[str, str]:
    try:
        files = json.loads(described)["files"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        files = error
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise Problem(
            f"{provenance.FILE_NAME} of v{last} lists no files", "check that the tag is a release of this project"
        )
    return files
