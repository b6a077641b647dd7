"""Attacks on the verification of a copy, by itself and by `make verify-vendor`."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen import PACKAGE, ROOT
from tests.codegen.trees import replace
from tests.vendor.conftest import Consumer

pytestmark = pytest.mark.sampled(5)

HOOK = f"app/_vendor/{PACKAGE}/__main__.py"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package at the path of the example project, in the folder with `app`."""
    copy = tmp_path / "app/_vendor" / PACKAGE
    copy.parent.mkdir(parents=True)
    shutil.copytree(ROOT / "generated" / PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A timeout is a failure.
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy.parents[2],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def verify(copy: Path) -> subprocess.CompletedProcess[str]:
    """Run the command of the client's README and of the example project."""
    return run(copy, "-I", HOOK)


# --- bytecode ---------------------------------------------------------------------------------------------------------


def poison(copy: Path, module: str, mode: py_compile.PycInvalidationMode) -> Path:
    """Add bytecode that Python runs in place of a module, and that creates a file when it runs."""
    source = copy / f"{module}.py"
    state, data = source.stat(), source.read_bytes()
    lines = f"open({str(copy.parents[2] / 'ran')!r}, 'a').close()\n".encode()
    source.write_bytes(data + lines)
    cached = py_compile.compile(str(source), doraise=True, invalidation_mode=mode)
    source.write_bytes(data)
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert cached is not None
    path = Path(cached)
    code = path.read_bytes()
    if mode is py_compile.PycInvalidationMode.TIMESTAMP:
        stamp = int(state.st_mtime).to_bytes(4, "little") + state.st_size.to_bytes(4, "little")
    else:
        stamp = importlib.util.source_hash(data)
    path.write_bytes(code[:8] + stamp + code[16:])
    return path


MODES = list(py_compile.PycInvalidationMode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("module", ["__init__", "__main__", "models", "api/__init__"])
def test_poisoned_bytecode_is_reported_and_not_run(
    copy: Path, consumer: Consumer, module: str, mode: py_compile.PycInvalidationMode
) -> None:
    path = poison(copy, module, mode)
    named = f"  bytecode  {path.relative_to(copy).as_posix()}\n"
    done = verify(copy)
    assert done.returncode == 1 and named in done.stderr and "Intact" not in done.stdout
    assert "fix: delete the `__pycache__` folders" in done.stderr
    code, out, _ = consumer.call("verify-vendor", dest=copy.parent)
    assert code == 1 and named in out and "Fresh" not in out and "Edited" not in out and "fix: delete them" in out
    ran = copy.parents[2] / "ran"
    assert not ran.exists()
    if module == "models":
        # `python -m` does not run it first.
        done = run(copy, "-m", f"app._vendor.{PACKAGE}")
        assert done.returncode == 1 and named in done.stderr and not ran.exists()
    # The bytecode does run.
    run(copy, "-c", f"import app._vendor.{PACKAGE}.{module.replace('/', '.')}")
    assert ran.exists()
    # Bytecode is replaced without FORCE.
    code, out, _ = consumer.call("vendor", dest=copy.parent)
    assert code == 0 and not path.exists() and verify(copy).returncode == 0


def test_cache_of_another_python_is_reported(copy: Path) -> None:
    path = poison(copy, "models", py_compile.PycInvalidationMode.UNCHECKED_HASH)
    other = path.with_name("models.cpython-399.pyc")
    path.rename(other)
    other.write_bytes(b"\x00\x00\r\n" + other.read_bytes()[4:])
    done = verify(copy)
    assert done.returncode == 1 and "bytecode  __pycache__/models.cpython-399.pyc" in done.stderr


def test_valid_caches_are_ignored(copy: Path) -> None:
    imports = f"import app._vendor.{PACKAGE} as ks; ks.iter_workflow_runs"
    assert run(copy, "-c", imports).returncode == 0
    for options in ((), ("-O",), ("-OO",)):
        assert run(copy, *options, "-m", "compileall", "-q", "app").returncode == 0
    assert len(list(copy.rglob("*.pyc"))) > 20
    assert verify(copy).returncode == 0
    # Compiled in another folder, with the mode that never checks the source.
    moved = copy.parents[2] / ("moved-" + "x" * 200 + "ü")
    mode = ["--invalidation-mode", "unchecked-hash"]
    assert run(copy, "-m", "compileall", "-q", "-f", *mode, str(copy)).returncode == 0
    copy.rename(moved)
    assert run(copy, "-I", str(moved / "__main__.py")).returncode == 0
    moved.rename(copy)
    # Bytecode of an edited file is not reported separately.
    replace(copy / "types.py", "\n", "\n\n")
    assert "  edited    types.py\n" in verify(copy).stderr and "\n  bytecode" not in verify(copy).stderr


# --- foreign files ----------------------------------------------------------------------------------------------------


def _write(name: str) -> Callable[[Path], object]:
    def write(copy: Path) -> None:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(b"x")

    return write


def _socket(copy: Path) -> None:
    # The path of a socket must be short.
    here = Path.cwd()
    os.chdir(copy)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("sock")
    finally:
        os.chdir(here)


def _cached_pipe(copy: Path) -> None:
    (copy / "__pycache__").mkdir()
    os.mkfifo(copy / "__pycache__/models.cpython-311.pyc")


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "bytecode without a source": (_write("other.pyc"), "other.pyc"),
    "bytecode in the place of a module": (_write("models.pyc"), "models.pyc"),
    "an extension": (_write("models.cpython-311-x86_64-linux-gnu.so"), "models.cpython-311-x86_64-linux-gnu.so"),
    "a path file": (_write("x.pth"), "x.pth"),
    "a hidden file": (_write(".hidden"), ".hidden"),
    "a module": (_write("requests.py"), "requests.py"),
    "a package": (_write("models/__init__.py"), "models/__init__.py"),
    "an empty folder": (lambda copy: (copy / "models").mkdir(), "models/"),
    "a hidden folder": (lambda copy: (copy / "api/.git").mkdir(), "api/.git/"),
    "a link to nothing": (lambda copy: (copy / "x.py").symlink_to("nowhere"), "x.py"),
    "a link to a folder": (lambda copy: (copy / "x").symlink_to("/"), "x"),
    "a pipe": (lambda copy: os.mkfifo(copy / "x.py"), "x.py"),
    "a socket": (_socket, "sock"),
    "a file among the caches": (_write("__pycache__/x.txt"), "__pycache__/x.txt"),
    "a cache of no source": (_write("__pycache__/x.cpython-311.pyc"), "__pycache__/x.cpython-311.pyc"),
    "a module among the caches": (_write("__pycache__/x.py"), "__pycache__/x.py"),
    "a folder among the caches": (_write("api/__pycache__/__pycache__"), "api/__pycache__/__pycache__"),
    "a link in the place of the caches": (lambda copy: (copy / "__pycache__").symlink_to("/tmp"), "__pycache__"),
    "a file in the place of the caches": (_write("api/__pycache__"), "api/__pycache__"),
    "a pipe in the place of a cache": (
        _cached_pipe,
        "__pycache__/models.cpython-311.pyc",
    ),
    "a strange name": (_write(os.fsdecode(b"\xff\x1b[2J\n")), r"\udcff\x1b[2J\n"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_file_of_any_kind_is_reported(copy: Path, consumer: Consumer, case: str) -> None:
    make, name = FOREIGN[case]
    make(copy)
    done = verify(copy)
    assert done.returncode == 1 and f"  extra     {name}\n" in done.stderr and "Intact" not in done.stdout
    code, out, _ = consumer.call("verify-vendor", dest=copy.parent)
    assert code == 1 and f"  extra     {name}\n" in out
    assert consumer.call("vendor", dest=copy.parent)[0] == 1
    assert consumer.call("vendor", "--force", dest=copy.parent)[0] == 0
    assert verify(copy).returncode == 0


def test_many_foreign_files_are_counted(copy: Path) -> None:
    for number in range(100):
        (copy / f"{number}.txt").touch()
    done = verify(copy)
    assert done.returncode == 1 and done.stderr.count("extra") == 40 and "... and 60 more" in done.stderr


def test_verifier_runs_as_a_file_without_options(copy: Path) -> None:
    """Python then searches the folder of the file for modules, which has a `types.py`."""
    done = run(copy, HOOK)
    assert (done.returncode, done.stderr) == (0, "") and "Intact: " in done.stdout


# --- what it says of itself -------------------------------------------------------------------------------------------


def _json(**changes: object) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        document = json.loads(path.read_bytes())
        path.write_text(json.dumps({**document, **changes}))

    return write


def _text(text: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text if isinstance(text, bytes) else text.encode())


def _instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def replace_by(path: Path) -> None:
        path.unlink()
        make(path)

    return replace_by


def _socket_at(path: Path) -> None:
    _socket(path.parent)
    (path.parent / "sock").rename(path)


def _link_to_pipe(path: Path) -> None:
    os.mkfifo(f"{path}.pipe")
    path.symlink_to(f"{path}.pipe")


HOSTILE: dict[str, Callable[[Path], object]] = {
    "a pipe": _instead(os.mkfifo),
    "a socket": _instead(_socket_at),
    "an endless device": _instead(lambda path: path.symlink_to("/dev/zero")),
    "a link to a pipe": _instead(_link_to_pipe),
    "a link to itself": _instead(lambda path: path.symlink_to(path)),
    "a folder": _instead(Path.mkdir),
    "nothing": Path.unlink,
    "20 GB of nothing": lambda path: os.truncate(path, 20 * 2**30),
    "deep lists": _text("[" * 200_000),
    "deep objects": _text('{"a":' * 200_000 + "1" + "}" * 200_000),
    "a long number": _text('{"contract": ' + "9" * 1_000_000 + "}"),
    "not UTF-8": _text(b"\xff\xfe\xfd"),
    "a list": _text("[]"),
    "nothing in it": _text(""),
    "no number": _text("NaN"),
    "a lone surrogate in the name of a file": _json(files={"\ud800": ""}),
    "a number instead of a text": _json(version=1),
    "a number of files": _json(files=7),
    "a list of numbers as dependencies": _json(dependencies=[1]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_provenance_is_one_error(copy: Path, consumer: Consumer, case: str) -> None:
    HOSTILE[case](copy / "PROVENANCE.json")
    done = verify(copy)
    assert (done.returncode, done.stdout) == (2, "")
    problem, fix, end = done.stderr.split("\n")
    assert problem.startswith("problem: ") and "cannot be verified: PROVENANCE.json: " in problem
    assert fix.startswith("fix: ") and end == "" and problem.isascii() and problem.isprintable()
    code, out, err = consumer.call("verify-vendor", dest=copy.parent)
    assert code == 2 and out == "" and err.count("\n") == 2 and "is not a copy of" in err
    assert consumer.call("vendor", "--force", dest=copy.parent)[0] == 0
    assert verify(copy).returncode == 0


@pytest.mark.parametrize("text", ["\x1b]0;x\x07\x1b[2J", "\ud800", "\u202egnp", "x" * 10_000, "1" * 10_000, "a\nb"])
def test_provenance_is_escaped_in_output(copy: Path, consumer: Consumer, text: str) -> None:
    contract = {"version": text, "sha256": text}
    _json(version=text, contract=contract, dependencies=[text], **{"requires-python": text})(copy / "PROVENANCE.json")
    done = verify(copy)
    assert done.returncode == 1 and "which contradict each other" in done.stderr
    _, out, _ = consumer.call("verify-vendor", dest=copy.parent)
    _, updated, _ = consumer.call("vendor", "--force", dest=copy.parent)
    for line in (*done.stdout.splitlines(), *out.splitlines(), *updated.splitlines()):
        assert line.isprintable() and len(line) < 500
    assert len(done.stdout.splitlines()) == 3
