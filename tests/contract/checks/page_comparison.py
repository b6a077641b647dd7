"""Checks that hold pages against each other, and make sure before they accuse.

The list may change between two requests. So of two pages that do not go together, the first is asked for again, then
the second, then the first once more: if the first one is what it was, nothing happened in between that could explain
the second. Items may come and go in so short a time, too: it takes several such proofs, and no proof to the contrary.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from ..interaction import Interaction, resend_for_page
from ..pages import Page
from ..run_state import run_state
from .base import Check

# How often two pages are asked for again, and how often they must not go together.
TRIES = 8
PROOFS = 3
# How often a page is asked for again after what came before it, which may be what makes the difference.
CONTEXTS = 3
# How many requests a check makes to be sure of differences before it gives up on a list that changes all the time.
REQUESTS = 60
# How often it looks again for what exactly is wrong.
MAX_PROBES = 4
# How often what was gone must be there again: once might be a copy of the database that was a moment behind.
RETURNS = 3

Differ = Callable[[Page, Page], object]
"""In what two pages do not go together; False if they do, None if it cannot be told from these two."""


class ComparingCheck(Check):
    """A check that holds each page against earlier ones."""

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
        """What is held against others: pages of lists, unless a check says otherwise."""
        return found.page

    def compare(self, page: Page, found: Interaction) -> bool | None:
        raise NotImplementedError

    def confirm(self, first: Page, second: Page, differ: Differ) -> tuple[Page, Page] | Literal[False] | None:
        """Asks for both again. Gives pages at most once: of what was found, one case is enough."""
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
    """Both pages, not going together though the list stands still; False if they do, None if it never stands still.

    In its context, the second one is asked for after what came before it the first time.
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
        # What shows more of the list shows better whether that changes.
        first, second = second, first
    found_differences: list[object] = []
    for _ in range(TRIES):
        # Three requests, so that a list that is another one for each second request meets each page in either state.
        before, between, after = map(ask, (first, second, first))
        if not before or not between or not after or differ(before, after) is not False:
            continue
        if (before.total, before.keys) != (after.total, after.keys):
            continue
        found = differ(before, between)
        if found is False:
            return False
        if isinstance(found, tuple) and found[::-1] in found_differences:
            # It is the list that changes, in step with the requests.
            return None
        found_differences.append(found)
        if found and found_differences.count(found) == PROOFS:
            return before, between
    return None
