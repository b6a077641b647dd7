"""Lists by cursor: reading page by page yields each item once, with any page size."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ..contract import contract
from ..interaction import Interaction, resend
from ..pages import Page, describe_item, shorten
from ..run_state import run_state
from .base import Check, PagesContradict, UnexpectedStatus, check
from .page_comparison import REQUESTS, TRIES

# Limits: pages per walk, consecutive empty pages, and walks of one list.
PAGES, EMPTY, WALKS = 45, 5, 4
# How often an item must be missing between two walks that contain it.
PROOFS = 2


@dataclass
class Walk:
    """A list read from its start, page by page."""

    first: Page
    keys: dict[str, Page] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def place(self) -> str:
        limit = f"{self.first.operation.listing.limit} {self.first.limit}" if self.first.operation.listing else ""
        return limit if self.first.is_limited else "no limit"


class CursorWalks(Check):
    def __init__(self) -> None:
        self.walks: dict[object, list[Walk]] = {}
        self.requests = 4 * REQUESTS
        self.is_done = False

    def judge(self, found: Interaction) -> bool | None:
        page = found.page
        if page is None or not page.operation.is_cursor_list or self.is_done:
            return True
        if page.cursor is not None:
            return None
        walks = self.walks.setdefault(page.list_key, [])
        known = max((len(each.keys) for each in walks), default=0)
        is_new = all((page.limit, page.is_limited) != (each.first.limit, each.first.is_limited) for each in walks)
        if not is_new or len(walks) >= WALKS or known > PAGES * page.limit or self.requests <= 0:
            return None
        walk = self.walk(page)
        for each in walks:
            if each.is_whole and walk.is_whole:
                self.compare(each, walk)
        walks.append(walk)
        return None

    def resend(self, case: Any) -> Interaction:
        sent = run_state().sent
        found = resend(case)
        self.requests -= run_state().sent - sent
        return found

    def walk(self, page: Page) -> Walk:
        """Read a list from its first page on. Raises PagesContradict if it does not end, or an item comes twice."""
        walk, cursors, empty = Walk(page, dict.fromkeys(page.keys, page)), set[str](), 0
        first, listing = page, page.operation.listing
        assert listing is not None
        for _ in range(PAGES):
            cursor = page.next_cursor
            if cursor is None:
                return walk
            if cursor in cursors:
                self.is_done = True
                raise PagesContradict(
                    f"the list never ends: {listing.next_cursor} '{shorten(cursor)}' is repeated after "
                    f"{len(cursors) + 1} pages with {walk.place}"
                )
            cursors.add(cursor)
            found = self.resend(first.case.derive(keep_auth=True, query={**first.case.query, listing.cursor: cursor}))
            if found.page is None:
                self.require_accepted_cursor(found, page)
                break
            page = found.page
            empty = 0 if page.items else empty + 1
            if empty == EMPTY:
                self.is_done = True
                raise PagesContradict(
                    f"the list never ends: {EMPTY} pages in a row have no items, but a {listing.next_cursor}"
                )
            for number, key in enumerate(page.keys):
                if key in walk.keys or key in page.keys[:number]:
                    self.is_done = True
                    raise PagesContradict(
                        f"{describe_item(page.operation, key)} must appear once in the list (got it with "
                        f"{walk.keys.get(key, page).place} and with {page.place})"
                    )
            walk.keys.update(dict.fromkeys(page.keys, page))
        walk.is_whole = False
        run_state().inconclusive.add(type(self).__name__)
        return walk

    def require_accepted_cursor(self, found: Interaction, page: Page) -> None:
        """A cursor from a page must be accepted."""
        operation = found.operation
        passing = {0, operation.page_status} | operation.transient_statuses | operation.refused("credentials")
        # One of several workers may refuse every request, which has nothing to do with cursors.
        if found.status not in passing and self.resend(found.case).status == found.status:
            self.is_done = True
            raise UnexpectedStatus(
                f"{operation.cursor_name} '{shorten(page.next_cursor)}' comes from the page with {page.place}: the "
                f"status must be {operation.page_status} (got {found.status})"
            )

    def compare(self, one: Walk, other: Walk) -> None:
        """Two walks with different page sizes must yield the same items in the same order."""
        listing = one.first.operation.listing
        places = {key: number for number, key in enumerate(one.keys)}
        for before, after in pairwise(key for key in other.keys if key in places):
            if listing and listing.order and places[before] > places[after]:
                self.is_done = True
                raise PagesContradict(
                    f"{describe_item(one.first.operation, before)} comes before {after} with {other.place}, but after "
                    f"it with {one.place}"
                )
        if one.keys.keys() == other.keys.keys():
            return
        proofs: list[str] = []
        for _ in range(TRIES):
            if self.requests <= 0:
                break
            first, second, third = (self.repeat_walk(each) for each in (one, other, one))
            if first is None or second is None or third is None:
                break
            lost = [key for key in first.keys if key in third.keys and key not in second.keys]
            if not lost:
                if first.keys.keys() >= second.keys.keys():
                    return
                # The other walk loses them.
                one, other = other, one
                continue
            proofs.append(lost[0])
            if proofs.count(lost[0]) == PROOFS:
                self.is_done = True
                raise PagesContradict(
                    f"{describe_item(one.first.operation, lost[0])} is in the list with {one.place}, but not with "
                    f"{other.place}, in repeated alternating reads"
                )
        run_state().inconclusive.add(type(self).__name__)

    def repeat_walk(self, walk: Walk) -> Walk | None:
        found = self.resend(walk.first.case).page
        made = self.walk(found) if found else None
        return made if made and made.is_whole else None


if any(each.is_cursor_list for each in contract().operations):

    @check
    class each_item_once(CursorWalks):
        """Reading a list page by page ends, and yields each item once, with any page size."""
