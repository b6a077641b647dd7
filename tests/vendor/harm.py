"""Vendors a copy under conditions that make it fail. A separate process, because they cannot be undone.

python tests/vendor/harm.py full|read-only DEST             an update without disk space, or without write access
python tests/vendor/harm.py SIGKILL|SIGINT exchanged|renamed FOLDER   updates that are interrupted at each step
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "generated"), str(ROOT / "overrides")]

from codegen import PACKAGE, directories, provenance, vendor  # noqa: E402
from codegen.__main__ import main  # noqa: E402


def without_room(dest: Path) -> int:
    # A limit that only the smallest files of the package stay below.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    return main(["vendor", "--force", str(dest)])


def without_access(dest: Path) -> int:
    dest.chmod(0o555)
    if os.geteuid() == 0:
        _drop_capabilities()
    try:
        return main(["vendor", "--force", str(dest)])
    finally:
        dest.chmod(0o755)


def _drop_capabilities() -> None:
    """Drop all capabilities (linux/capability.h, version 3), so that permissions apply to root, too."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError("capset failed")


def interrupted(how: str, swap: str, folder: Path) -> int:
    """Print for each step the state after the interrupt and after the next run: old, new, none or mixture."""
    if swap == "renamed":
        directories.exchange = lambda one, other: False
    source = _package(folder / "source", "new")
    found = []
    step = 0
    while True:
        step += 1
        target = _package(folder / f"{step}/{source.name}", "old")
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _interrupt_at(step, how, target.parent)
            try:
                vendor._update(source, target, True, "")
            except BaseException:
                os._exit(3)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break
        state = _state(target)
        vendor._update(source, target, False, "")
        left = [path.name for path in target.parent.iterdir()]
        found.append((state, _state(target) if left == [target.name] else f"left: {left}"))
    print(json.dumps(found), file=sys.__stdout__)
    return 0


def _package(folder: Path, text: str) -> Path:
    """Make a minimal unedited copy."""
    folder.mkdir(parents=True)
    for name in ("a.py", "b.py"):
        (folder / name).write_text(text)
    files = {path.name: provenance.sha256(path.read_bytes()) for path in folder.iterdir()}
    document = {
        "package": PACKAGE,
        "version": text,
        "contract": {"version": "1.0.0", "sha256": ""},
        "requires-python": "",
        "dependencies": [],
        "files": files,
    }
    described = json.dumps(document).encode()
    (folder / provenance.FILE_NAME).write_bytes(described)
    (folder / provenance.SUMS_NAME).write_bytes(provenance.checksums(described))
    return folder


def _interrupt_at(step: int, how: str, folder: Path) -> None:
    """Interrupt this process at the nth step that changes a folder."""
    left = step

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        changes = event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")
        changes = changes or (event == "open" and arguments[1] not in ("r", "rb"))
        if changes:
            left -= 1
            if left == 0 and how == "SIGKILL":
                os.kill(os.getpid(), signal.SIGKILL)
            if left == 0:
                raise KeyboardInterrupt

    sys.addaudithook(watch)


def _state(target: Path) -> str:
    if not target.exists():
        return "none"
    texts = {(target / name).read_text() for name in ("a.py", "b.py")}
    return texts.pop() if len(texts) == 1 and not vendor._inspect(target, target).edits else "mixture"  # type: ignore[union-attr]


if __name__ == "__main__":
    how, *rest = sys.argv[1:]
    if how == "full":
        sys.exit(without_room(Path(rest[0])))
    if how == "read-only":
        sys.exit(without_access(Path(rest[0])))
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - what the vendoring says
    sys.exit(interrupted(how, rest[0], Path(rest[1])))
