import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract import __doc__ as usage
from tests.reference_server import seed

ROOT = Path(__file__).parents[2]
VARIABLES = set(re.findall(r"^    ([A-Z_]+)\b", usage or "", re.MULTILINE))

# Our own requests: for tests of what does not depend on those that Schemathesis makes up.
OURS = ("--phases", "examples")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """The environment for a run: nothing of this process's own settings, few examples, no waiting."""

    def environment(**variables: str) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        few = {"MAX_EXAMPLES": "5", "RATE_LIMIT": "1000/s", "REPORT_DIR": str(tmp_path)}
        # pytest tells those below it that a line has 80 places.
        return others | few | {"COLUMNS": "120"} | variables

    return environment


@pytest.fixture
def contract(environment: Callable[..., dict[str, str]]) -> Command:
    """Runs the command to its end, with these environment variables."""

    def contract(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.contract", *arguments]
        # A server left behind would keep the pipes open for ever.
        return subprocess.run(
            command, cwd=ROOT, env=environment(**variables), capture_output=True, text=True, timeout=120
        )

    return contract


@pytest.fixture
def contract_on(contract: Command) -> Command:
    """The same for a deployment, with what the reference server wants unless something else is given."""

    def contract_on(base_url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        given = {"TOKEN": seed.TOKEN, "DEFINITION_ID": seed.DEFINITION_ID} | variables
        return contract(*arguments, BASE_URL=base_url, **given)

    return contract_on
