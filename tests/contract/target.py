"""The server under test and the settings; settings.py reads them from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from uuid import UUID

from .contract import contract
from .operation import Operation
from .parameter import VALID, Parameter

# Seconds.
ANSWER = 10
# Bytes.
MAX_ANSWER = 16 * 2**20


@dataclass(frozen=True)
class Ids:
    """The known values of a path parameter; UUIDs in lower case."""

    known: tuple[str, ...] = ()
    """Ids that the credentials may read, of lists with items. Most requests use the first one."""
    empty: tuple[str, ...] = ()
    """Ids of lists without items."""
    foreign: tuple[str, ...] = ()
    """Ids that the credentials may not read: of another tenant, or without access."""
    deleted: tuple[str, ...] = ()
    """Ids of deleted items."""

    @property
    def readable(self) -> tuple[str, ...]:
        return self.known + self.empty


# Ids that do not exist: a random version 4 UUID, a large number and the nil UUID.
UNKNOWN_IDS = ("d1f0a3c6-5b7e-4c92-8e4d-2a96b07f83e5", "2147483629")
NIL = "00000000-0000-0000-0000-000000000000"
NONEXISTENT_IDS = (*UNKNOWN_IDS, NIL)
# Further ids for comparisons: a result may depend on a hash of the id.
RANDOM_IDS = 5
# For operations without a path parameter.
NO_PARAMETER = Ids(known=("",))


def random_ids(seed: int) -> list[str]:
    """Return further ids that do not exist, the same for each seed."""
    random = Random(seed)
    return [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(RANDOM_IDS)]


def similar_id(known: str) -> str:
    """Return an id that differs in its last character."""
    return known[:-1] + ("1" if known[-1:] != "1" else "2")


def unknown_id(ids: Ids, parameter: Parameter | None) -> str:
    """Return a valid id that does not exist."""
    if parameter is None:
        return ""
    known = {*ids.readable, *ids.foreign, *ids.deleted}
    candidates = [*UNKNOWN_IDS, *(similar_id(each) for each in ids.known)]
    judge = parameter.judge_one
    return next((each for each in candidates if each not in known and judge(each) == VALID), UNKNOWN_IDS[0])


@dataclass(frozen=True)
class Target:
    """A server under test and the settings of the run."""

    base_url: str
    """Without a trailing slash; empty until the reference server runs."""
    ids: Mapping[str, Ids]
    """By path parameter."""
    secrets: Mapping[str, str]
    """Secrets by environment variable."""
    is_deployment: bool
    max_examples: int
    seed: int
    rate_limit: str
    report_dir: Path
    has_reports: bool = True
    """True if reports are written, which takes a fifth of the time."""
    max_time: int = 0
    """Seconds; 0 means no limit."""
    all_methods: bool = True
    fail_fast: bool = False
    thorough: bool = False
    """Requests every limit, and many offsets."""
    excluded_checks: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """Further arguments of `schemathesis run`."""
    totals: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Number of items at the start, by operation and parent id."""
    samples: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    """Some items of each list, by operation."""
    cursors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Cursors of pages, by operation."""
    answer_within: int = ANSWER
    """Timeout in seconds for a complete response."""
    max_answer: int = MAX_ANSWER
    """Maximum size of a decoded response body in bytes."""
    mutant: str = ""
    """The mutant of the reference server to test."""
    created_ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of items created for this run, by parameter: only these are changed or deleted."""
    operation: str = ""
    """The only operation to test; empty means all."""
    missing_ids: Mapping[str, str] = field(default_factory=dict)
    """Operations for which no id is known, and what is missing."""

    def ids_of(self, operation: Operation) -> Ids:
        return self.ids.get(operation.parent, Ids()) if operation.parent else NO_PARAMETER

    def ids_to_send(self, operation: Operation) -> Ids:
        """Return the ids to use in requests. Unsafe operations, except POST, use only created items."""
        ids = self.ids_of(operation)
        if operation.is_safe or not operation.parent:
            return ids
        known = ids.known if operation.method == "POST" else self.created_ids.get(operation.parent, ())
        return replace(ids, known=known, empty=())

    def total(self, operation: Operation, parent: str) -> int:
        return self.totals.get((operation.name, parent), 0)

    @cached_property
    def tested(self) -> tuple[Operation, ...]:
        """The tested operations."""
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
        """The environment variables of the credentials of tested operations."""
        return tuple(dict.fromkeys(each.variable for operation in self.tested for each in operation.credentials))
