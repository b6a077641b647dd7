"""A comparison under way: what was found, what was compared already, and what it may cost."""

from __future__ import annotations

from typing import Literal

from codegen.compare.rules import Difference
from codegen.openapi.schemas import Canonical, too_large

# Nobody reads more.
MOST_FOUND = 5_000

# `body` is the body of a success, which the client reads strictly; `response` is what else comes.
Side = Literal["request", "response", "body"]


class Comparison:
    """Collects differences.

    Attributes:
        canonical: Reads the schemas of both documents.
        seen: Pairs of schemas that are compared already, or right now: how a cycle ends.
        with_extensions: Whether `x-rules` and the like count.
        with_links: Whether `links` count.
        renamed: What parameters in the path are called in the second document, by their names in the first.
    """

    def __init__(self, with_extensions: bool = True, with_links: bool = True) -> None:
        self.with_extensions = with_extensions
        self.with_links = with_links
        self.renamed: dict[str, str] = {}
        # By all but the place: a component is used in several, and is told of once.
        self._found: dict[tuple[str, str, str, str], Difference] = {}
        self.canonical = Canonical()
        self.seen: set[tuple[Side, tuple[str, ...], tuple[str, ...]]] = set()

    @property
    def found(self) -> list[Difference]:
        return list(self._found.values())

    def note(self, kind: str, place: str, what: str, old: str, new: str) -> None:
        self._found.setdefault((kind, what, old, new), Difference(kind, place, what, old, new))
        if len(self._found) > MOST_FOUND:
            raise too_large()

    def trial(self) -> Comparison:
        """Returns one to find out with whether two schemas differ, which notes nothing here."""
        other = Comparison(self.with_extensions, self.with_links)
        # What it costs counts here too.
        other.canonical, other.seen = self.canonical, set(self.seen)
        return other
