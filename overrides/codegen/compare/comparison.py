"""The state of a comparison: differences so far, compared schemas, and limits."""

from __future__ import annotations

from typing import Literal

from codegen.compare.rules import Difference
from codegen.openapi.schemas import Canonical, too_large

# Maximum differences.
MOST_FOUND = 5_000

# `body` is the body of a success, which the client validates; `response` is any other part of a response.
Side = Literal["request", "response", "body"]


class Comparison:
    """Collects differences.

    Attributes:
        canonical: Reads the schemas of both documents.
        seen: Pairs of schemas that were compared or are being compared. It ends cycles.
        with_extensions: Whether to compare extensions.
        with_links: Whether to compare links.
        renamed: The names of path parameters in the second document, by those in the first.
    """

    def __init__(self, with_extensions: bool = True, with_links: bool = True) -> None:
        self.with_extensions = with_extensions
        self.with_links = with_links
        self.renamed: dict[str, str] = {}
        # Without the place in the key: a component with several uses is reported once.
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
        """Return a comparison that tests whether two schemas differ, without recording the differences here."""
        other = Comparison(self.with_extensions, self.with_links)
        # Shared, so that its steps count, too.
        other.canonical, other.seen = self.canonical, set(self.seen)
        return other
