"""What came of mutants: one line of JSON for each, in a file that a later run can go on from."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from codegen import ROOT

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


def state_of_sources() -> str:
    """A hash of everything that decides what comes of a mutant."""
    digest = hashlib.sha256()
    for source in SOURCES:
        place = ROOT / source
        files = [place] if place.is_file() else sorted(each for each in place.rglob("*") if each.is_file())
        for file in files:
            if "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


class Kept:
    """The results so far, of the same sources."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.state = state_of_sources()

    def read(self) -> dict[str, Result]:
        """By name. Of other sources, or of a file that is none of ours, nothing."""
        found: dict[str, Result] = {}
        lines = self.file.read_text("utf-8").splitlines() if self.file.exists() else []
        for line in lines:
            try:
                data = json.loads(line)
                if data.pop("state") == self.state:
                    result = Result(**{**data, "found": tuple(data["found"])})
                    found[result.name] = result
            except (ValueError, TypeError, KeyError, AttributeError):
                # The last line may have been cut off.
                continue
        return found

    def start(self, results: Iterable[Result]) -> None:
        """Begins anew, with these."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text("".join(map(self.line, results)), "utf-8")

    def add(self, result: Result) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(self.line(result))

    def line(self, result: Result) -> str:
        return json.dumps({"state": self.state, **asdict(result)}) + "\n"


def shares(names: list[str], number: int, of: int) -> list[str]:
    """One of so many shares, each as large and as slow as the others."""
    return names[number - 1 :: of]


def table(results: Iterable[Result], by: str) -> Iterator[str]:
    """How many of each outcome, by a field of the results."""
    counts: dict[str, Counter[str]] = {}
    for each in results:
        counts.setdefault(getattr(each, by), Counter())[each.outcome] += 1
    width = max(map(len, counts), default=0)
    for key in sorted(counts):
        yield f"{key:<{width}}  " + "  ".join(f"{outcome} {number}" for outcome, number in sorted(counts[key].items()))
