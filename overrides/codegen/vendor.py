"""Copies the package into another project, updates the copy, and compares it with this repository.

A copy is replaced as a whole, after the new one is complete and on disk. An interrupted run leaves its files in a
folder beside the copy, which the next run removes.
"""

from __future__ import annotations

import contextlib
import fcntl
import keyword
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from codegen import PACKAGE, ROOT, Problem, provenance
from codegen.directories import changed_files, swap
from codegen.files import read_file
from codegen.text import escaped

# The kind of edit that a rerun of Python restores, so that it may be overwritten.
BYTECODE = "bytecode"

# Files that are listed in a message.
MAX_LISTED = 40


@dataclass(frozen=True)
class Copy:
    """A copy, or whatever else is at its path.

    Attributes:
        document: Its PROVENANCE.json; None if it is not a copy of this package.
        edits: The edited files, as (kind of edit, name); all files if it is not a copy, at least one.
        fresh: Whether it was made from the current state of this repository.
    """

    document: dict[str, Any] | None
    edits: list[tuple[str, str]]
    fresh: bool


def vendor(root: Path, dest: str, name: str, force: bool) -> int:
    """Copy the package into a folder of another project, or update the copy there.

    Args:
        root: This repository.
        dest: The folder that holds the copy. It is created if its parent exists.
        name: The name of the copy.
        force: Whether to replace an edited copy, or a folder that is not a copy.

    Returns:
        0 the copy is up to date, 1 it was not replaced because `force` is missing.

    Raises:
        Problem: The copy cannot be made. The old one is unchanged.
    """
    source = _current_package(root)
    target = _copy_path(root, dest, name, "vendor")
    try:
        made = not target.parent.exists()
        target.parent.mkdir(exist_ok=True)
        try:
            return _update(source, target, force, _command("vendor", dest, name))
        finally:
            if made:
                with contextlib.suppress(OSError):  # not empty after success
                    target.parent.rmdir()
    except OSError as error:
        raise Problem(
            f"{error.filename or target} cannot be written: {error.strerror}; "
            "the old files are unchanged, or completely replaced",
            "free disk space or grant access, then run it again",
        ) from error


def verify_vendor(root: Path, dest: str, name: str) -> int:
    """Report whether a copy is fresh, outdated, edited, or both. Writes nothing.

    Returns:
        0 it is fresh, 1 it is not.

    Raises:
        Problem: There is no copy, or it cannot be read.
    """
    source = _current_package(root)
    target = _copy_path(root, dest, name, "verify-vendor")
    command = _command("vendor", dest, name)
    try:
        copy = _inspect(source, target)
    except OSError as error:
        raise Problem(f"{error.filename} cannot be read: {error.strerror}", "grant access to it") from error
    if copy is None:
        raise Problem(f"there is no copy at {target}", f"make one: {command}")
    if copy.document is None:
        raise Problem(
            f"{target} is not a copy of {PACKAGE}: it has no valid {provenance.FILE_NAME}",
            f"correct DEST or NAME, or replace it: {command} FORCE=1",
        )
    if copy.fresh and not copy.edits:
        print(f"Fresh: {target} is up to date, to the byte: {copy.document['version']}.")
        return 0
    if not copy.fresh:
        print(_outdated(copy.document, _describe(source)))
    if copy.edits and all(how == BYTECODE for how, _ in copy.edits):
        print(f"Unsafe: Python would run these bytecode files of {target}, which were not compiled from its modules:")
        _print_files(copy.edits)
        print("fix: delete them; Python compiles them again")
    elif copy.edits:
        print(f"Edited: these files of {target} were changed:")
        _print_files(copy.edits)
        print("fix: make the change in this repository (see overrides/README.md), or discard it:")
        print(f"     {command} FORCE=1")
    else:
        print(f"fix: {command}")
    return 1


