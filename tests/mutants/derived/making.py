"""What derived mutants are made of: each breaks one promise of the contract, in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .exchange import Change
from .world import World

# Where a promise is broken.
EVERYWHERE, ONE_ROW, ONE_IN_THREE, NOW_AND_THEN = "everywhere", "one_row", "one_in_3", "now_and_then"
# Of so many requests, one is answered otherwise now and then.
EVERY = 25


class Equivalent(Exception):
    """There is nothing to break: the contract allows what would come of it. The message says why."""


@dataclass(frozen=True)
class Built:
    """A change, and what it breaks."""

    change: Change
    also: frozenset[str] = frozenset()
    """Checks that may fail besides those that claim the promise, for what the change breaks as well."""
    methods: frozenset[str] = frozenset()
    """Those that it changes besides the contract's."""


@dataclass(frozen=True)
class Derived:
    """A mutant that follows from the contract."""

    promises: tuple[str, ...]
    """The JSON pointers of what it breaks; the first one is that which must be found broken."""
    kind: str
    """What is done, such as `dropped` or `unknown_value`."""
    where: str
    """`everywhere`, or where else."""
    title: str
    """What it is done to, such as `WorkflowRunResponse.status`."""
    build: Callable[[World], Built] = field(repr=False)
    """Raises Equivalent."""

    @property
    def name(self) -> str:
        return f"{self.title}:{self.kind}@{self.where}"


FAMILIES: list[Callable[[], Iterator[Derived]]] = []
"""Each yields the mutants of one kind of promises, named from the contract alone; they are built when they are run."""


def family(function: Callable[[], Iterator[Derived]]) -> Callable[[], Iterator[Derived]]:
    FAMILIES.append(function)
    return function
