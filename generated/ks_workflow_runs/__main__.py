# Copied by `make generate` from overrides/package/__main__.py. Do not edit it here.
"""Says what this copy of the package is, and whether its files are as they were made.

    python -I app/_vendor/<this package>/__main__.py

By its file, as `python -m` would run the package first, out of `__pycache__` where something lies there that Python
takes for compiled from it; `-I` keeps other modules of the project out.

Needs the standard library only. Exit codes: 0 every file is as it was made, 1 some are not, 2 that could not be found
out. Whoever edits a file and both lists of hashes is not found out by this, but by the project's `make verify-vendor`.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not __package__ and not sys.flags.safe_path:
    # Without -I, Python looks for modules beside this file first, where one is called `types`.
    del sys.path[0]

import hashlib
import json
import marshal
import os
import re
import stat
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

PROVENANCE = "PROVENANCE.json"
SUMS = "SHA256SUMS"
ENDS_ONLY = " (line ends only)"
BYTECODE = "bytecode"
CACHE = "__pycache__"

# Bytes; no file of the package is nearly as large. What has more is not read.
MOST_BYTES = 4 * 2**20
# Names and values that are printed; more are counted, and longer ones cut.
MOST_LINES = 40
MOST_SHOWN = 200


def read(folder: Path) -> dict[str, Any]:
    """Returns what a copy says of itself: its PROVENANCE.json.

    Raises:
        OSError: It is not there, or cannot be read.
        ValueError: It is no regular file, or does not say what is looked for in it.
    """
    data = _read_regular_file(folder / PROVENANCE)
    if data is None:
        raise ValueError(f"it is no regular file of at most {MOST_BYTES:,} bytes")
    try:
        document = json.loads(data)
        contract, files = document["contract"], document["files"]
        texts = [document["package"], document["version"], contract["version"], contract["sha256"], *files.values()]
        texts += [document["requires-python"], *document["dependencies"]]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("it is not one that this package had") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("it is not one that this package had")
    return document  # type: ignore[no-any-return]


def differences(folder: Path, document: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns what of a copy is not as it was made, as (how, name), sorted by name.

    Args:
        folder: The copy. In Python's caches, what is compiled from its sources does not count, nor what no Python runs.
        document: What `read` returns for it.

    Raises:
        OSError: A file or folder cannot be read.
        ValueError: PROVENANCE.json has changed meanwhile, or has names that no file can have.
    """
    described = _read_regular_file(folder / PROVENANCE)
    if described is None:
        raise ValueError("it is not the file that it was")
    listed = {**document["files"], PROVENANCE: _sha256(described)}
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(listed.items())).encode()
    folders = {parent for name in listed for parent in PurePosixPath(name).parents}
    found = dict(_entries(folder))
    result: list[tuple[str, str]] = []
    for name in sorted({*listed, *found, SUMS}):
        path, place = found.get(name), PurePosixPath(name)
        if path is None:
            result.append(("missing", name))
        elif place.parent.name == CACHE and place.parent.parent in folders:
            if how := _cache_problem(folder, place, listed):
                result.append((how, name))
        elif name.endswith("/"):
            if place not in folders and not (place.name == CACHE and place.parent in folders):
                result.append(("extra", name))
        elif name != SUMS and name not in listed:
            result.append(("no file" if place in folders else "extra", name))
        elif not stat.S_ISREG(path.lstat().st_mode):
            result.append(("no file", name))
        elif name == SUMS:
            if _read_regular_file(path) != sums:
                result.append(("edited", f"{SUMS} or {PROVENANCE}, which contradict each other"))
        else:
            data = _read_regular_file(path)
            if data is None or _sha256(data) != listed[name]:
                ends_only = data is not None and _sha256(data.replace(b"\r\n", b"\n")) == listed[name]
                result.append(("edited", name + ENDS_ONLY if ends_only else name))
    return result


