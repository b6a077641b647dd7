"""Registration of checks, and the failures that they raise."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.core.failures import Failure

from ..interaction import Interaction, interaction
from .classes import CLASSES

C = TypeVar("C", bound=Any)


class Violation(Failure):
    """A violation of the contract. Its title is the name of the check."""

    kind_title: ClassVar[str] = "Contract violated"

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(operation=None, message=message)
        self.pointer = pointer
        """The pointer of the broken promise, if the check judges several promises at once and knows which one is
        broken."""

    def by(self, check: str, operation: str | None) -> "Violation":
        self.title, self.operation = check, operation
        return self

    def __eq__(self, other: object) -> bool:
        # Schemathesis reports equal failures of a request once; by default all of a class are equal.
        return super().__eq__(other) and self.title == getattr(other, "title", None)

    __hash__ = Failure.__hash__


class UnexpectedStatus(Violation):
    """The response has a status that the contract does not allow for this request."""


class RuleBroken(Violation):
    """A rule of the contract does not hold."""


class PagesContradict(Violation):
    """Two pages cannot belong to one list."""


def check(found: C) -> C:
    """Register a check: a function that judges an `Interaction`, or a subclass of `Check`.

    Either returns True if there is nothing to judge, and raises Violation.
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
    """A check with state that lasts for the run."""

    def after_response(self, ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
        return run_check(type(self).__name__, self.judge, interaction(response, case))

    def judge(self, found: Interaction) -> bool | None:
        raise NotImplementedError
