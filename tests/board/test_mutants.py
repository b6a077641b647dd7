"""Mutants follow from the second contract too, with its filters, cursors and further operations, without an edit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack

from tests.board.data import OPENAPI
from tests.mutants.results import KILLED, Result

# Of what the first contract has not: cursors, filters, further methods.
SOME = (
    "create_task!existence:stage_left_out@everywhere",
    "create_task.201.Task.project_id:no_uuid@everywhere",
    "list_events.cursor:repeated_on_the_next_page@default_limit",
    "list_tasks.updated_since.tasks_updated_since:first_one_left_out@everywhere",
)


def try_some() -> list[Result]:
    """In a process that knows the second contract."""
    from tests.board.ground import BOARD
    from tests.mutants.derived.trial import Trials

    with ExitStack() as cleanup:
        trials = Trials(BOARD, cleanup)
        return [trials.try_out(name) for name in SOME]


def test_they_are_killed_by_a_check_that_claims_the_promise(knowing: Callable[[str], ProcessPoolExecutor]) -> None:
    results = knowing(str(OPENAPI)).submit(try_some).result()
    assert [each.told for each in results if each.outcome != KILLED] == []
