"""`make release-check`, in repositories with one obstacle to a release each."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codegen import PACKAGE, provenance
from codegen.__main__ import main
from codegen.contract import Contract
from codegen.release import since
from tests.codegen.trees import copy_tree, replace, set_contract_version

pytestmark = pytest.mark.sampled(4)

VERSION = re.compile(r"(?<=^package_version_override: ).*$", re.MULTILINE)


def git(root: Path, *arguments: str) -> None:
    who = [
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.com",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "tag.gpgsign=false",
    ]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "-C", root, *who, *arguments], env=environment, capture_output=True, check=True)


def set_version(root: Path, version: str) -> None:
    settings = root / "overrides/client.yaml"
    settings.write_text(VERSION.sub(version, settings.read_text()))


def note(root: Path, release: str, part: str = "Client") -> None:
    changelog = root / "CHANGELOG.md"
    head, _, rest = changelog.read_text().partition("## ")
    changelog.write_text(f"{head}## {release}\n\n### {part}\n\n- An entry of {release}.\n\n## {rest}")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that is ready for its first release, 1.0.0 of contract 1.0.0."""
    root = copy_tree(tmp_path_factory.mktemp("release") / "repository")
    set_version(root, "1.0.0")
    set_contract_version(root, "1.0.0")
    (root / "CHANGELOG.md").write_text("# Changelog\n\n## 1.0.0 - a date\n\n### Client\n\n- The client.\n")
    assert main(["generate"], root) == 0
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "First")
    return root


@pytest.fixture
def repository(made: Path) -> Iterator[Path]:
    """The same repository, restored after the test."""
    yield made
    git(made, "reset", "--quiet", "--hard")


def check(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["release-check"], root)
    out, err = capsys.readouterr()
    return code, out + err


def test_first_release_is_ready(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ready = "Ready: 1.0.0 can be released. Next: git tag v1.0.0; make build\n"
    assert check(repository, capsys) == (0, ready)
    git(repository, "tag", "v1.0.0")
    git(repository, "tag", "v0.9.0")
    try:
        assert check(repository, capsys) == (0, "Released: the package has not changed since v1.0.0.\n")
        set_version(repository, "1.1.0")
        set_contract_version(repository, "2.0.0")
        assert "the contract's version was raised by a major version since v1.0.0" in check(repository, capsys)[1]
    finally:
        git(repository, "tag", "--delete", "v1.0.0", "v0.9.0")


def test_all_obstacles_to_the_first_release_are_reported(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_version(repository, "1.1.0")
    note(repository, "Unreleased", "Project")
    code, out = check(repository, capsys)
    assert code == 1
    for problem in ("generated/ is stale", "uncommitted", "no entry for 1.1.0", "below `## Unreleased`"):
        assert problem in out
    assert out.count("problem: ") == out.count("\nfix: ") == 4 and "Not ready: " in out


Change = Callable[[Path], None]


def _contract(root: Path) -> None:
    replace(root / "openapi.yaml", "maximum: 100", "maximum: 250")


def _break(root: Path) -> None:
    replace(root / "openapi.yaml", "maximum: 100", "maximum: 50")


def _words(root: Path) -> None:
    replace(root / "openapi.yaml", "description: Number of items to skip", "description: Number of items to leave out")


def _module(root: Path) -> None:
    replace(root / "generated" / PACKAGE / "_bases.py", '"""', '"""Changed. ')


def _versions(package: str, contract: str) -> Change:
    def change(root: Path) -> None:
        set_version(root, package)
        set_contract_version(root, contract)

    return change


def _comment(root: Path) -> None:
    with (root / "openapi.yaml").open("a") as file:
        file.write("# A comment.\n")


CONTRACT_KEPT = "the contract has changed since v1.0.0, but not its version 1.0.0"
PACKAGE_KEPT = "the package has changed since v1.0.0, but its version was not raised"
BREAKS = "the contract breaks clients since v1.0.0: limit (query): maximum 50 instead of maximum 100"
# By case: changes since 1.0.0, and the obstacles to the next release.
SINCE: dict[str, tuple[list[Change], list[str]]] = {
    "nothing": ([], []),
    "an entry in the changelog": ([lambda root: note(root / "generated" / PACKAGE, "1.1.0")], []),
    "a comment in the contract": ([_comment], []),
    "the package, raised": ([_module, _versions("1.0.1", "1.0.0")], []),
    "the package": ([_module], [PACKAGE_KEPT]),
    "the package, lowered": ([_module, _versions("0.9.9", "1.0.0")], [PACKAGE_KEPT]),
    "the contract, both raised": ([_contract, _module, _versions("1.1.0", "1.1.0")], []),
    "the contract, raised by less": (
        [_contract, _module, _versions("2.0.0", "1.0.1")],
        ["the contract has changed in more than wording since v1.0.0: a minor version"],
    ),
    "the contract's wording": ([_words, _module, _versions("1.0.1", "1.0.1")], []),
    "the contract, only the package raised": ([_contract, _module, _versions("1.1.0", "1.0.0")], [CONTRACT_KEPT]),
    "a contract that breaks clients, both raised by less": (
        [_break, _module, _versions("1.1.0", "1.1.0")],
        [BREAKS, BREAKS],
    ),
    "a contract that breaks clients": ([_break, _module, _versions("2.0.0", "2.0.0")], []),
    "the contract, the package raised by less": (
        [_contract, _module, _versions("1.0.1", "1.1.0")],
        ["the contract's version was raised by a minor version since v1.0.0, the package's by a patch"],
    ),
    "the contract, only the contract raised": (
        [_contract, _module, _versions("1.0.0", "2.0.0")],
        [PACKAGE_KEPT, "the contract's version was raised by a major version since v1.0.0, the package's by nothing"],
    ),
}


@pytest.mark.parametrize("case", SINCE)
def test_obstacles_to_the_next_release(repository: Path, case: str) -> None:
    changes, problems = SINCE[case]
    git(repository, "tag", "v1.0.0")
    try:
        for change in changes:
            change(repository)
        inputs, contract = provenance.read_inputs(repository), Contract(repository / "openapi.yaml")
        assert [found.what for found in since(repository, "1.0.0", inputs, contract)] == problems
    finally:
        git(repository, "tag", "--delete", "v1.0.0")


def test_release_check_needs_the_history(
    repository: Path, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Another")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    code, out = check(tmp_path / "shallow", capsys)
    assert code == 2 and "shallow" in out and "fix: git fetch --unshallow --tags" in out
    code, out = check(tree, capsys)
    assert code == 2 and "not a git repository" in out and "fix: " in out
