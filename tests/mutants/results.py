"""What came of mutants: one line of JSON for each, in a file that a later run can go on from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.contract import sharding

KILLED, SURVIVES, EQUIVALENT, ASTRAY = "killed", "SURVIVES", "equivalent", "ASTRAY"
# What decides what comes of a mutant.
SOURCES = (
    *("openapi.yaml", "requirements.lock", "overrides/codegen"),
    *("tests/contract", "tests/mutants", "tests/reference_server"),
)


@dataclass(frozen=True)
class Result:
    """What came of one mutant."""

    name: str
    kind: str
    """The class of checks that it belongs to, or of a derived one what is done to the promise."""
    promise: str
    """The JSON pointer of what a derived one breaks; empty for one made by hand."""
    outcome: str
    """KILLED, SURVIVES, EQUIVALENT, or ASTRAY: other checks found it than those that should, or more."""
    found: tuple[str, ...] = ()
    """Checks."""
    why: str = ""
    """Of an equivalent one why it breaks nothing; of others what is wrong."""
    requests: int = 0
    seconds: float = 0

    @property
    def is_right(self) -> bool:
        return self.outcome in (KILLED, EQUIVALENT)

    @property
    def told(self) -> str:
        """In one line."""
        found = ", ".join(self.found)
        if self.is_right:
            return f"{self.outcome}: {found or self.why}"
        return f"{self.outcome}: {found or 'nothing'} found it; {self.why}"


class Kept:
    """The results so far, of the same sources."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines = sharding.JsonLines(file)
        self.state = sharding.hash_files(SOURCES)

    def read(self) -> dict[str, Result]:
        """By name. Of other sources, or of a file that is none of ours, nothing."""
        found: dict[str, Result] = {}
        for data in self.lines.read():
            with suppress(TypeError, KeyError):
                if data.pop("state") == self.state:
                    result = Result(**{**data, "found": tuple(data["found"])})
                    found[result.name] = result
        return found

    def start(self, results: Iterable[Result]) -> None:
        """Begins anew, with these."""
        self.lines.rewrite(map(self.data, results))

    def add(self, result: Result) -> None:
        self.lines.append(self.data(result))

    def data(self, result: Result) -> dict[str, Any]:
        return {"state": self.state, **asdict(result)}


def table(results: Iterable[Result], by: str) -> Iterator[str]:
    """How many of each outcome, by a field of the results."""
    counts: dict[str, Counter[str]] = {}
    for each in results:
        counts.setdefault(getattr(each, by), Counter())[each.outcome] += 1
    width = max(map(len, counts), default=0)
    for key in sorted(counts):
        yield f"{key:<{width}}  " + "  ".join(f"{outcome} {number}" for outcome, number in sorted(counts[key].items()))
