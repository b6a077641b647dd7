"""Tests of the driver. Most run it on copies of its input; trees.py makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codegen.trees import copy_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the driver's input and output, in a folder with a space in its name."""
    return copy_tree(tmp_path / "a copy")
