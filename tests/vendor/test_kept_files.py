"""`make vendor` keeps edited copies and files of others. FORCE=1 replaces what is at the path of the copy."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen import PACKAGE, ROOT
from ks_workflow_runs import __main__ as judging
from tests.codegen.trees import contents, replace
from tests.vendor.conftest import Consumer, everything

pytestmark = pytest.mark.sampled(6)

GENERATED = ROOT / "generated" / PACKAGE


# --- copies that were edited ----------------------------------------------------------------------------------------


def _edit(copy: Path) -> None:
    replace(copy / "models.py", "total:", "totals:")


def _line_ends(copy: Path) -> None:
    (copy / "errors.py").write_bytes((copy / "errors.py").read_bytes().replace(b"\n", b"\r\n"))


def _delete(copy: Path) -> None:
    (copy / "api/__init__.py").unlink()


def _add(copy: Path) -> None:
    (copy / "api/notes.txt").write_text("mine\n")


def _add_strange(copy: Path) -> None:
    (copy / os.fsdecode(b"\xff\x1b[2J\n")).write_text("mine\n")


def _link_file(copy: Path) -> None:
    (copy / "types.py").rename(copy.parent / "elsewhere.py")
    (copy / "types.py").symlink_to(copy.parent / "elsewhere.py")


def _link_folder(copy: Path) -> None:
    (copy / "api").rename(copy.parent / "elsewhere")
    (copy / "api").symlink_to(copy.parent / "elsewhere")


def _pipe(copy: Path) -> None:
    (copy / "types.py").unlink()
    os.mkfifo(copy / "types.py")


def _edit_provenance(copy: Path) -> None:
    replace(copy / "PROVENANCE.json", '"requires-python": ">=', '"requires-python": ">')


def _edit_sums(copy: Path) -> None:
    replace(copy / "SHA256SUMS", "models.py", "modles.py")


EDITS = {
    "edited": (_edit, "edited    models.py\n"),
    "line ends": (_line_ends, "edited    errors.py (line ends only)\n"),
    "deleted": (_delete, "missing   api/__init__.py\n"),
    "added": (_add, "extra     api/notes.txt\n"),
    "added, with a strange name": (_add_strange, r"extra     \udcff\x1b[2J\n" + "\n"),
    "a link to the same file": (_link_file, "no file   types.py\n"),
    "a link to the same folder": (_link_folder, "no file   api\n"),
    "a pipe": (_pipe, "no file   types.py\n"),
    "provenance": (_edit_provenance, "PROVENANCE.json, which contradict each other\n"),
    "sums": (_edit_sums, "SHA256SUMS or"),
}


@pytest.mark.parametrize("case", EDITS)
def test_edited_copy_is_reported_and_kept(consumer: Consumer, capsys: pytest.CaptureFixture[str], case: str) -> None:
    edit, named = EDITS[case]
    consumer.call("vendor")
    assert judging.main(consumer.copy) == 0
    assert "Intact: " in capsys.readouterr().out
    edit(consumer.copy)
    before = everything(consumer.dest) if edit is not _pipe else {}
    code, out, _ = consumer.call("verify-vendor")
    assert code == 1 and "Edited: " in out and named in out and "fix: " in out
    assert ("Outdated: " in out) == (edit is _edit_provenance)
    code, out, _ = consumer.call("vendor")
    assert code == 1 and out.startswith(f"problem: {consumer.copy} was edited") and named in out
    assert f"fix: save them elsewhere, or discard them: make vendor DEST='{consumer.dest}' FORCE=1" in out
    # The copy alone.
    assert judging.main(consumer.copy) == 1
    err = capsys.readouterr().err
    assert named in err and "fix: " in err and ("-text" in err) == (edit is _line_ends)
    if before:
        assert everything(consumer.dest) == before
    code, out, _ = consumer.call("vendor", "--force")
    assert code == 0 and out.startswith("Updated ")
    assert contents(consumer.copy) == contents(GENERATED) and judging.main(consumer.copy) == 0
    assert {path.name for path in consumer.dest.iterdir()} <= {PACKAGE, "elsewhere", "elsewhere.py"}
    for elsewhere in consumer.dest.glob("elsewhere*"):
        assert elsewhere.is_dir() == (edit is _link_folder) and (elsewhere.is_file() or any(elsewhere.iterdir()))


# --- what is no copy ------------------------------------------------------------------------------------------------


def _folder(copy: Path) -> None:
    (copy / "mine").mkdir(parents=True)
    (copy / "mine/a.py").write_text("x = 1\n")


def _file(copy: Path) -> None:
    copy.write_text("mine\n")


def _link(copy: Path) -> None:
    shutil.copytree(GENERATED, copy.parent / "mine")
    copy.symlink_to("mine")


def _dangling_link(copy: Path) -> None:
    copy.symlink_to("mine")


def _no_provenance(copy: Path) -> None:
    shutil.copytree(GENERATED, copy)
    (copy / "PROVENANCE.json").write_text('{"package": 3}')


def _other_package(copy: Path) -> None:
    shutil.copytree(GENERATED, copy)
    replace(copy / "PROVENANCE.json", f'"package": "{PACKAGE}"', '"package": "mine"')


FOREIGN = {
    "a folder": (_folder, "file      mine/a.py"),
    "a file": (_file, f"file      {PACKAGE}"),
    "a link": (_link, f"link      {PACKAGE}"),
    "a dangling link": (_dangling_link, f"link      {PACKAGE}"),
    "a copy that says nothing of itself": (_no_provenance, "file      PROVENANCE.json"),
    "a copy of another package": (_other_package, "file      PROVENANCE.json"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_other_files_at_the_path_are_kept(consumer: Consumer, case: str) -> None:
    make, named = FOREIGN[case]
    consumer.dest.mkdir()
    (consumer.dest / "__init__.py").touch()
    make(consumer.copy)
    before = everything(consumer.dest)
    code, out, _ = consumer.call("vendor")
    assert code == 1 and out.startswith(f"problem: {consumer.copy} is not a copy of {PACKAGE}") and named in out
    assert out.splitlines()[-1].startswith("fix: ") and out.endswith("FORCE=1\n")
    code, _, err = consumer.call("verify-vendor")
    assert code == 2 and "is not a copy of" in err and "fix: " in err
    assert everything(consumer.dest) == before
    code, out, _ = consumer.call("vendor", "--force")
    assert code == 0 and out.startswith("Wrote ") and "note: " not in out
    assert contents(consumer.copy) == contents(GENERATED) and not consumer.copy.is_symlink()
    # Files beside it, and the target of a link, are unchanged.
    after = everything(consumer.dest)
    assert {name: after.get(name) for name in before if not name.startswith(PACKAGE)} == {
        name: found for name, found in before.items() if not name.startswith(PACKAGE)
    }


def test_folder_without_files_is_replaced(consumer: Consumer) -> None:
    (consumer.copy / "__pycache__").mkdir(parents=True)
    (consumer.copy / "__pycache__/models.pyc").touch()
    assert consumer.call("verify-vendor")[0] == 2
    assert consumer.call("vendor")[0] == 0
    assert contents(consumer.copy) == contents(GENERATED)


@pytest.mark.parametrize("make", [_folder, _file, _dangling_link])
def test_other_files_at_the_work_path_are_kept(consumer: Consumer, make: Callable[[Path], None]) -> None:
    consumer.dest.mkdir()
    make(consumer.dest / f".{PACKAGE}.vendoring")
    before = everything(consumer.dest)
    code, _, err = consumer.call("vendor", "--force")
    assert code == 2 and "is not from an interrupted" in err
    assert everything(consumer.dest) == before


def test_make_takes_any_path_and_no_name_from_the_environment(consumer: Consumer) -> None:
    dest = consumer.dest.with_name("$HOME 'quoted'")
    environment = {**os.environ, "NAME": "MACHINE", "DEST": str(dest)}

    def make(*arguments: str) -> int:
        return subprocess.run(
            ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        ).returncode

    assert make("vendor") == 0
    assert [path.name for path in dest.iterdir()] == [PACKAGE]
    _edit(dest / PACKAGE)
    assert make("vendor", "FORCE=0") == 2
    assert make("vendor", "FORCE=1") == 0
    assert make("verify-vendor", "NAME=other") == 2
