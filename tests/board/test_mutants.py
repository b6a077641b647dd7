"""Mutants are derived from the second contract too, with its filters, cursors and writes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack

import pytest

from tests.board.data import OPENAPI
from tests.mutants.results import KILLED, Result

# Mutants of features that the first contract does not have: cursors, filters, writes.
SOME = (
    "create_task!existence:stage_left_out@everywhere",
    "create_task.201.Task.project_id:no_uuid@everywhere",
    "list_events.cursor:repeated_on_the_next_page@default_limit",
    "list_tasks.updated_since.tasks_updated_since:first_one_left_out@everywhere",
)


def run_one(name: str) -> Result:
    """Run in a process with the second contract."""
    from tests.board.ground import BOARD
    from tests.mutants.derived.runner import DerivedRunner

    with ExitStack() as cleanup:
        return DerivedRunner(BOARD, cleanup).run_mutant(name)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", SOME)
def test_each_is_killed_by_a_check_that_judges_its_promise(
    name: str, knowing: Callable[[str], ProcessPoolExecutor]
) -> None:
    result = knowing(str(OPENAPI)).submit(run_one, name).result()
    assert result.outcome == KILLED, result.summary
