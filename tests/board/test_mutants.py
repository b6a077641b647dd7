"""Mutants are derived from the second contract too, with its filters, cursors and writes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack

from tests.board.data import OPENAPI
from tests.mutants.results import KILLED, Result

# Mutants of features that the first contract does not have: cursors, filters, writes.
SOME = (
    "create_task!existence:stage_left_out@everywhere",
    "create_task.201.Task.project_id:no_uuid@everywhere",
    "list_events.cursor:repeated_on_the_next_page@default_limit",
    "list_tasks.updated_since.tasks_updated_since:first_one_left_out@everywhere",
)


def run_some() -> list[Result]:
    """Run in a process with the second contract."""
    from tests.board.ground import BOARD
    from tests.mutants.derived.runner import DerivedRunner

    with ExitStack() as cleanup:
        trials = DerivedRunner(BOARD, cleanup)
        return [trials.run_mutant(name) for name in SOME]


def test_each_is_killed_by_a_check_that_judges_its_promise(knowing: Callable[[str], ProcessPoolExecutor]) -> None:
    results = knowing(str(OPENAPI)).submit(run_some).result()
    assert [each.summary for each in results if each.outcome != KILLED] == []