def _update(source: Path, target: Path, force: bool, command: str) -> int:
    with _lock(target.parent):
        work = target.parent / f".{target.name}.vendoring"
        _clean_up(target, work)
        old = _inspect(source, target)
        if old is not None and old.fresh and not old.edits:
            print(f"Fresh: {target} is up to date: {_describe(source)['version']}.")
            return 0
        if old is not None and old.edits and not force and not all(how == BYTECODE for how, _ in old.edits):
            what = "was edited, and the edits" if old.document else f"is not a copy of {PACKAGE}, and its files"
            print(f"problem: {target} {what} would be lost:")
            _print_files(old.edits)
            print(f"fix: save them elsewhere, or discard them: {command} FORCE=1")
            return 1
        files = changed_files(target, source) if old is not None and old.document else []
        entries = _new_changelog_entries(target, source)
        work.mkdir()
        try:
            _copy(source, work / "new")
            swap(target, work)
            _sync(target.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    new = _describe(source)
    if old is None or old.document is None:
        print(f"Wrote {target}: {new['version']}.")
        print(_dependencies_line(new))
        if not (target.parent / "__init__.py").exists():
            print(f"note: {target.parent} has no __init__.py; some tools need one to find packages")
    else:
        print(f"Updated {target}:")
        print(f"  version   {_version_change(old.document['version'], new['version'])}")
        print(f"  contract  {_version_change(old.document['contract']['version'], new['contract']['version'])}", end="")
        same = old.document["contract"]["sha256"] == new["contract"]["sha256"]
        print(" (unchanged)" if same else " (changed)")
        if entries:
            print("  changelog")
        for line in entries:
            print(f"    {line}")
        print("  files")
        _print_files(files, "    ")
        if new["dependencies"] != old.document["dependencies"]:
            print(_dependencies_line(new))
    return 0


def _command(target: str, dest: str, name: str) -> str:
    return f"make {target} DEST={shlex.quote(dest)}" + (f" NAME={name}" if name != PACKAGE else "")


def _current_package(root: Path) -> Path:
    if not provenance.is_current(root, provenance.read_inputs(root)):
        raise Problem("generated/ must be up to date with openapi.yaml and overrides/ (it is stale)", "make generate")
    return root / "generated" / PACKAGE


def _copy_path(root: Path, dest: str, name: str, command: str) -> Path:
    if not dest:
        raise Problem(
            "DEST must be the folder that holds the copy (got nothing)", f"make {command} DEST=../app/src/app/_vendor"
        )
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or keyword.iskeyword(name):
        raise Problem(f"NAME={name} cannot be imported as a package", f"use letters, digits and _, such as {PACKAGE}")
    try:
        # Links in the path are followed; `_inspect` refuses a copy that is a link. Few shells expand ~ in DEST=~/app.
        folder = Path(dest).expanduser().resolve()
        exists = folder.exists()
        is_place = folder.is_dir() if exists else folder.parent.is_dir()
    except (OSError, RuntimeError) as error:
        raise Problem(f"DEST={dest} cannot be read: {error}", "name a folder that you have access to") from error
    if not is_place and exists:
        raise Problem(f"DEST={dest} is not a folder", "name the folder that holds the copy")
    if not is_place:
        fix = (
            f"create it: mkdir -p {shlex.quote(str(folder))}" if command == "vendor" else "name the folder of the copy"
        )
        raise Problem(f"DEST={dest}: there is no folder {folder.parent}", fix)
    target = folder / name
    root = root.resolve()
    if target.is_relative_to(root / "generated") or root.is_relative_to(target):
        raise Problem(f"DEST={dest}: {target} belongs to this repository", "name a folder of your own project")
    return target


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Lock a folder against a second run. The lock ends with the process, even if that is killed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Problem(f"another `make vendor` is running in {folder}", "wait for it, then run it again") from error
        yield
    finally:
        os.close(handle)


def _clean_up(target: Path, work: Path) -> None:
    """Remove the files of an interrupted run. Restores the old copy if there is none."""
    if not os.path.lexists(work):
        return
    if work.is_symlink() or not work.is_dir() or not {path.name for path in work.iterdir()} <= {"old", "new"}:
        raise Problem(f"{work} exists, and is not from an interrupted `make vendor`", "move it elsewhere")
    if not os.path.lexists(target) and os.path.lexists(work / "old"):
        (work / "old").rename(target)
    shutil.rmtree(work)


def _inspect(source: Path, target: Path) -> Copy | None:
    """Return what is at the path of a copy; None if nothing is, or a folder without files."""
    verifier = _copy_verifier()
    if not os.path.lexists(target):
        return None
    if target.is_symlink() or not target.is_dir():
        return Copy(None, [("link" if target.is_symlink() else "file", target.name)], False)
    try:
        document = verifier.read(target)
        if document["package"] == PACKAGE:
            recorded = [read_file(folder / provenance.FILE_NAME) for folder in (target, source)]
            return Copy(document, verifier.differences(target, document), recorded[0] == recorded[1])
    except (ValueError, FileNotFoundError, IsADirectoryError):
        pass
    files = [
        ("file", path.relative_to(target).as_posix())
        for path in sorted(target.rglob("*"))
        if "__pycache__" not in path.relative_to(target).parts and (path.is_symlink() or not path.is_dir())
    ]
    return Copy(None, files, False) if files else None


@cache
def _copy_verifier() -> Any:
    """Return the module that a copy verifies itself with, so that both verify the same way.

    It is compiled from its source: an import would run the bytecode in a `__pycache__`.
    """
    path = ROOT / "overrides/package/__main__.py"
    module = ModuleType("verifier")
    exec(compile(read_file(path), path, "exec"), module.__dict__)
    return module


def _describe(source: Path) -> dict[str, Any]:
    described: dict[str, Any] = _copy_verifier().read(source)
    return described


def _copy(source: Path, target: Path) -> None:
    """Copy the package, and flush it to disk."""
    target.mkdir()
    for name, path in provenance.files_below(source):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(path.read_bytes())
            file.flush()
            os.fsync(file.fileno())
    for folder, _, _ in os.walk(target):
        _sync(Path(folder))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _new_changelog_entries(old: Path, new: Path) -> list[str]:
    """Return the changelog entries that only the new copy has."""
    entries = []
    for folder in (old, new):
        try:
            text = read_file(folder / "CHANGELOG.md").decode(errors="replace")
        except OSError:
            text = ""
        entries.append(re.findall(r"^- .*(?:\n  .*)*", text, flags=re.MULTILINE))
    before, after = entries
    return [line for entry in after if entry not in before for line in entry.splitlines()]


def _dependencies_line(document: dict[str, Any]) -> str:
    return f"Install its dependencies: pip install {' '.join(map(shlex.quote, document['dependencies']))}"


def _version_change(old: str, new: str) -> str:
    return new if old == new else f"{escaped(old, 60)} -> {new}"


def _outdated(old: dict[str, Any], new: dict[str, Any]) -> str:
    here = f"this repository has {new['version']}"
    version = escaped(old["version"], 60)
    if old["version"] == new["version"]:
        return f"Outdated: the copy is {version}, and {here} with other content."
    if _version_key(old["version"]) > _version_key(new["version"]):
        return f"Newer: the copy is {version}, {here}: update this clone first."
    return f"Outdated: the copy is {version}, {here}."


def _version_key(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]{1,9}", version[:60])]


def _print_files(files: list[tuple[str, str]], indent: str = "  ") -> None:
    for how, name in files[:MAX_LISTED]:
        print(f"{indent}{how:8}  {ascii(name)[1:-1]}")
    if len(files) > MAX_LISTED:
        print(f"{indent}... and {len(files) - MAX_LISTED} more")
