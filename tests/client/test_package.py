"""The package itself: its names are imported at first use, and all of them are there."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

import ks_workflow_runs
from codegen import ROOT


def test_every_public_name_is_there() -> None:
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


def test_importing_it_imports_nothing_else_until_a_name_is_used() -> None:
    code = (
        "import sys, ks_workflow_runs as package\n"
        "assert not {'httpx2', 'pydantic'} & sys.modules.keys()\n"
        "assert package.errors.ApiError is package.ApiError and package.models.WorkflowRunPage\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "generated", check=True)


def test_its_version_tells_the_contract_s() -> None:
    provenance = json.loads((ROOT / "generated/ks_workflow_runs/PROVENANCE.json").read_text())
    contract = ks_workflow_runs.CONTRACT_VERSION
    assert provenance["contract"]["version"] == contract
    assert ks_workflow_runs.__version__ == provenance["version"]
    assert ks_workflow_runs.__version__.endswith(f"+contract.{contract}")
    client = importlib.import_module("ks_workflow_runs.client")
    assert f"ks-workflow-runs/{ks_workflow_runs.__version__}" == client.USER_AGENT
