"""What is tested, and how; settings.py reads it from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from uuid import UUID

from .contract import contract
from .operation import Operation

# Seconds.
ANSWER = 10
# Bytes.
MAX_ANSWER = 16 * 2**20


@dataclass(frozen=True)
class Ids:
    """The values of a parameter in a path that are known; those of a UUID in lower case."""

    known: tuple[str, ...] = ()
    """What the credentials may read; a list of it has items. Most requests are for the first one."""
    empty: tuple[str, ...] = ()
    """Those without items."""
    foreign: tuple[str, ...] = ()
    """Those that the credentials may not read: of another tenant, or without access."""
    deleted: tuple[str, ...] = ()
    """Those that were there once."""

    @property
    def readable(self) -> tuple[str, ...]:
        return self.known + self.empty


# Nobody has these: a version 4 UUID made by dice once, a large number, and none.
UNKNOWN_IDS = ("d1f0a3c6-5b7e-4c92-8e4d-2a96b07f83e5", "2147483629")
NIL = "00000000-0000-0000-0000-000000000000"
NONEXISTENT_IDS = (*UNKNOWN_IDS, NIL)
# How many more are made up where answers about several are compared: a hash of the id may decide.
RANDOM_IDS = 5
# Of an operation that has no parameter in its path.
NO_PARAMETER = Ids(known=("",))


def random_ids(seed: int) -> list[str]:
    """Further ids that nobody has: the same for each run of this seed."""
    random = Random(seed)
    return [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(RANDOM_IDS)]


@dataclass(frozen=True)
class Target:
    """A server under test, and how to test it."""

    base_url: str
    """Without a trailing slash; empty until the reference server runs."""
    ids: Mapping[str, Ids]
    """By parameter in a path."""
    secrets: Mapping[str, str]
    """The credentials that are given, by variable of the environment."""
    is_deployment: bool
    max_examples: int
    seed: int
    rate_limit: str
    report_dir: Path
    has_reports: bool = True
    """Whether what was sent and answered is written there; it takes a fifth of the time."""
    max_time: int = 0
    """Seconds; 0 means no limit."""
    all_methods: bool = True
    fail_fast: bool = False
    thorough: bool = False
    """Every limit, and many offsets."""
    excluded_checks: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """Further arguments of Schemathesis's own command."""
    totals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Number of items in each list at the start, by operation and by what it belongs to."""
    samples: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """Some items of each list, by operation."""
    cursors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where pages of lists begin, by operation."""
    answer_within: int = ANSWER
    """Seconds until a request counts as unanswered: the whole of its answer."""
    max_answer: int = MAX_ANSWER
    """Bytes of an answer's body, decoded, beyond which it counts as unanswered."""
    mutant: str = ""
    """The deliberate fault that the reference server is to have."""
    created_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of what was made for this run, by parameter: only these are changed or deleted."""
    operation: str = ""
    """The only one to be tested; empty means all."""
    missing_ids: Mapping[str, str] = field(default_factory=dict)
    """Operations that cannot be tested, as nothing is known to ask for, and what to give."""

    def ids_of(self, operation: Operation) -> Ids:
        return self.ids.get(operation.parent, Ids()) if operation.parent else NO_PARAMETER

    def ids_to_send(self, operation: Operation) -> Ids:
        """Those that requests are made for. What is not safe, but for adding, is only tried on what was made for it."""
        ids = self.ids_of(operation)
        if operation.is_safe or not operation.parent:
            return ids
        known = ids.known if operation.method == "POST" else self.created_ids.get(operation.parent, ())
        return replace(ids, known=known, empty=())

    def total(self, operation: Operation, parent: str) -> int:
        return self.totals.get((operation.name, parent), 0)

    @cached_property
    def tested(self) -> tuple[Operation, ...]:
        """The operations that are."""
        return tuple(
            each
            for each in contract().operations
            if each.name not in self.missing_ids
            and self.operation in ("", each.name)
            and (each.is_safe or self.all_methods)
            and self.ids_to_send(each).readable
        )

    @property
    def credentials(self) -> tuple[str, ...]:
        """The variables of those that the tested operations take."""
        return tuple(dict.fromkeys(each.variable for operation in self.tested for each in operation.credentials))
