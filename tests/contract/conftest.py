"""The contract run as a pytest suite: `pytest tests/contract --base-url https://host.example/api`.

One test for each check. Everything but the URL comes from the environment, as for `make contract`; without a URL the
embedded reference server is tested. The project's own tests do not collect this folder.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .__main__ import clear_reports, connect, problem_lines, run_and_report
from .contract import Problem
from .settings import read_environment
from .target import Target


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--base-url", default="", help="the deployment to test, instead of BASE_URL in the environment")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # Collected only on request: it tests the server that the environment names.
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(Path(__file__).parent) for path in named) else True


def tested(target: Target, outcome: Any) -> Any:
    # Imported late: the import reads the contract.
    from .promise_results import entries
    from .reports import cases

    return {case.name: case for case in cases(target, outcome, entries(target, outcome))}


@pytest.fixture(scope="session")
def cases(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The test cases of one run, by name; all tests share it."""
    environment = dict(os.environ)
    if base_url := request.config.getoption("--base-url"):
        environment["BASE_URL"] = base_url
    with ExitStack() as cleanup:
        try:
            target = read_environment(environment)
            if "REPORT_DIR" not in environment:
                target = replace(target, report_dir=Path(cleanup.enter_context(tempfile.TemporaryDirectory())))
            clear_reports(target.report_dir)
            target, session = connect(target, cleanup)
            yield tested(target, run_and_report(target, session, cleanup, lambda line: None))
        except Problem as problem:
            pytest.exit("\n".join(problem_lines(problem.problem, problem.fix)), returncode=2)
