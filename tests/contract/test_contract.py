"""One test for each check of the contract run; see conftest.py."""

from typing import Any

import pytest

from .checks import CLASSES

# Schemathesis leaves report files for the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("name", [f"{kind}.{check}" for kind, checks in CLASSES.items() for check in checks])
def test_contract(cases: Any, name: str) -> None:
    case = cases[name]
    if case.findings:
        # Without the traceback, which would show this file.
        pytest.fail(case.details, pytrace=False)
    if case.reason:
        pytest.skip(case.reason)
