"""The board's contract keeps to the style of this repository's own."""

from __future__ import annotations

import subprocess

import pytest

from codegen import ROOT
from tests.board.data import OPENAPI

LINT = ".ci/lint-contract"


@pytest.mark.node
def test_the_contract_is_as_redocly_has_it() -> None:
    path = str(OPENAPI.relative_to(ROOT))
    done = subprocess.run(["sh", LINT, path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
