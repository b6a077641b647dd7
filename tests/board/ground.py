"""The task board as the server that derived mutants change. For processes whose CONTRACT is its openapi.yaml."""

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
from tests.mutants.derived.runner import Subject

from . import server
from .data import ENVIRONMENT


class Boards:
    """Running boards and their preflight results.

    The preflight runs against an unchanged board, so that a mutant cannot fail it.
    """

    def __init__(self) -> None:
        self.targets: dict[str, Target] = {}
        """By base URL."""

    @contextmanager
    def running(self, around: Callable[[ASGIApp], ASGIApp]) -> Iterator[str]:
        board = server.Board()
        with server.running(board=board) as unchanged, server.running(board=board, around=around) as address:
            given = read_environment(ENVIRONMENT | {"BASE_URL": unchanged, "ALL_METHODS": "1"})
            # Without the rate limit of deployments.
            target = replace(given, is_deployment=False)
            with Session(target).opened() as session:
                self.targets[address] = preflight(target, session)
            yield address

    def target(self, address: str, reports: Path) -> Target:
        return replace(self.targets[address], base_url=address, report_dir=reports)


BOARDS = Boards()
BOARD = Subject(BOARDS.running, BOARDS.target)
