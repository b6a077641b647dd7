"""`make vendor` and `make verify-vendor`: a copy, its updates, invalid arguments, and interrupted runs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codegen import PACKAGE, ROOT
from codegen.__main__ import main
from ks_workflow_runs import __main__ as judging
from tests.codegen.trees import VERSION, contents, replace, set_contract_version
from tests.vendor.conftest import Consumer, everything

pytestmark = pytest.mark.sampled(6)

GENERATED = ROOT / "generated" / PACKAGE


# --- a copy, and its updates ----------------------------------------------------------------------------------------


def test_first_run_makes_a_complete_copy(consumer: Consumer) -> None:
    code, out, err = consumer.call("vendor")
    assert code == 0 and out.startswith(f"Wrote {consumer.copy}: ") and "has no __init__.py" in out and err == ""
    assert "\nInstall its dependencies: pip install 'httpx2>=" in out
    assert contents(consumer.copy) == contents(GENERATED)
    assert {"LICENSE", "CHANGELOG.md", "README.md", "py.typed", "PROVENANCE.json"} <= contents(consumer.copy).keys()
    assert [path.name for path in consumer.dest.iterdir()] == [PACKAGE]
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=consumer.copy, check=True)


def test_readme_of_the_copy_has_version_and_dependencies(consumer: Consumer) -> None:
    consumer.call("vendor")
    provenance = judging.read(consumer.copy)
    assert len(provenance["dependencies"]) == 2
    readme = (consumer.copy / "README.md").read_text()
    assert all(text in readme for text in (provenance["version"], *provenance["dependencies"]))


def test_second_run_changes_nothing(consumer: Consumer) -> None:
    consumer.call("vendor")
    before = everything(consumer.dest)
    (consumer.copy / "__pycache__").mkdir()
    (consumer.copy / "__pycache__/models.pyc").write_bytes(b"cached")
    code, out, _ = consumer.call("vendor")
    assert code == 0 and out.startswith("Fresh: ")
    shutil.rmtree(consumer.copy / "__pycache__")
    assert everything(consumer.dest) == before
    code, out, _ = consumer.call("verify-vendor")
    assert code == 0 and out.startswith("Fresh: ")


def test_update_lists_changes_and_removes_old_files(consumer: Consumer, tree: Path) -> None:
    module = tree / "overrides/package/extra.py"
    module.write_text('"""A module that the next version has not."""\n')
    assert main(["generate"], tree) == 0
    consumer.call("vendor", root=tree)
    first = judging.read(consumer.copy)["version"]
    shutil.copytree(consumer.copy, consumer.dest / "other")

    module.unlink()
    set_contract_version(tree, "9.1.0")
    replace(tree / "openapi.yaml", "maximum: 100", "maximum: 250")
    replace(tree / "CHANGELOG.md", "### Contract\n", "### Contract\n\n- `limit` may be as much\n  as 250.\n")
    replace(tree / "overrides/client.yaml", f"_override: {first.partition('+')[0]}", "_override: 7.0.0")
    assert main(["generate"], tree) == 0
    second = "7.0.0+contract.9.1.0"

    consumer.call("verify-vendor", root=tree)  # drops what the driver said
    code, out, _ = consumer.call("verify-vendor", root=tree)
    assert code == 1 and out.startswith(
        f"Outdated: the copy is {first}, this repository has {second}.\nfix: make vendor"
    )
    (consumer.dest / "other/extra.py").write_text("")
    code, out, _ = consumer.call("verify-vendor", "--name", "other", root=tree)
    assert code == 1 and out.startswith("Outdated: ") and "Edited: these files" in out and "extra.py" in out
    code, out, _ = consumer.call("verify-vendor", "--name", "other")
    assert code == 1 and out.startswith("Outdated: ") and "other content" in out

    code, out, _ = consumer.call("vendor", root=tree)
    assert code == 0
    assert f"version   {first} -> {second}" in out and f"contract  {VERSION} -> 9.1.0 (changed)" in out
    assert "    - `limit` may be as much\n      as 250.\n" in out and out.count("    - ") == 1
    listed = {
        tuple(line.split()) for line in out.splitlines() if line.startswith(("    changed", "    removed", "    added"))
    }
    api = "api/workflow_definitions/list_workflow_runs.py"
    assert {("removed", "extra.py"), ("changed", api), ("changed", "CHANGELOG.md")} <= listed
    assert ("changed", "models.py") not in listed
    assert contents(consumer.copy) == contents(tree / "generated" / PACKAGE)

    code, out, _ = consumer.call("verify-vendor")
    assert code == 1 and out.startswith(f"Newer: the copy is {second}, this repository has {first}: update this clone")


def test_links_in_the_path_are_followed(consumer: Consumer) -> None:
    real = consumer.dest.with_name("real")
    real.mkdir()
    consumer.dest.symlink_to(real)
    assert consumer.call("vendor")[0] == 0
    assert contents(real / PACKAGE) == contents(GENERATED) and consumer.dest.is_symlink()


def test_missing_copy_is_an_error(consumer: Consumer, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = consumer.call("verify-vendor")
    assert code == 2 and out == "" and "there is no copy" in err
    assert err.endswith(f"fix: make one: make vendor DEST='{consumer.dest}'\n")
    assert not consumer.dest.exists()
    consumer.call("vendor")
    (consumer.copy / "PROVENANCE.json").unlink()
    assert judging.main(consumer.copy) == 2
    assert "cannot be verified" in capsys.readouterr().err


# --- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "class", "a-b", "../escape", "a/b", ".", "..", "1st", "ﬁle", "a b", "a\n"])
def test_name_that_cannot_be_imported_is_refused(consumer: Consumer, name: str) -> None:
    for command in ("vendor", "verify-vendor"):
        code, out, err = consumer.call(command, f"--name={name}")
        assert code == 2 and out == "" and "cannot be imported" in err
    assert not consumer.dest.exists()


@pytest.mark.parametrize(
    ("dest", "name", "why"),
    [
        ("", PACKAGE, "DEST must be the folder that holds the copy"),
        ("no/such/folder", PACKAGE, "there is no folder"),
        ("LICENSE", PACKAGE, "is not a folder"),
        ("generated", PACKAGE, "belongs to this repository"),
        ("generated/ks_workflow_runs", "copy", "belongs to this repository"),
        ("..", "repository", "belongs to this repository"),
    ],
)
def test_invalid_dest_is_refused(
    consumer: Consumer, tree: Path, monkeypatch: pytest.MonkeyPatch, dest: str, name: str, why: str
) -> None:
    monkeypatch.chdir(tree)
    before = everything(tree)
    code, out, err = consumer.call("vendor", "--force", "--name", name, dest=dest, root=tree)
    assert code == 2 and out == "" and why in err and "\nfix: " in err
    assert everything(tree) == before


def test_tilde_in_dest_is_expanded(consumer: Consumer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert consumer.call("vendor", dest="~/libraries")[0] == 0
    assert (tmp_path / "libraries" / PACKAGE / "client.py").is_file()


def test_verify_does_not_suggest_to_create_dest(consumer: Consumer, tmp_path: Path) -> None:
    code, _, err = consumer.call("verify-vendor", dest=tmp_path / "no/such")
    assert code == 2 and "there is no folder" in err and "mkdir" not in err


def test_stale_output_is_not_copied(consumer: Consumer, tree: Path) -> None:
    replace(tree / "openapi.yaml", "maximum: 100", "maximum: 250")
    for command in ("vendor", "verify-vendor"):
        code, _, err = consumer.call(command, root=tree)
        assert code == 2 and err.endswith("fix: make generate\n")
    assert not consumer.dest.exists()


# --- what can go wrong on the way -----------------------------------------------------------------------------------


def test_leftovers_of_an_interrupted_run_are_removed(consumer: Consumer) -> None:
    consumer.call("vendor")
    before = everything(consumer.dest)
    work = consumer.dest / f".{PACKAGE}.vendoring"
    shutil.copytree(consumer.copy / "api", work / "new")
    assert consumer.call("vendor")[0] == 0
    assert everything(consumer.dest) == before
    # Without an atomic exchange, there is a moment without a copy.
    work.mkdir()
    consumer.copy.rename(work / "old")
    assert consumer.call("vendor")[0] == 0
    assert everything(consumer.dest) == before


def test_second_run_at_once_is_refused(consumer: Consumer) -> None:
    consumer.dest.mkdir()
    handle = os.open(consumer.dest, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        code, _, err = consumer.call("vendor")
    finally:
        os.close(handle)
    assert code == 2 and "another `make vendor` is running" in err
    assert consumer.call("vendor")[0] == 0


HARM = Path(__file__).with_name("harm.py")


@pytest.mark.parametrize("first", [True, False], ids=["first", "update"])
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_write_error_is_reported_and_changes_nothing(consumer: Consumer, how: str, first: bool) -> None:
    if not first:
        consumer.call("vendor")
        (consumer.copy / "models.py").write_text("edited\n")
    if how == "read-only":
        consumer.dest.mkdir(exist_ok=True)
    before = everything(consumer.dest.parent)
    done = subprocess.run(
        [sys.executable, HARM, how, consumer.dest], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 2, done.stderr
    assert "cannot be written: " in done.stderr and "are unchanged" in done.stderr
    assert everything(consumer.dest.parent) == before


@pytest.mark.parametrize("swap", ["exchanged", "renamed"])
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_interrupt_leaves_the_old_copy_or_the_new_one(tmp_path: Path, how: str, swap: str) -> None:
    """Interrupts at each step. The copy has three files, so that there are few steps."""
    done = subprocess.run(
        [sys.executable, HARM, how, swap, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # Without an atomic exchange, a kill between two renames leaves no copy until the next run.
    exchanged = swap == "exchanged" and sys.platform == "linux"
    allowed = {"old", "new"} if how == "SIGINT" or exchanged else {"old", "new", "none"}
    assert {"old", "new"} <= {state for state, _ in found} <= allowed
    assert {after for _, after in found} == {"new"}
    assert [state for state, _ in found] == sorted((state for state, _ in found), key=["old", "none", "new"].index)
