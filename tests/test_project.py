"""The project's files agree with each other: pins and lock files, documents and Makefile, workflows and commands."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from codegen import ROOT
from codegen.openapi import read
from tests import contract, fleet
from tests.contract.settings import read_environment

LOCKS = {
    "run": (ROOT / "requirements.lock").read_text(encoding="utf-8"),
    "dev": (ROOT / "requirements-dev.lock").read_text(encoding="utf-8"),
    "benchmark": (ROOT / "requirements-benchmark.lock").read_text(encoding="utf-8"),
}
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))

ACTION = "./.github/actions/contract"


def locked(group: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+==[^\s;]+)", LOCKS[group], flags=re.MULTILINE))


@pytest.mark.parametrize("group", LOCKS)
def test_every_tool_is_pinned_exactly_and_locked_at_its_pin(group: str) -> None:
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    # Packages that the group `dev` pins have no pin here, so that all clients share their versions.
    shared = {pin.partition("==")[0] for pin in locked("dev")} if group == "benchmark" else set()
    stated = {pin for pin in pins[group] if isinstance(pin, str)}
    assert stated and stated - shared <= locked(group)


def test_the_dev_lock_contains_the_run_lock() -> None:
    assert locked("run") < locked("dev")


def test_packages_in_both_locks_have_one_version() -> None:
    project, others = (dict(pin.split("==") for pin in locked(group)) for group in ("dev", "benchmark"))
    both = set(project) & set(others)
    assert {"httpx2", "pydantic", "pydantic-core"} <= both
    assert {name: project[name] for name in both} == {name: others[name] for name in both}


@pytest.mark.parametrize("group", LOCKS)
def test_the_locks_contain_hashes_and_no_urls(group: str) -> None:
    packages = re.split(r"^(?=[a-z0-9-]+==)", LOCKS[group], flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in package for package in packages)
    assert "://" not in LOCKS[group]


def test_make_alone_lists_every_target_and_variable() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    variables = re.findall(r"^([A-Z_]+) \?=", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {"contract", "test", "generate", "verify", "serve"} <= TARGETS and "BASE_URL" in variables
    for name in [*TARGETS, *variables]:
        assert re.search(rf"^  {name} +\S", done.stdout, flags=re.MULTILINE), name


@pytest.mark.parametrize(
    ("argument", "problem"),
    [("BASEURL=x", "no variable BASEURL"), ("contrct", "no target 'contrct'"), ("BASE_URL", "BASE_URL is a variable")],
)
def test_a_misspelt_name_is_reported(argument: str, problem: str) -> None:
    done = subprocess.run(["make", argument], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert problem in done.stdout + done.stderr and "fix: " in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("[ $1 = --version ] && echo Python 3.10.2", "Python must be 3.11 or later (got Python 3.10.2)"),
        ("echo 'no such version is set' >&2; exit 127", "does not run: no such version is set"),
        ("", "there is no "),
    ],
)
def test_an_unusable_python_is_reported(tmp_path: Path, script: str, problem: str) -> None:
    python = tmp_path / "python"
    if script:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    command = ["sh", ".ci/setup", str(python), str(tmp_path / "venv"), "requirements.lock"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("problem: ") and problem in done.stderr
    assert done.stderr.endswith(
        "\nfix: install Python 3.11 or later, or set its path: make PYTHON=/path/to/python3 ...\n"
    )
    assert not (tmp_path / "venv").exists()


def targets_named_in(name: str) -> set[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"(?:^ *|`|\(|run: |entry: |  )make ([a-z-]+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "overrides/README.md"])
def test_documents_name_existing_targets(name: str) -> None:
    assert {"generate"} <= targets_named_in(name) <= TARGETS


def test_documents_name_existing_paths() -> None:
    named = [
        path
        for name in ("README.md", "CONTRIBUTING.md")
        for path in re.findall(
            r"`((?:\.ci|\.github|overrides|tests|generated)/[\w./-]*)`", (ROOT / name).read_text("utf-8")
        )
    ]
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_loop_of_a_contract_edit_has_ten_steps() -> None:
    assert re.findall(r"^(\d+)\.", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE) == [
        str(number) for number in range(1, 11)
    ]


def test_ci_and_hooks_run_the_checks_of_ci_run() -> None:
    checks = targets_named_in(".ci/run")
    assert {"verify", "lint", "test", "contract"} <= checks <= TARGETS
    workflow = read(ROOT / ".github/workflows/ci.yml").value
    assert workflow["jobs"]["ci"]["steps"][-1] == {"run": ".ci/run"}
    (repository,) = read(ROOT / ".pre-commit-config.yaml").value["repos"]
    hooks = {hook["entry"].removeprefix("make ") for hook in repository["hooks"]}
    # Checks that take minutes run in CI only.
    assert hooks == {"verify", "lint", "test", "contract"} <= checks


def test_redocly_is_pinned_and_locked_without_urls() -> None:
    folder = ROOT / ".ci/redocly"
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    pins = json.loads((folder / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    packages = {name: package for name, package in json.loads(lock)["packages"].items() if name}
    assert {name.removeprefix("node_modules/"): package["version"] for name, package in packages.items()} == pins
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "://" not in lock


def steps_of(workflow: str) -> dict[str, list[Any]]:
    """Return the steps of each job."""
    jobs = read(ROOT / ".github/workflows" / workflow).value["jobs"]
    return {name: job["steps"] for name, job in jobs.items()}


def variables_of(usage: str | None) -> set[str]:
    return set(re.findall(r"^    ([A-Z_]+)\b", usage or "", flags=re.MULTILINE))


def test_the_contract_workflow_sets_known_variables() -> None:
    (step,) = (step for step in steps_of("contract.yml")["contract"] if step.get("uses") == ACTION)
    assert {"BASE_URL", "TOKEN", "DEFINITION_ID"} <= step["env"].keys() <= variables_of(contract.__doc__)


def test_the_fleet_workflow_sets_known_variables() -> None:
    steps = steps_of("fleet.yml")
    used = {job: [step for step in some if step.get("uses") == ACTION] for job, some in steps.items()}
    commands = {job: [step["with"]["command"] for step in some] for job, some in used.items()}
    assert commands == {"matrix": [], "shard": ["fleet run"], "report": ["fleet report"]}
    for step in (*used["shard"], *used["report"]):
        assert {"FLEET"} <= step["env"].keys() <= variables_of(fleet.__doc__)
    assert any("make fleet-matrix" in step.get("run", "") for step in steps["matrix"])


def test_the_action_runs_existing_commands() -> None:
    action = read(ROOT / ACTION / "action.yml").value
    assert action["runs"]["using"] == "composite" and action["inputs"]["command"]["default"] == "contract"
    named = set(re.findall(r"`([a-z ]+)`", action["inputs"]["command"]["description"]))
    assert named == {"contract", "fleet run", "fleet report"}
    (script,) = (step["run"] for step in action["runs"]["steps"] if "tests.$COMMAND" in step.get("run", ""))
    assert all(command in script for command in named)


def test_documented_defaults_are_true() -> None:
    defaults = read_environment({})
    help_text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in ("MAX_EXAMPLES", "MAX_TIME", "MAX_ANSWER", "SEED", "RATE_LIMIT", "REPORT_DIR"):
        value = getattr(defaults, name.lower())
        assert re.search(rf"^  {name} .*\({value}\)$", help_text, flags=re.MULTILINE), name
        assert re.search(rf"^    {name} .*\(default {value}\)$", contract.__doc__ or "", flags=re.MULTILINE), name
