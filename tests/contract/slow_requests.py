"""Which requests took many times as long as the others: an observation, as the contract promises no time."""

import statistics
from dataclasses import dataclass, field

from schemathesis import Response

from .contract import contract

# Seconds, and how many times the usual: only what is both is worth a line.
SLOW, SLOWER = 1.0, 10
# How many of the slow requests are shown, and how many characters of each.
SHOWN, WIDTH = 3, 60


def refusals() -> frozenset[int]:
    return frozenset(each for operation in contract().operations for each in operation.refused("credentials", "any"))


@dataclass
class Times:
    """How long each request took, which nothing is repeated for."""

    answers: list[tuple[float, str]] = field(default_factory=list)
    """In seconds, with what was asked for."""

    def note(self, response: Response) -> None:
        # Waits of their own: no answer, refusals that are delayed on purpose, and servers that cannot answer now.
        if response.status_code not in {0} | set(refusals()):
            path, _, query = (response.request.url or "").partition("?")
            self.answers.append((response.elapsed, query or path.rpartition(f"{contract().prefix}/")[2]))

    @property
    def slow(self) -> str:
        """In one line; empty if none was."""
        if not self.answers:
            return ""
        usual = statistics.median(seconds for seconds, _ in self.answers)
        slow = sorted((each for each in self.answers if each[0] > max(SLOW, SLOWER * usual)), reverse=True)
        if not slow:
            return ""
        shown = "; ".join(f"{request[:WIDTH]} took {seconds:.1f} s" for seconds, request in slow[:SHOWN])
        more = f"; {len(slow) - SHOWN} more" if len(slow) > SHOWN else ""
        return f"{shown}{more}, where {usual:.2f} s is usual"
