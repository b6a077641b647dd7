"""The client of the second contract, generated once."""

from __future__ import annotations

import copy
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from codegen import PACKAGE, provenance, render
from codegen.openapi import read
from tests.board.data import OPENAPI, TOKEN
from tests.codegen.trees import copy_tree, replace

NAME = "task_board"


def build(folder: Path, contract: dict[str, Any]) -> Path:
    """Generate the client of a contract; return the folder that contains `task_board`."""
    root = copy_tree(folder / "root")
    (root / "openapi.yaml").write_text(json.dumps(contract), encoding="utf-8")
    replace(root / "overrides/client.yaml", f"package_name_override: {PACKAGE}", f"package_name_override: {NAME}")
    # These settings are for this repository's own contract.
    (root / "overrides/testing.yaml").write_text("{}\n", encoding="utf-8")
    render.build(root, folder / "generated", provenance.read_inputs(root))
    (folder / "generated" / PACKAGE).rename(folder / "generated" / NAME)
    return folder / "generated"


def copy_contract() -> dict[str, Any]:
    """Return a copy of the contract that a test may edit."""
    edited: dict[str, Any] = copy.deepcopy(read(OPENAPI).value)
    return edited


@pytest.fixture(scope="session")
def board_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that contains the generated package."""
    return build(tmp_path_factory.mktemp("board"), copy_contract())


@pytest.fixture(scope="session")
def board_client(board_folder: Path) -> Iterator[ModuleType]:
    """The package, imported."""
    sys.path.insert(0, str(board_folder))
    try:
        yield importlib.import_module(NAME)
    finally:
        sys.path.remove(str(board_folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def board(board_client: ModuleType) -> Any:
    """The modules of the client."""
    names = {name: name for name in ("client", "models", "errors", "types")}
    names |= {name: f"api.tasks.{name}" for name in ("list_tasks", "create_task", "get_task", "delete_task")}
    names |= {"list_events": "api.events.list_events"}
    modules = {name: importlib.import_module(f"{board_client.__name__}.{path}") for name, path in names.items()}
    return SimpleNamespace(**modules)


def connect(board: Any, url: str, **settings: Any) -> Any:
    """Return a client of the board, with its token."""
    return board.client.Client(url, token=TOKEN, **settings)
