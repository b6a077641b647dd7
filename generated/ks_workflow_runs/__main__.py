# Copied by `make generate` from overrides/package/__main__.py. Do not edit it here.
"""Says what this copy of the package is, and whether its files are as they were made.

    python -m app._vendor.ks_workflow_runs

Needs the standard library only. Exit codes: 0 every file is as it was made, 1 some are not, 2 that could not be found
out. Whoever edits a file and both lists of hashes is not found out by this, but by the project's `make verify-vendor`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

PROVENANCE = "PROVENANCE.json"
SUMS = "SHA256SUMS"
ENDS_ONLY = " (line ends only)"


def read(folder: Path) -> dict[str, Any]:
    """Returns what a copy says of itself: its PROVENANCE.json.

    Raises:
        OSError: It is not there, or cannot be read.
        ValueError: It does not say what is looked for in it.
    """
    document = json.loads((folder / PROVENANCE).read_bytes())
    try:
        contract, files = document["contract"], document["files"]
        texts = [document["package"], document["version"], contract["version"], contract["sha256"], *files.values()]
        texts += [document["requires-python"], *document["dependencies"]]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("it is not one that this package had") from error
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("it is not one that this package had")
    return document  # type: ignore[no-any-return]


def differences(folder: Path, document: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the files of a copy that are not as they were made, as (how, name), sorted by name.

    Args:
        folder: The copy. Python's caches in it do not count.
        document: What `read` returns for it.

    Raises:
        OSError: A file or folder cannot be read.
    """
    listed = {**document["files"], PROVENANCE: _sha256((folder / PROVENANCE).read_bytes())}
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(listed.items())).encode()
    found = dict(_files(folder))
    result: list[tuple[str, str]] = []
    for name in sorted({*listed, *found, SUMS}):
        if name not in found:
            result.append(("missing", name))
        elif found[name].is_symlink() or not found[name].is_file():
            result.append(("no file", name))
        elif name == SUMS:
            if found[name].read_bytes() != sums:
                result.append(("edited", f"{SUMS} or {PROVENANCE}, which contradict each other"))
        elif name not in listed:
            result.append(("extra", name))
        else:
            data = found[name].read_bytes()
            if _sha256(data) != listed[name]:
                ends_only = _sha256(data.replace(b"\r\n", b"\n")) == listed[name]
                result.append(("edited", name + ENDS_ONLY if ends_only else name))
    return result


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for place, folders, names in os.walk(folder, onerror=_raise):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in [*names, *links]:
            path = Path(place, name)
            yield path.relative_to(folder).as_posix(), path


def _raise(error: OSError) -> NoReturn:
    raise error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main(folder: Path) -> int:
    try:
        document = read(folder)
        found = differences(folder, document)
    except (OSError, ValueError) as error:
        print(f"problem: {folder} cannot be verified: {PROVENANCE}: {error}", file=sys.stderr)
        print("fix: vendor it anew: `make vendor` in the project that it comes from, with FORCE=1", file=sys.stderr)
        return 2
    print(f"package   {document['package']} {document['version']}")
    print(f"contract  {document['contract']['version']}, sha256 {document['contract']['sha256']}")
    print(f"needs     Python {document['requires-python']}, {', '.join(document['dependencies'])}")
    if not found:
        print(f"Intact: all {len(document['files']) + 2} files are as they were made.")
        return 0
    print(f"problem: these files of {folder} are not as they were made:", file=sys.stderr)
    for how, name in found:
        # As it can be printed anywhere, whatever bytes a name has.
        print(f"  {how:8}  {ascii(name)[1:-1]}", file=sys.stderr)
    fix = "undo it with git, or vendor it anew: `make vendor` in its project, with FORCE=1"
    if any(name.endswith(ENDS_ONLY) for _, name in found):
        fix = "keep git from changing line ends, by a line `<folder>/** -text` in .gitattributes; then " + fix
    print(f"fix: {fix}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
