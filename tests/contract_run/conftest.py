"""Tests of the contract run in tests/contract: it finds faults, passes correct servers, and reports both.

Fixtures run it as a command, in a process that is reused. Tests of single mutants belong in tests/mutants.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

import pytest

from tests.contract import __doc__ as usage
from tests.reference_server import seed

VARIABLES = set(re.findall(r"^    ([A-Z_]+)\b", usage or "", re.MULTILINE))

# Only our own requests, for tests that do not depend on generated ones.
OURS = ("--phases", "examples")

Command = Callable[..., subprocess.CompletedProcess[str]]


def settings_for(reports: Path, **variables: str) -> dict[str, str]:
    """The environment for a run: nothing of this process's own settings, few examples, no waiting."""
    others = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    few = {"MAX_EXAMPLES": "5", "RATE_LIMIT": "1000/s", "REPORT_DIR": str(reports)}
    # pytest tells those below it that a line has 80 places.
    return others | few | {"COLUMNS": "120"} | variables


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., dict[str, str]]:
    return partial(settings_for, tmp_path)


def commanded(arguments: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command in this process like in a new one, except for the imports: they take a third of its time."""

    def write_to(*descriptors: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        # Child processes write there, too.
        os.dup2(descriptors[0], 1)
        os.dup2(descriptors[1], 2)

    before = dict(os.environ), sys.argv, os.dup(1), os.dup(2)
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["tests.contract", *arguments]
        # Imported late: the environment names the contract.
        from tests.contract.__main__ import main

        write_to(output.fileno(), errors.fileno())
        try:
            with redirect_stdout(output), redirect_stderr(errors):
                code = main()
        finally:
            write_to(before[2], before[3])
            os.environ.clear()
            os.environ.update(before[0])
            sys.argv = before[1]
            for descriptor in before[2:]:
                os.close(descriptor)
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read())
    return subprocess.CompletedProcess(sys.argv, code, *texts)


@pytest.fixture
def contract(
    environment: Callable[..., dict[str, str]],
    elsewhere: ProcessPoolExecutor,
    knowing: Callable[[str], ProcessPoolExecutor],
) -> Command:
    """Runs the command to its end, with these environment variables."""

    def contract(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        process = knowing(variables["CONTRACT"]) if variables.get("CONTRACT") else elsewhere
        return process.submit(commanded, arguments, environment(**variables)).result(timeout=240)

    return contract


@pytest.fixture
def contract_on(contract: Command) -> Command:
    """The same for a deployment, by default with the settings of the reference server."""

    def contract_on(base_url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        given = {"TOKEN": seed.TOKEN, "DEFINITION_ID": seed.DEFINITION_ID} | variables
        return contract(*arguments, BASE_URL=base_url, **given)

    return contract_on


def verdict_of(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The findings of a failed run, by check."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert "VIOLATES THE CONTRACT" in result.stdout
    assert "\nnext: " in result.stdout
    # One screen, after the lines that show progress.
    assert len(result.stdout.partition("\n\n")[2].splitlines()) < 36
    unwrapped = re.sub(r"\n   (?!curl )", " ", result.stdout)
    return dict(re.findall(r"^\d\. (\w+)(?: \(\d+ requests\))?: (.*)", unwrapped, re.MULTILINE))


def verdict_line(result: subprocess.CompletedProcess[str], title: str) -> str:
    """Return the text of the verdict under a title."""
    below = result.stdout.partition(f"\n{title:<12}")[2]
    return " ".join(re.split(r"\n(?! )", below, maxsplit=1)[0].split())
