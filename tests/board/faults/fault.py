"""The registry of faults. A fault replaces one step of the board: one method of `Board`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..server import Board

Step = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """Replaces one step of a board. The replacement gets the board, the original step and the step's arguments."""

    name: str
    operations: frozenset[str]
    """The operations whose responses differ."""
    step: str
    replacement: Step


FAULTS: dict[str, Fault] = {}


def replace_step(step: str, *operations: str) -> Callable[[Step], Step]:
    """Registers a function as the fault that replaces a step."""

    def add(replacement: Step) -> Step:
        name = replacement.__name__
        if name in FAULTS:
            raise LookupError(f"there are two faults named {name}")
        FAULTS[name] = Fault(name, frozenset(operations), step, replacement)
        return replacement

    return add


def change_result(step: str, *operations: str) -> Callable[[Step], Step]:
    """Registers a function that changes the result of a step: in place, or by returning another one."""

    def add(change: Step) -> Step:
        def replacement(board: Board, original: Step, *arguments: Any) -> Any:
            result = original(*arguments)
            return result if (changed := change(result, *arguments)) is None else changed

        replacement.__name__ = change.__name__
        return replace_step(step, *operations)(replacement)

    return add


def with_faults(*names: str) -> Board:
    """Return a new board with faults, keys of FAULTS. Each must replace another step."""
    board = Board()
    for fault in map(FAULTS.__getitem__, names):
        setattr(board, fault.step, partial(fault.replacement, board, getattr(board, fault.step)))
    return board
