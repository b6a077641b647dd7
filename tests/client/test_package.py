"""The package: public names, lazy imports, version."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import ks_workflow_runs
from codegen import ROOT, provenance, render
from tests.codegen.trees import copy_tree, replace


def test_every_public_name_exists() -> None:
    assert set(ks_workflow_runs.__all__) <= set(dir(ks_workflow_runs))
    for name in ks_workflow_runs.__all__:
        assert getattr(ks_workflow_runs, name)
    names: dict[str, object] = {}
    exec("from ks_workflow_runs import *", names)
    assert names.keys() - {"__builtins__"} == set(ks_workflow_runs.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'iter_runs'"):
        ks_workflow_runs.iter_runs  # type: ignore[attr-defined] # noqa: B018
    with pytest.raises(ImportError, match="iter_runs"):
        exec("from ks_workflow_runs import iter_runs")


def test_modules_are_imported_on_first_use() -> None:
    code = (
        "import sys, ks_workflow_runs as package\n"
        "assert not {'httpx2', 'pydantic'} & sys.modules.keys()\n"
        "assert package.errors.ApiError is package.ApiError and package.models.WorkflowRunPage\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "generated", check=True)


def test_the_version_includes_the_contracts() -> None:
    provenance = json.loads((ROOT / "generated/ks_workflow_runs/PROVENANCE.json").read_text())
    contract = ks_workflow_runs.CONTRACT_VERSION
    assert provenance["contract"]["version"] == contract
    assert ks_workflow_runs.__version__ == provenance["version"]
    assert ks_workflow_runs.__version__.endswith(f"+contract.{contract}")
    client = importlib.import_module("ks_workflow_runs.client")
    assert f"ks-workflow-runs/{ks_workflow_runs.__version__}" == client.USER_AGENT


PAGING = """
import json, sys
from ks_workflow_runs import Client, errors, iter_workflow_runs, aiter_pages
from ks_workflow_runs.pagination import PAGE_SIZE

with Client("http://127.0.0.1:9") as client:
    id = "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10"
    results = [PAGE_SIZE]
    for size in json.loads(sys.argv[1]):
        for start in (iter_workflow_runs, aiter_pages):
            try:
                start(client, id, **({} if size is None else {"page_size": size}))
                results.append(True)
            except errors.ConfigurationError as error:
                results.append(str(error))
    print(json.dumps(results))
"""


@pytest.mark.parametrize(
    ("bounds", "default", "good", "bad", "message"),
    [
        ("minimum: 1\n            maximum: 50\n", 50, [2, 50], [1, 51, 100], "between 2 and 50"),
        ("minimum: 1\n", 100, [2, 1000], [1], "at least 2"),
        ("minimum: 10\n            maximum: 500\n", 250, [10, 500], [2, 9, 501], "between 10 and 500"),
        ("minimum: 1\n            maximum: 1\n", 2, [], [None, 1, 2], "between 2 and 1"),
    ],
)
def test_page_sizes_follow_the_bounds_of_the_contract(
    tmp_path: Path, bounds: str, default: int, good: list[int], bad: list[int], message: str
) -> None:
    root = copy_tree(tmp_path / "root")
    replace(root / "openapi.yaml", "minimum: 1\n            maximum: 100\n            default: 20\n", bounds)
    render.build(root, tmp_path / "generated", provenance.read_inputs(root))
    taken = [None, *good] if None not in bad else []
    command = [sys.executable, "-c", PAGING, json.dumps([*taken, *bad])]
    done = subprocess.run(command, cwd=tmp_path / "generated", capture_output=True, text=True, check=True)
    first, *results = json.loads(done.stdout)
    assert first == default
    split = len(results) * len(taken) // (len(taken) + len(bad))
    assert all(each is True for each in results[:split])
    assert all(message in each for each in results[split:])