def _entries(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields all that is below a folder; names of folders end in a slash. Links are not followed."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        for name in [*folders, *names]:
            path = Path(place, name)
            slash = "/" if name in folders and not path.is_symlink() else ""
            yield path.relative_to(folder).as_posix() + slash, path


def _raise(error: OSError) -> NoReturn:
    raise error


def _read_regular_file(path: Path) -> bytes | None:
    """Returns what is in a regular file; None where there is none, or more than `MOST_BYTES` bytes."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    try:
        # No link, and without waiting for whoever writes into a pipe.
        handle = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise
    except OSError:
        if stat.S_ISREG(path.lstat().st_mode):
            raise
        return None
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode) or state.st_size > MOST_BYTES:
            return None
        data = file.read(MOST_BYTES + 1)
    return data if len(data) <= MOST_BYTES else None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- Python's caches --------------------------------------------------------------------------------------------------


def _cache_problem(folder: Path, place: PurePosixPath, listed: dict[str, str]) -> str:
    """Returns what is wrong with an entry of a `__pycache__`; nothing where Python may run it, or never would."""
    matched = re.fullmatch(r"([^.]+)(\.[^.]+)?(\.opt-([12]))?\.pyc", place.name)
    name = (place.parent.parent / f"{matched[1]}.py").as_posix() if matched else ""
    if matched is None or name not in listed or not stat.S_ISREG((folder / place).lstat().st_mode):
        return "extra"
    source, data = folder / name, _read_regular_file(folder / place)
    text = _read_regular_file(source) if source.exists() else None
    if text is None or _sha256(text) != listed[name]:
        return ""  # the source itself is told of
    if data is None:
        return "extra"
    if data[2:4] != b"\r\n" or _is_outdated(data, source):
        return ""
    is_ours = data[:4] == MAGIC_NUMBER and _is_compiled_from(text, data[16:], int(matched[4] or 0))
    return "" if is_ours else BYTECODE


def _is_outdated(data: bytes, source: Path) -> bool:
    """Whether Python compiles the source anew, as its time or size is another one (PEP 552)."""
    state = source.stat()
    stated = b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in (int(state.st_mtime), state.st_size))
    return data[4:8] == bytes(4) and data[8:16] != stated


def _is_compiled_from(text: bytes, code: bytes, level: int) -> bool:
    """Whether bytecode is what this Python makes of a source, wherever the source lay.

    Compared as bytes: reading it is not safe.
    """
    name = "<a name that no file has>"
    try:
        # By a name, as the import system has it: whether an object is referred to again is in the bytes.
        code_object = compile(text, name, "exec", dont_inherit=True, optimize=level)
        expected = marshal.dumps(code_object)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    # Strings of one character are marked as interned or not, by what else the process has imported.
    expected, code = (re.sub(rb"[\xda\xfa](?=[\x00\x01])", b"\xda", data) for data in (expected, code))
    # The name stands there once, as one string: type, length, characters. All later ones refer to it.
    before, _, after = expected.partition(name.encode())
    kind, before = before[-2], before[:-2]
    named = code[len(before) : len(code) - len(after)]
    if code != before + named + after or len(named) < 2:
        return False
    length = named[1:2] if named[0] & 0x7F in b"zZ" else named[1:5]
    return (
        named[0] & 0x7F in b"zZaAu"
        and named[0] & 0x80 == kind & 0x80
        and int.from_bytes(length, "little") == len(named) - 1 - len(length)
    )


# --- the command ------------------------------------------------------------------------------------------------------


def _printable(text: str) -> str:
    """As it can be printed anywhere, whatever is in it."""
    line = ascii(text[: MOST_SHOWN + 1])[1:-1]
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 3]}..."


def main(folder: Path) -> int:
    try:
        document = read(folder)
        found = differences(folder, document)
    except (OSError, ValueError) as error:
        print(
            f"problem: {_printable(str(folder))} cannot be verified: {PROVENANCE}: {_printable(str(error))}",
            file=sys.stderr,
        )
        print("fix: vendor it anew: `make vendor` in the project that it comes from, with FORCE=1", file=sys.stderr)
        return 2
    print(f"package   {_printable(document['package'])} {_printable(document['version'])}")
    print(
        f"contract  {_printable(document['contract']['version'])}, sha256 {_printable(document['contract']['sha256'])}"
    )
    print(
        f"needs     Python {_printable(document['requires-python'])}, {_printable(', '.join(document['dependencies']))}"
    )
    if not found:
        print(f"Intact: all {len(document['files']) + 2} files are as they were made.")
        return 0
    print(f"problem: these files of {_printable(str(folder))} are not as they were made:", file=sys.stderr)
    for how, name in found[:MOST_LINES]:
        print(f"  {how:8}  {_printable(name)}", file=sys.stderr)
    if len(found) > MOST_LINES:
        print(f"  ... and {len(found) - MOST_LINES} more", file=sys.stderr)
    fix = "undo it with git, or vendor it anew: `make vendor` in its project, with FORCE=1"
    if any(name.endswith(ENDS_ONLY) for _, name in found):
        fix = "keep git from changing line ends, by a line `<folder>/** -text` in .gitattributes; then " + fix
    if any(how == BYTECODE for how, _ in found):
        fix = "delete the `__pycache__` folders: what is named there is not what this Python makes of the files; " + fix
    print(f"fix: {fix}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
