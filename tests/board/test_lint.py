"""The contract of the board passes the same linter as this repository's own."""

from __future__ import annotations

import subprocess

import pytest

from codegen import ROOT
from tests.board.data import OPENAPI

LINT = ".ci/lint-contract"


@pytest.mark.node
def test_redocly_accepts_the_contract() -> None:
    path = str(OPENAPI.relative_to(ROOT))
    done = subprocess.run(["sh", LINT, path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
