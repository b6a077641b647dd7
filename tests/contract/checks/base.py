"""What checks are made of: how they are registered, and what they raise."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.core.failures import Failure

from ..interaction import Interaction, interaction
from .classes import CLASSES

C = TypeVar("C", bound=Any)


class Violation(Failure):
    """What a check found. Its title is the name of the check."""

    kind_title: ClassVar[str] = "Contract violated"

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(operation=None, message=message)
        self.pointer = pointer
        """Of the promise that is broken, if the check judges several at once, and knows which."""

    def by(self, check: str, operation: str | None) -> "Violation":
        self.title, self.operation = check, operation
        return self

    @property
    def _unique_key(self) -> str:
        return self.title


class UnexpectedStatus(Violation):
    """Another status than the contract wants for such a request."""


class RuleBroken(Violation):
    """A rule of the contract does not hold."""


class PagesContradict(Violation):
    """Pages that cannot be of one list."""


def check(found: C) -> C:
    """Registers a check: a function that judges an `Interaction`, or a class derived from `Check`.

    Either returns True where there is nothing to judge, and raises Violation.
    """
    name = found.__name__
    if not any(name in names for names in CLASSES.values()):
        raise LookupError(f"{name} is in none of the CLASSES")
    schemathesis.check(found if isinstance(found, type) else as_registered(found))
    return found


def as_registered(judge: Callable[[Interaction], bool | None]) -> Callable[..., bool | None]:
    name = judge.__name__

    def registered(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        return run_check(name, judge, interaction(response, case))

    registered.__name__, registered.__doc__ = name, judge.__doc__
    return registered


def run_check(name: str, judge: Callable[[Interaction], bool | None], found: Interaction) -> bool | None:
    try:
        return judge(found)
    except Violation as violation:
        raise violation.by(name, found.case.operation.label) from None


class Check:
    """A check that keeps something from one answer to the next."""

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        return run_check(type(self).__name__, self.judge, interaction(response, case))

    def judge(self, found: Interaction) -> bool | None:
        raise NotImplementedError
