"""Results of mutants: a file with one line of JSON each, from which a later run can continue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.contract import sharding

KILLED, SURVIVES, EQUIVALENT, ASTRAY = "killed", "SURVIVES", "equivalent", "ASTRAY"
# Results hold as long as these do not change.
SOURCES = (
    *("openapi.yaml", "requirements.lock", "overrides/codegen"),
    *("tests/contract", "tests/mutants", "tests/reference_server"),
)


@dataclass(frozen=True)
class Result:
    """The result of one mutant."""

    name: str
    kind: str
    """The class of checks of a handmade mutant; the kind of a derived one."""
    promise: str
    """The JSON pointer of the promise that a derived mutant breaks; empty for handmade ones."""
    outcome: str
    """KILLED, SURVIVES, EQUIVALENT, or ASTRAY (the wrong checks failed)."""
    found: tuple[str, ...] = ()
    """The checks that failed."""
    why: str = ""
    """Why it is equivalent, or what is wrong."""
    requests: int = 0
    seconds: float = 0

    @property
    def is_right(self) -> bool:
        return self.outcome in (KILLED, EQUIVALENT)

    @property
    def summary(self) -> str:
        """The result in one line."""
        found = ", ".join(self.found)
        if self.is_right:
            return f"{self.outcome}: {found or self.why}"
        return f"{self.outcome}: {found or 'nothing'} found it; {self.why}"


class ResultsFile:
    """The file of results."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines = sharding.JsonLines(file)
        self.state = sharding.hash_files(SOURCES)

    def read(self) -> dict[str, Result]:
        """Return the results by name. Lines of other sources, and lines that are no results, are skipped."""
        found: dict[str, Result] = {}
        for data in self.lines.read():
            with suppress(TypeError, KeyError):
                if data.pop("state") == self.state:
                    result = Result(**{**data, "found": tuple(data["found"])})
                    found[result.name] = result
        return found

    def start(self, results: Iterable[Result]) -> None:
        """Replace the file by these results."""
        self.lines.rewrite(map(self.data, results))

    def add(self, result: Result) -> None:
        self.lines.append(self.data(result))

    def data(self, result: Result) -> dict[str, Any]:
        return {"state": self.state, **asdict(result)}


def table(results: Iterable[Result], by: str) -> Iterator[str]:
    """Yield lines with the number of each outcome, grouped by a field of the results."""
    counts: dict[str, Counter[str]] = {}
    for each in results:
        counts.setdefault(getattr(each, by), Counter())[each.outcome] += 1
    width = max(map(len, counts), default=0)
    for key in sorted(counts):
        yield f"{key:<{width}}  " + "  ".join(f"{outcome} {number}" for outcome, number in sorted(counts[key].items()))
