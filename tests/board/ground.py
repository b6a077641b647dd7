"""The task board as what derived mutants are made on; for processes whose CONTRACT is openapi.yaml beside this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp

from tests.contract.preflight import preflight
from tests.contract.session import Session
from tests.contract.settings import read_environment
from tests.contract.target import Target
from tests.mutants.derived.trial import Ground

from . import server
from .data import ENVIRONMENT


class Boards:
    """Boards that run, each with what has to be asked of it first.

    That is asked of the board as it is, not of the mutant: a mutant is judged whatever it answers.
    """

    def __init__(self) -> None:
        self.found: dict[str, Target] = {}
        """By address."""

    @contextmanager
    def running(self, around: Callable[[ASGIApp], ASGIApp]) -> Iterator[str]:
        board = server.Board()
        with server.running(board=board) as unchanged, server.running(board=board, around=around) as address:
            given = read_environment(ENVIRONMENT | {"BASE_URL": unchanged, "ALL_METHODS": "1"})
            # No waiting between requests.
            target = replace(given, is_deployment=False)
            with Session(target).opened() as session:
                self.found[address] = preflight(target, session)
            yield address

    def target(self, address: str, reports: Path) -> Target:
        return replace(self.found[address], base_url=address, report_dir=reports)


BOARDS = Boards()
BOARD = Ground(BOARDS.running, BOARDS.target)
