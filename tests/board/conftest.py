"""The client of the second contract, generated once."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen import PACKAGE, ROOT, provenance, render
from codegen.openapi import read
from tests.codegen.trees import copy_tree, replace

CONTRACT = ROOT / "tests/board/openapi.yaml"
NAME = "task_board"


def build(folder: Path, contract: dict[str, Any]) -> Path:
    """Generates the client of a contract, and returns the folder to import `task_board` from."""
    root = copy_tree(folder / "root")
    (root / "openapi.yaml").write_text(json.dumps(contract), encoding="utf-8")
    replace(root / "overrides/client.yaml", f"package_name_override: {PACKAGE}", f"package_name_override: {NAME}")
    render.build(root, folder / "generated", provenance.read_inputs(root))
    (folder / "generated" / PACKAGE).rename(folder / "generated" / NAME)
    return folder / "generated"


def reduced() -> dict[str, Any]:
    """The contract, without what cannot be generated yet."""
    contract = json.loads(
        json.dumps(read(CONTRACT).value)
        .replace("schemas/Error", "schemas/ErrorResponse")
        .replace("schemas/Invalid", "schemas/HTTPValidationError")
        .replace("schemas/Fault", "schemas/ValidationError")
    )
    schemas = contract["components"]["schemas"]
    for old, new in {"Error": "ErrorResponse", "Invalid": "HTTPValidationError", "Fault": "ValidationError"}.items():
        schemas[new] = schemas.pop(old)
    for name in ("Details", "Note", "Checklist", "TaskDraft"):
        del schemas[name]
    task = schemas["Task"]
    del task["properties"]["details"]
    task["required"] = [name for name in task["required"] if name != "details"]
    tasks = contract["paths"]["/v1/projects/{project_id}/tasks"]
    del tasks["post"], tasks["get"]["responses"]["200"]["links"], contract["paths"]["/v1/tasks/{task_id}"]
    media = tasks["get"]["responses"]["200"]["content"]["application/json"]
    for item in media["example"]["items"]:
        del item["details"]
    tasks["get"]["parameters"] = [
        each for each in tasks["get"]["parameters"] if each["name"] not in ("tag", "updated_since")
    ]
    # Parameters of one name in two operations are taken for one still.
    events = contract["paths"]["/v1/projects/{project_id}/events"]["get"]
    events["parameters"][1]["name"] = events["x-list"]["limit"] = "size"
    return contract  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def board_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package that is generated of the contract, imported."""
    folder = build(tmp_path_factory.mktemp("board"), reduced())
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(NAME)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]
