"""A copy in use: under another name, in another project, and without its dependencies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import httpx2

from codegen import PACKAGE, ROOT
from codegen.openapi import read
from tests.codegen.trees import VERSION, replace
from tests.reference_server import seed
from tests.reference_server.uvicorn_server import running
from tests.vendor.conftest import Consumer

EXAMPLE = Path(__file__).with_name("consumer")


def test_client_tests_pass_for_a_nested_and_renamed_copy(consumer: Consumer, tmp_path: Path) -> None:
    """Some of them, to save time; `.ci/run` runs all."""
    deep = tmp_path / "app/_vendor/deep"
    deep.mkdir(parents=True)
    assert consumer.call("vendor", "--name=runs_api", dest=deep)[0] == 0
    client = [f"tests/client/test_{name}.py" for name in ("models", "client", "configuration")]
    tests = [*client, "tests/testing_kit/test_server.py"]
    tests += ["-k", "test_models or asyncio_detailed or test_retries_wait_on_the_clock"]
    options = ["-q", "-p", "tests.vendor.renamed", "-p", "no:cacheprovider", "-o", "pythonpath=. overrides"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "overrides")]),
            "COPY": "app._vendor.deep.runs_api",
            # These plugins are not needed, and take longer to import than the tests run.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_example_project_verifies_its_copy_and_uses_it(consumer: Consumer, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project)
    assert consumer.call("vendor", dest=project / "app/_vendor")[0] == 0
    hooks = read(project / ".pre-commit-config.yaml").value["repos"][0]["hooks"]
    steps = read(project / ".github/workflows/ci.yml").value["jobs"]["verify"]["steps"]
    commands = [hooks[0]["entry"], *(step["run"] for step in steps if step.get("name"))]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def run(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            shell=True,
            cwd=project,
            env={"PATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    assert len(commands) == 3 and [run(command).returncode for command in commands] == [0, 0, 0]
    program = f"python -W error -m app.failed_runs {seed.DEFINITION_ID}"
    with running() as url:
        done = run(program, KS_BASE_URL=url, KS_TOKEN=seed.TOKEN)
        refused = run(program, KS_BASE_URL=url, KS_TOKEN="wrong")
        runs_url = f"{url}/v1/workflow-definitions/{seed.DEFINITION_ID}/runs"
        headers = {"authorization": f"Bearer {seed.TOKEN}"}
        pages = [httpx2.get(f"{runs_url}?limit=100&offset={offset}", headers=headers).json() for offset in (0, 100)]
    runs = [each for page in pages for each in page["items"]]
    failed = [
        f"{datetime.fromisoformat(each['created_at'])} {each['id']} {each['error']}\n"
        for each in runs
        if each["status"] == "FAILED"
    ]
    assert done.returncode == 0 and done.stdout == "".join(failed) != "" and done.stderr == ""
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr.startswith("cannot list the runs: 401 for GET http://127.0.0.1:")
    replace(project / "app/_vendor" / PACKAGE / "models.py", "total:", "totals:")
    assert [run(command).returncode for command in commands[:2]] == [1, 1]


def test_readmes_match_the_example_project(consumer: Consumer) -> None:
    consumer.call("vendor")
    program = (EXAMPLE / "app/failed_runs.py").read_text().partition('"""\n\n')[2]
    assert program and program in (ROOT / "README.md").read_text()
    hook = read(EXAMPLE / ".pre-commit-config.yaml").value["repos"][0]["hooks"][0]["entry"]
    attribute = (EXAMPLE / ".gitattributes").read_text().splitlines()[-1]
    readme = (consumer.copy / "README.md").read_text()
    assert f"\n{hook}  " in readme and f"`{attribute}`" in readme


def test_copy_verifies_itself_with_only_the_standard_library(consumer: Consumer) -> None:
    consumer.call("vendor")
    # Without site-packages and PYTHONPATH.
    command = [sys.executable, "-E", "-S", "-B"]
    folder = consumer.dest.parent
    assert subprocess.run([*command, "-c", "import pydantic"], capture_output=True, check=False).returncode == 1
    done = subprocess.run(
        [*command, "-m", f"_vendor.{PACKAGE}"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stderr == ""
    assert f"contract  {VERSION}," in done.stdout and "Intact: " in done.stdout
