# Copied by `make generate` from overrides/package/__main__.py. Do not edit it here.
"""Shows the version of this copy of the package, and verifies that its files are unchanged.

    python -I app/_vendor/<this package>/__main__.py

Run the file itself: `python -m` would import the package first, from files in `__pycache__` that may have been tampered
with. `-I` keeps other modules of the project from being imported.

Needs the standard library only. Exit codes: 0 unchanged, 1 changed, 2 cannot be verified. It does not detect an edit of
a file together with both lists of hashes; `make verify-vendor` in the project of the package does.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not __package__ and not sys.flags.safe_path:
    # Without -I, Python first searches the folder of this file, which has a module `types`.
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

# In bytes, far above any file of the package. Larger files are not read.
MOST_BYTES = 4 * 2**20
# Names that are printed, and characters of each.
MOST_LINES = 40
MOST_SHOWN = 200


def read(folder: Path) -> dict[str, Any]:
    """Return the content of PROVENANCE.json.

    Raises:
        OSError: It does not exist, or cannot be read.
        ValueError: It is not a regular file, or its content is not as expected.
    """
    data = _read_regular_file(folder / PROVENANCE)
    if data is None:
        raise ValueError(f"must be a regular file of at most {MOST_BYTES:,} bytes")
    try:
        document = json.loads(data)
        contract, files = document["contract"], document["files"]
        texts = [document["package"], document["version"], contract["version"], contract["sha256"], *files.values()]
        texts += [document["requires-python"], *document["dependencies"]]
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("must be a PROVENANCE.json of this package") from error
    except RecursionError as error:
        raise ValueError("must not be nested so deeply") from error
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("must be a PROVENANCE.json of this package")
    return document  # type: ignore[no-any-return]


def differences(folder: Path, document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the differences between a copy and its lists of hashes, as pairs of kind and name, sorted by name.

    Args:
        folder: The copy. Bytecode in `__pycache__` counts only if this Python would run it and it does not match its
            source.
        document: The result of `read`.

    Raises:
        OSError: A file or folder cannot be read.
        ValueError: PROVENANCE.json has changed meanwhile, or lists invalid names.
    """
    described = _read_regular_file(folder / PROVENANCE)
    if described is None:
        raise ValueError("must not change while it is read")
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
    """Yield all files and folders below a folder. Names of folders end with a slash. Links are not followed."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        for name in [*folders, *names]:
            path = Path(place, name)
            slash = "/" if name in folders and not path.is_symlink() else ""
            yield path.relative_to(folder).as_posix() + slash, path


def _raise(error: OSError) -> NoReturn:
    raise error


def _read_regular_file(path: Path) -> bytes | None:
    """Return the content of a regular file; None if it is not one, or larger than `MOST_BYTES`."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    try:
        # Do not follow a link, and do not block on a pipe.
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
    """Return what is wrong with an entry of `__pycache__`; empty if it is valid, or never run."""
    matched = re.fullmatch(r"([^.]+)(\.[^.]+)?(\.opt-([12]))?\.pyc", place.name)
    name = (place.parent.parent / f"{matched[1]}.py").as_posix() if matched else ""
    if matched is None or name not in listed or not stat.S_ISREG((folder / place).lstat().st_mode):
        return "extra"
    source, data = folder / name, _read_regular_file(folder / place)
    text = _read_regular_file(source) if source.exists() else None
    if text is None or _sha256(text) != listed[name]:
        return ""  # the source itself is reported
    if data is None:
        return "extra"
    if data[2:4] != b"\r\n" or _is_outdated(data, source):
        return ""
    is_ours = data[:4] == MAGIC_NUMBER and _is_compiled_from(text, data[16:], int(matched[4] or 0))
    return "" if is_ours else BYTECODE


def _is_outdated(data: bytes, source: Path) -> bool:
    """True if Python would recompile the source, because its time or size differs (PEP 552)."""
    state = source.stat()
    stated = b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in (int(state.st_mtime), state.st_size))
    return data[4:8] == bytes(4) and data[8:16] != stated


def _is_compiled_from(text: bytes, code: bytes, level: int) -> bool:
    """True if this Python compiles the source to this bytecode, whatever the path of the source.

    Compares bytes: unmarshalling untrusted bytecode is not safe.
    """
    name = "<a name that no file has>"
    try:
        # Compile an object with a name, like the import system: whether objects are shared shows in the bytes.
        code_object = compile(text, name, "exec", dont_inherit=True, optimize=level)
        expected = marshal.dumps(code_object)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    # Strings of one character are marked as interned depending on what the process has imported.
    expected, code = (re.sub(rb"[\xda\xfa](?=[\x00\x01])", b"\xda", data) for data in (expected, code))
    # The file name is stored once, as one string: type, length, characters. Later uses refer to it.
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
    """Return text that any terminal can print."""
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
        print("fix: vendor it again: `make vendor` with FORCE=1, in the project of the package", file=sys.stderr)
        return 2
    print(f"package   {_printable(document['package'])} {_printable(document['version'])}")
    print(
        f"contract  {_printable(document['contract']['version'])}, sha256 {_printable(document['contract']['sha256'])}"
    )
    print(
        f"needs     Python {_printable(document['requires-python'])}, {_printable(', '.join(document['dependencies']))}"
    )
    if not found:
        print(f"Intact: all {len(document['files']) + 2} files are unchanged.")
        return 0
    print(f"problem: these files of {_printable(str(folder))} have changed:", file=sys.stderr)
    for how, name in found[:MOST_LINES]:
        print(f"  {how:8}  {_printable(name)}", file=sys.stderr)
    if len(found) > MOST_LINES:
        print(f"  ... and {len(found) - MOST_LINES} more", file=sys.stderr)
    fix = "restore it with git, or vendor it again: `make vendor` with FORCE=1, in the project of the package"
    if any(name.endswith(ENDS_ONLY) for _, name in found):
        fix = "keep git from changing line ends, with a line `<folder>/** -text` in .gitattributes; then " + fix
    if any(how == BYTECODE for how, _ in found):
        fix = "delete the `__pycache__` folders: bytecode in them does not match the sources; " + fix
    print(f"fix: {fix}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
