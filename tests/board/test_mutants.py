"""Mutants follow from the second contract too, with its filters, cursors and further operations, without an edit."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

import pytest

from tests.board.server import OPENAPI
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


def test_they_are_killed_by_a_check_that_claims_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    # A process knows one contract.
    monkeypatch.setenv("CONTRACT", str(OPENAPI))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        results = pool.submit(try_some).result()
    assert [each.told for each in results if each.outcome != KILLED] == []
