"""Derived mutants: each breaks one promise of the contract in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .baseline import Baseline
from .middleware import Mutation

# Where a promise is broken.
EVERYWHERE, ONE_ROW, ONE_IN_THREE, NOW_AND_THEN = "everywhere", "one_row", "one_in_3", "now_and_then"
# NOW_AND_THEN mutates one request of this many.
EVERY = 25


class Equivalent(Exception):
    """The mutant would behave as the contract allows. The message says why."""


@dataclass(frozen=True)
class BuiltMutant:
    """A mutant that is ready to run."""

    mutation: Mutation
    also_failing: frozenset[str] = frozenset()
    """Checks that may fail besides those of the promise."""
    methods: frozenset[str] = frozenset()
    """Methods that it mutates besides those of the contract."""


@dataclass(frozen=True)
class DerivedMutant:
    """A mutant that follows from the contract."""

    promises: tuple[str, ...]
    """JSON pointers of the promises that it breaks. A check of the first one must fail."""
    kind: str
    """The kind of mutation, such as `left_out` or `unknown_value`."""
    where: str
    """Which requests, pages or items are mutated, such as `everywhere`."""
    title: str
    """What is mutated, such as `WorkflowRunResponse.status`."""
    build: Callable[[Baseline], BuiltMutant] = field(repr=False)
    """Raises Equivalent."""

    @property
    def name(self) -> str:
        return f"{self.title}:{self.kind}@{self.where}"


FAMILIES: list[Callable[[], Iterator[DerivedMutant]]] = []
"""Each yields the mutants of one kind of promises. Names follow from the contract; building needs a server."""


def family(function: Callable[[], Iterator[DerivedMutant]]) -> Callable[[], Iterator[DerivedMutant]]:
    FAMILIES.append(function)
    return function
