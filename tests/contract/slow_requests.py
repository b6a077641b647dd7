"""Reports slow requests. An observation, because the contract promises no response times."""

import statistics
from dataclasses import dataclass, field

from schemathesis import Response

from .contract import contract

# Both must be exceeded: seconds, and a multiple of the median.
SLOW, SLOWER = 1.0, 10
# Maximum number of slow requests shown, and characters of each.
SHOWN, WIDTH = 3, 60


def refusals() -> frozenset[int]:
    return frozenset(each for operation in contract().operations for each in operation.refused("credentials", "any"))


@dataclass
class Times:
    """The duration of each request. Nothing is repeated to measure it."""

    answers: list[tuple[float, str]] = field(default_factory=list)
    """Seconds and request."""

    def note(self, response: Response) -> None:
        # Excluded: missing responses, refusals that servers delay on purpose, and transient responses.
        if response.status_code not in {0} | set(refusals()):
            path, _, query = (response.request.url or "").partition("?")
            self.answers.append((response.elapsed, query or path.rpartition(f"{contract().prefix}/")[2]))

    @property
    def slow(self) -> str:
        """A description in one line; empty if no request was slow."""
        if not self.answers:
            return ""
        usual = statistics.median(seconds for seconds, _ in self.answers)
        slow = sorted((each for each in self.answers if each[0] > max(SLOW, SLOWER * usual)), reverse=True)
        if not slow:
            return ""
        shown = "; ".join(f"{request[:WIDTH]} took {seconds:.1f} s" for seconds, request in slow[:SHOWN])
        more = f"; {len(slow) - SHOWN} more" if len(slow) > SHOWN else ""
        return f"{shown}{more} (median {usual:.2f} s)"
