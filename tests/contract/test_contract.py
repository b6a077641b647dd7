"""One test for each check of the contract run; see conftest.py."""

from typing import Any

import pytest

from .checks import CLASSES

# Schemathesis leaves the files of its reports for the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("check", [f"{kind}-{check}" for kind, checks in CLASSES.items() for check in checks])
def test_contract(outcome: Any, check: str) -> None:
    name = check.rpartition("-")[2]
    found = [finding for finding in outcome.findings.values() if finding.check == name]
    if found:
        # As text: a traceback into this file tells nobody anything.
        pytest.fail("\n".join(f"{finding.message}\n{finding.curl}" for finding in found), pytrace=False)
    if not outcome.checks[name] and name != "no_answer":
        pytest.skip("not judged: see the variables of the contract run")
