"""The commands, called by the Makefile: `python -m codegen generate`, `verify`, `vendor` and so on.

Exit codes: 0 it holds (generated/ is what the inputs give, a copy is fresh, no client breaks, nothing stands against a
release), 1 it does not, 2 that could not be found out.
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

# What an unchanged contract does not need is imported where it is used: imports are most of what such an answer costs.

# How many lines of a diff `verify` prints; the rest is counted.
MAX_DIFF_LINES = 60

# What to do with files in generated/ that nothing here made.
FOREIGN_FILES_FIX = (
    "move them to overrides/package/ if they belong into the package, else out of generated/ or delete them"
)


def generate(root: Path) -> int:
    """Brings generated/ up to date, as a whole or not at all."""
    inputs = provenance.read_inputs(root)
    if provenance.is_current(root, inputs):
        print("Fresh: generated/ is what openapi.yaml and overrides/ give; nothing to do.")
        return 0

    import shutil
    import tempfile

    from codegen.directories import changed_files, swap

    generated = root / "generated"
    if foreign := _foreign_files(generated):
        raise Problem(
            "generated/ holds files that `make generate` did not make: " + ", ".join(foreign), FOREIGN_FILES_FIX
        )
    # Beside the old one, because only a rename within one file system happens at once.
    work = Path(tempfile.mkdtemp(prefix=".generated-", dir=root))
    try:
        _build(root, work / "new", inputs)
        changed = changed_files(generated, work / "new")
        swap(generated, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for change, name in changed:
        print(f"  {change:8} generated/{name}")
    print(f"Wrote generated/{PACKAGE}: {len(changed)} files differ from before. Review: git diff generated/")
    return 0


def verify(root: Path) -> int:
    """Says whether generated/ is, to the byte, what the inputs give. Writes nothing below the root."""
    import tempfile

    from codegen.directories import changed_files

    inputs = provenance.read_inputs(root)
    generated = root / "generated"
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        new = Path(folder).resolve() / "new"
        _build(root, new, inputs)
        changed = changed_files(generated, new)
        if not changed:
            print("Fresh: generated/ is, to the byte, what openapi.yaml and overrides/ give.")
            return 0
        diff = [line for _, name in changed for line in _diff(generated / name, new / name, name)]
    print("Stale: generated/ is not what openapi.yaml and overrides/ give.\n")
    print("\n".join(escaped(line) for line in diff[:MAX_DIFF_LINES]))
    if len(diff) > MAX_DIFF_LINES:
        print(f"... and {len(diff) - MAX_DIFF_LINES} more lines")
    foreign = _foreign_files(generated)
    print("\nproblem: these files differ from what a regeneration would write:")
    for change, name in changed:
        print(f"  {'foreign' if name in foreign else change:8} generated/{escaped(name)}")
    print(f"fix: {FOREIGN_FILES_FIX}; then make generate" if foreign else "fix: make generate")
    return 1


def _build(root: Path, generated: Path, inputs: dict[str, object]) -> None:
    # openapi-python-client imports them to fetch documents, which it is given here, and they bring a command line: a
    # quarter of all that is spent here.
    stand_ins = {name: ModuleType(name) for name in ("httpcore", "httpx") if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        from codegen.render import build
    finally:
        for name in stand_ins:
            del sys.modules[name]

    build(root, generated, inputs)


def _foreign_files(generated: Path) -> list[str]:
    """Returns the files which nothing here made: they would be lost."""
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


# Each is a function, in this module or in the one named.
COMMANDS = {
    "generate": ("", "rewrite generated/"),
    "verify": ("", "check that generated/ is what `generate` would write"),
    "vendor": ("vendor", "copy the package into a folder of another project, or update it there"),
    "verify-vendor": ("vendor", "check such a copy"),
    "release-check": ("release", "say what stands against a release"),
    "breaking": ("breaking", "say what changed in the contract, and whom it breaks"),
    "drift": ("drift", "compare a deployment's own document with the contract"),
    "lint": ("contract", "check openapi.yaml, its rules and its examples"),
    "docs": ("docs", "write the contract as a page"),
}


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, (_, does) in COMMANDS.items():
        options = commands.add_parser(command, help=does, description=does)
        if "vendor" in command:
            options.add_argument("dest", metavar="DEST", help="the folder that the copy lies in")
            options.add_argument("--name", default=PACKAGE, help="the name of the copy (%(default)s)")
        if command == "vendor":
            options.add_argument("--force", action="store_true", help="replace what was edited, or is no copy")
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
        print("problem: interrupted; what was there is as it was, or replaced as a whole", file=sys.stderr)
        print("fix: run the same command again", file=sys.stderr)
        return 2


if __name__ == "__main__":
    # A process that ends so soon gains nothing from collecting cycles: it is a tenth of what the generators cost.
    gc.disable()
    sys.exit(main())
