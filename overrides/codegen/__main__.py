"""The commands that the Makefile calls: `python -m codegen generate`, `verify`, `vendor` and so on.

Exit codes: 0 success (generated/ is up to date, the copy is fresh, no client breaks, the release is ready), 1 the
opposite, 2 an error.
"""

from __future__ import annotations

import argparse
import gc
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from codegen import PACKAGE, ROOT, Problem, provenance
from codegen.files import read_file
from codegen.text import escaped

# Heavy imports are local: without them, `generate` answers an unchanged contract at once.

# Lines of a diff that `verify` prints.
MAX_DIFF_LINES = 60

FOREIGN_FILES_FIX = "move them to overrides/package/ if they belong to the package; else move or delete them"


def generate(root: Path) -> int:
    """Bring generated/ up to date. If anything fails, it stays as it was."""
    inputs = provenance.read_inputs(root)
    if provenance.is_current(root, inputs):
        print("Fresh: generated/ is up to date with openapi.yaml and overrides/.")
        return 0

    import shutil
    import tempfile

    from codegen.directories import changed_files, swap

    generated = root / "generated"
    if foreign := _foreign_files(generated):
        raise Problem(
            "generated/ has files that `make generate` did not write: " + ", ".join(foreign), FOREIGN_FILES_FIX
        )
    # In the same file system as generated/: only there is a rename atomic.
    work = Path(tempfile.mkdtemp(prefix=".generated-", dir=root))
    try:
        _build(root, work / "new", inputs)
        changed = changed_files(generated, work / "new")
        swap(generated, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for change, name in changed:
        print(f"  {change:8} generated/{name}")
    print(f"Wrote generated/{PACKAGE}: {len(changed)} files changed. Review: git diff generated/")
    return 0


def verify(root: Path) -> int:
    """Generate into a temporary folder and compare it with generated/, byte by byte. Writes nothing below the root."""
    import tempfile

    from codegen.directories import changed_files

    inputs = provenance.read_inputs(root)
    generated = root / "generated"
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        new = Path(folder).resolve() / "new"
        _build(root, new, inputs)
        changed = changed_files(generated, new)
        if not changed:
            print("Fresh: generated/ is up to date with openapi.yaml and overrides/, to the byte.")
            return 0
        diff = [line for _, name in changed for line in _diff(generated / name, new / name, name)]
    print("Stale: generated/ is not up to date with openapi.yaml and overrides/.\n")
    print("\n".join(escaped(line) for line in diff[:MAX_DIFF_LINES]))
    if len(diff) > MAX_DIFF_LINES:
        print(f"... and {len(diff) - MAX_DIFF_LINES} more lines")
    foreign = _foreign_files(generated)
    print("\nproblem: these files differ from what `make generate` would write:")
    for change, name in changed:
        print(f"  {'foreign' if name in foreign else change:8} generated/{escaped(name)}")
    print(f"fix: {FOREIGN_FILES_FIX}; then make generate" if foreign else "fix: make generate")
    return 1


def _build(root: Path, generated: Path, inputs: dict[str, object]) -> None:
    # openapi-python-client imports httpx only to fetch documents by URL, which the driver never does. Empty modules in
    # its place save a quarter of the time. An upgrade that needs more of them fails here, at the import.
    stand_ins = {name: ModuleType(name) for name in ("httpcore", "httpx") if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        from codegen.render import build
    finally:
        for name in stand_ins:
            del sys.modules[name]

    build(root, generated, inputs)


def _foreign_files(generated: Path) -> list[str]:
    """Return the files that the driver did not write, which a swap would delete."""
    unmarked = {f"{PACKAGE}/{name}" for name in provenance.UNMARKED}
    return [name for name, path in provenance.files_below(generated) if name not in unmarked and not _is_marked(path)]


def _is_marked(path: Path) -> bool:
    try:
        return not path.is_symlink() and b"`make generate`" in read_file(path)[:200]
    except OSError:
        return False


def _diff(old: Path, new: Path, name: str) -> list[str]:
    import difflib

    before, after = (_read_text(path).splitlines() for path in (old, new))
    return list(difflib.unified_diff(before, after, f"generated/{name}", f"regenerated/{name}", lineterm=""))


def _read_text(path: Path) -> str:
    try:
        return read_file(path).decode(errors="replace")
    except OSError:
        return ""


# By command: the module of its function (this one if empty), and the help text.
COMMANDS = {
    "generate": ("", "rewrite generated/"),
    "verify": ("", "check that generated/ is up to date"),
    "vendor": ("vendor", "copy the package into another project, or update the copy"),
    "verify-vendor": ("vendor", "check a copy"),
    "release-check": ("release", "check that the working tree can be released"),
    "breaking": ("breaking", "list the changes of the contract, and whom each one breaks"),
    "drift": ("drift", "compare a deployment's own document with the contract"),
    "lint": ("contract", "check openapi.yaml, its rules and its examples"),
    "docs": ("docs", "write the contract as an HTML page"),
}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, (_, does) in COMMANDS.items():
        options = commands.add_parser(command, help=does, description=does)
        if "vendor" in command:
            options.add_argument("dest", metavar="DEST", help="the folder that holds the copy")
            options.add_argument("--name", default=PACKAGE, help="the name of the copy (%(default)s)")
        if command == "vendor":
            options.add_argument("--force", action="store_true", help="replace an edited copy, or another folder")
    given = vars(parser.parse_args(arguments))
    command = given.pop("command")
    module, name = COMMANDS[command][0], command.replace("-", "_")
    try:
        function = getattr(import_module(f"codegen.{module}"), name) if module else globals()[name]
        return int(function(root, **given))
    except Problem as problem:
        print(problem.report(), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("problem: interrupted; the old files are unchanged, or completely replaced", file=sys.stderr)
        print("fix: run the same command again", file=sys.stderr)
        return 2


if __name__ == "__main__":
    # The process is short-lived. Garbage collection would take a tenth of its time.
    gc.disable()
    sys.exit(main())
