"""The commands: `python -m codegen generate` and `python -m codegen verify`, called by the Makefile.

Exit codes: 0 generated/ is (now) what the inputs give, 1 it is not, 2 that could not be found out.
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import sys
import tempfile
from pathlib import Path

from codegen import PACKAGE, ROOT, Problem, provenance

# How many lines of a diff `verify` prints; the rest is counted.
DIFF_LINES = 60


def generate(root: Path) -> int:
    """Brings generated/ up to date, as a whole or not at all."""
    inputs = provenance.read_inputs(root)
    if provenance.is_current(root):
        print("Fresh: generated/ is what openapi.yaml and overrides/ give; nothing to do.")
        return 0
    generated = root / "generated"
    _refuse_foreign_files(generated)
    # Beside the old one, because only a rename within one file system happens at once.
    work = Path(tempfile.mkdtemp(prefix=".generated-", dir=root))
    try:
        _build(root, work / "new", inputs)
        changes = list(_changes(generated, work / "new"))
        _swap(generated, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for change, name in changes:
        print(f"  {change:8} generated/{name}")
    print(f"Wrote generated/{PACKAGE}: {len(changes)} files differ from before. Review: git diff generated/")
    return 0


def verify(root: Path) -> int:
    """Says whether generated/ is, to the byte, what the inputs give. Writes nothing below the root."""
    inputs = provenance.read_inputs(root)
    generated = root / "generated"
    with tempfile.TemporaryDirectory(prefix="codegen-") as folder:
        new = Path(folder).resolve() / "new"
        _build(root, new, inputs)
        changes = list(_changes(generated, new))
        if not changes:
            print("Fresh: generated/ is, to the byte, what openapi.yaml and overrides/ give.")
            return 0
        diff = [line for _, name in changes for line in _diff(generated / name, new / name, name)]
    print("Stale: generated/ is not what openapi.yaml and overrides/ give.\n")
    print("\n".join(diff[:DIFF_LINES]))
    if len(diff) > DIFF_LINES:
        print(f"... and {len(diff) - DIFF_LINES} more lines")
    print("\nproblem: these files differ from what a regeneration would write:")
    for change, name in changes:
        print(f"  {change:8} generated/{name}")
    print("fix: make generate")
    return 1


def _build(root: Path, generated: Path, inputs: dict[str, object]) -> None:
    # Imported late: the generators take a second, and an unchanged contract is to be answered at once.
    from codegen.render import build

    build(root, generated, inputs)


def _refuse_foreign_files(generated: Path) -> None:
    """Refuses to replace a generated/ that holds files which nothing here made: they would be lost."""
    foreign = [
        name for name, path in provenance.files_below(generated) if b"`make generate`" not in path.read_bytes()[:200]
    ]
    if foreign:
        raise Problem(
            "generated/ holds files that `make generate` did not make: " + ", ".join(foreign),
            "move them to overrides/package/ if they belong into the package, else out of generated/ or delete them",
        )


def _changes(old: Path, new: Path) -> list[tuple[str, str]]:
    before = dict(provenance.files_below(old))
    after = dict(provenance.files_below(new))
    return [
        ("removed" if name not in after else "added" if name not in before else "changed", name)
        for name in sorted(before.keys() | after.keys())
        if name not in after or name not in before or before[name].read_bytes() != after[name].read_bytes()
    ]


def _diff(old: Path, new: Path, name: str) -> list[str]:
    before, after = (
        path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else [] for path in (old, new)
    )
    return list(difflib.unified_diff(before, after, f"generated/{name}", f"regenerated/{name}", lineterm=""))


def _swap(generated: Path, work: Path) -> None:
    if not generated.exists():
        (work / "new").rename(generated)
        return
    generated.rename(work / "old")
    try:
        (work / "new").rename(generated)
    except BaseException:  # an interrupt too
        (work / "old").rename(generated)
        raise


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    commands = {"generate": generate, "verify": verify}
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("command", choices=commands)
    command = commands[parser.parse_args(arguments).command]
    try:
        return command(root)
    except Problem as problem:
        print(f"problem: {problem.what}\nfix: {problem.fix}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("problem: interrupted; generated/ is as it was\nfix: run the same command again", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
