"""What is tested, and how; settings.py reads it from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Seconds.
ANSWER = 10
# Bytes.
MAX_ANSWER = 16 * 2**20


@dataclass(frozen=True)
class Target:
    """A server under test, and how to test it."""

    base_url: str
    """Without a trailing slash; empty until the reference server runs."""
    definitions: tuple[str, ...]
    """What lists are read of, by id; those of a UUID in lower case, as are those below. They have items; most requests
    are for the first one."""
    secrets: Mapping[str, str]
    """The credentials that are given, by variable of the environment."""
    is_deployment: bool
    max_examples: int
    seed: int
    rate_limit: str
    report_dir: Path
    empty: tuple[str, ...] = ()
    """Those without items."""
    foreign: tuple[str, ...] = ()
    """Those that the credentials may not read: of another tenant, or without access."""
    max_time: int = 0
    """Seconds; 0 means no limit."""
    all_methods: bool = True
    fail_fast: bool = False
    thorough: bool = False
    """Every limit, and many offsets."""
    excluded_checks: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """Further arguments of Schemathesis's own command."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Number of items in each list at the start."""
    answer_within: int = ANSWER
    """Seconds until a request counts as unanswered: the whole of its answer."""
    max_answer: int = MAX_ANSWER
    """Bytes of an answer's body, decoded, beyond which it counts as unanswered."""
    mutant: str = ""
    """The deliberate fault that the reference server is to have."""

    @property
    def readable(self) -> tuple[str, ...]:
        return self.definitions + self.empty
