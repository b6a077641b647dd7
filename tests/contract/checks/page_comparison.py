"""Base of checks that compare pages, and confirm a difference before they report it.

The list may change between two requests. So if two pages contradict each other, the first is requested again, then the
second, then the first: if the first is unchanged, no change of the list explains the second. Items can also come and go
within such a short time. So a contradiction must be reproduced several times, and never be refuted.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from ..interaction import Interaction, resend_for_page
from ..pages import Page
from ..run_state import run_state
from .base import Check

# Attempts to reproduce a contradiction, and how many must succeed.
TRIES = 8
PROOFS = 3
# How often a page is requested right after the requests that preceded it, as these may cause the difference.
CONTEXTS = 3
# Requests of a check to confirm differences, before it gives up on a list that always changes.
REQUESTS = 60
# How often a check sends further requests for a better message.
MAX_PROBES = 4
# How often a deleted item must return: once may be a replica that lags behind.
RETURNS = 3

Differ = Callable[[Page, Page], object]
"""Return how two pages contradict each other; False if they do not, None if these two cannot tell."""


class ComparingCheck(Check):
    """A check that compares each page with earlier ones."""

    def __init__(self) -> None:
        self.requests = REQUESTS
        self.contexts = CONTEXTS
        self.is_done = False

    def judge(self, found: Interaction) -> bool | None:
        page = self.page_of(found)
        if page is None or self.is_done:
            return True
        return self.compare(page, found)

    @staticmethod
    def page_of(found: Interaction) -> Page | None:
        """Return the page to compare. By default only pages of lists are compared."""
        return found.page

    def compare(self, page: Page, found: Interaction) -> bool | None:
        raise NotImplementedError

    def confirm(self, first: Page, second: Page, differ: Differ) -> tuple[Page, Page] | Literal[False] | None:
        """Reproduce a contradiction. Returns pages at most once per run: one case is enough."""
        found = None
        if self.requests > 0:
            sent = run_state().sent
            found = reproduce(first, second, differ)
            if found is False and second.preceding and self.contexts > 0:
                self.contexts -= 1
                found = reproduce(first, second, differ, in_context=True)
            self.requests -= run_state().sent - sent
        if found is None:
            run_state().inconclusive.add(type(self).__name__)
        if not found:
            run_state().suspects.append(second)
        self.is_done = bool(found)
        return found


def reproduce(
    first: Page, second: Page, differ: Differ, in_context: bool = False
) -> tuple[Page, Page] | Literal[False] | None:
    """Return both pages if they contradict each other while the list is stable.

    False if they do not, None if the list never is stable. With `in_context`, the second page is requested after the
    requests that preceded it the first time.
    """
    doubted = second

    def ask(page: Page) -> Page | None:
        if not in_context or page is not doubted:
            return resend_for_page(page.case)
        for request in page.preceding.values():
            run_state().session.send_concurrently([request])
        found = resend_for_page(page.case)
        what = " and ".join(map(str, page.preceding))
        return replace(found, context=f" right after an answer with {what}") if found else None

    if len(first.items) < len(second.items):
        # The page that shows more of the list shows changes better.
        first, second = second, first
    found_differences: list[object] = []
    for _ in range(TRIES):
        # Three requests, so that a server that alternates between two lists shows each page in both states.
        before, between, after = map(ask, (first, second, first))
        if not before or not between or not after or differ(before, after) is not False:
            continue
        if (before.total, before.keys) != (after.total, after.keys):
            continue
        found = differ(before, between)
        if found is False:
            return False
        if isinstance(found, tuple) and found[::-1] in found_differences:
            # The list itself changes, in step with the requests.
            return None
        found_differences.append(found)
        if found and found_differences.count(found) == PROOFS:
            return before, between
    return None
