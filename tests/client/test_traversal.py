"""The traversal algorithm, on a list that a state machine changes between requests."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ks_workflow_runs._traversal import (
    Page,
    PageContent,
    PageRequest,
    Position,
    Traversal,
    traverse_by_cursor,
    traverse_by_offset,
)
from ks_workflow_runs.errors import ListChangedError


def page_of(runs: Sequence[int], page_request: PageRequest, cap: int = 100) -> PageContent:
    """Return the page of a server with these runs, which gives `cap` runs per page at most."""
    items = runs[page_request.offset : page_request.offset + min(cap, page_request.limit)]
    return PageContent(items, [UUID(int=run) for run in items], len(runs))


class Reading(RuleBasedStateMachine):
    """Reads a list of numbered runs, one request at a time, while it changes."""

    traversal: Traversal

    @initialize(
        size=st.integers(0, 40),
        offset=st.integers(0, 12),
        page_size=st.integers(2, 7),
        concurrency=st.integers(1, 4),
        cap=st.integers(2, 8),
    )
    def start(self, size: int, offset: int, page_size: int, concurrency: int, cap: int) -> None:
        self.runs = list(range(size))
        self.next_id = size
        self.offset, self.cap = offset, cap
        self.begun: list[int] | None = None
        self.deleted: set[int] = set()
        self.yielded: list[int] = []
        self.done = False
        self.traversal = traverse_by_offset(Position.at("", offset), page_size, concurrency)
        self.pending: list[PageRequest] = []
        self.answers: dict[PageRequest, PageContent] = {}
        self.advance(None)

    def advance(self, answer: PageContent | None) -> None:
        try:
            step = next(self.traversal) if answer is None else self.traversal.send(answer)
            while isinstance(step, Page):
                assert step.items, "an empty page was yielded"
                self.yielded += step.items
                assert step.read == len(self.yielded)
                step = self.traversal.send(None)
            self.pending = step
            self.answers = {page_request: page for page_request, page in self.answers.items() if page_request in step}
        except StopIteration:
            self.done = True

    @rule(place=st.integers(0, 60), count=st.integers(1, 9))
    def insert(self, place: int, count: int) -> None:
        self.runs[place:place] = range(self.next_id, self.next_id + count)
        self.next_id += count

    @rule(place=st.integers(0, 60), count=st.integers(1, 25))
    def delete(self, place: int, count: int) -> None:
        self.deleted.update(self.runs[place : place + count])
        del self.runs[place : place + count]

    @precondition(lambda self: not self.done)
    @rule(index=st.integers(0, 3))
    def answer_one(self, index: int) -> None:
        """Answer the requests of one step in any order, with changes in between."""
        if self.begun is None:
            self.begun = list(self.runs)
        open_ = [page_request for page_request in self.pending if page_request not in self.answers]
        page_request = open_[index % len(open_)]
        self.answers[page_request] = page_of(self.runs, page_request, self.cap)
        while not self.done and self.pending[0] in self.answers:
            self.advance(self.answers.pop(self.pending[0]))

    def teardown(self) -> None:
        if not hasattr(self, "begun"):
            return
        requests = 0
        while not self.done:
            self.answer_one(0)
            requests += 1
            assert requests < 1000, "it does not end on a stable list"
        assert len(self.yielded) == len(set(self.yielded)), "a run was yielded twice"
        persistent = [run for run in (self.begun or [])[self.offset :] if run not in self.deleted]
        kept = set(persistent)
        assert [run for run in self.yielded if run in kept] == persistent, "a run was lost, or is out of order"


Reading.TestCase.settings = settings(max_examples=150, stateful_step_count=40, derandomize=True, deadline=None)
TestReading = Reading.TestCase


def read_all(runs: Sequence[int], traversal: Traversal, cap: int = 100) -> tuple[list[int], list[list[PageRequest]]]:
    yielded: list[int] = []
    asked: list[list[PageRequest]] = []
    answer: PageContent | None = None
    while True:
        try:
            step = traversal.send(answer)
        except StopIteration:
            return yielded, asked
        if isinstance(step, Page):
            yielded += step.items
            answer = None
        else:
            asked.append(step)
            answer = page_of(runs, step[0], cap)


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_a_stable_list_takes_the_minimum_of_requests(concurrency: int) -> None:
    yielded, asked = read_all(range(1000), traverse_by_offset(Position.at("", 0), 100, concurrency))
    assert yielded == list(range(1000))
    # 99 new runs a page, and one of overlap.
    assert [page_request[0].offset for page_request in asked] == list(range(0, 1000, 99))
    assert {page.offset for page_request in asked for page in page_request} == set(range(0, 1000, 99))
    assert max(map(len, asked)) == concurrency


@pytest.mark.parametrize(("offset", "expected"), [(0, 10), (1, 9), (5, 5), (9, 1), (10, 0), (500, 0)])
def test_runs_before_the_offset_are_skipped(offset: int, expected: int) -> None:
    yielded, _ = read_all(range(10), traverse_by_offset(Position.at("", offset), 4, 1))
    assert yielded == list(range(10))[offset:] and len(yielded) == expected


def test_a_server_with_smaller_pages_is_read_completely() -> None:
    yielded, asked = read_all(range(100), traverse_by_offset(Position.at("", 0), 50, 4), cap=10)
    assert yielded == list(range(100))
    assert {page.limit for page_request in asked[1:] for page in page_request} == {10}


def test_a_list_that_changes_too_fast_is_an_error() -> None:
    traversal = traverse_by_offset(Position.at("", 0), 10, 1)
    step = next(traversal)
    generation, yielded = 0, 0
    with pytest.raises(ListChangedError) as raised:
        while True:
            if isinstance(step, Page):
                yielded += len(step.items)
                step = traversal.send(None)
            else:
                # Each request gets a list of new runs only, with the same total: none is ever known.
                generation += 1000
                assert generation < 1_000_000
                due = step[0].offset
                runs = range(generation, generation + 1000) if due else [1, *range(generation, generation + 999)]
                step = traversal.send(page_of(runs, step[0]))
    assert raised.value.seen == yielded > 0


def test_a_server_that_returns_one_run_per_page_is_an_error() -> None:
    with pytest.raises(ListChangedError):
        read_all(range(100), traverse_by_offset(Position.at("", 0), 10, 1), cap=1)


def read_by_cursor(pages: dict[str | None, PageContent], position: Position) -> list[int]:
    traversal = traverse_by_cursor(position, 10)
    yielded: list[int] = []
    answer: PageContent | None = None
    while True:
        try:
            step = traversal.send(answer)
        except StopIteration:
            return yielded
        if isinstance(step, Page):
            assert step.items, "an empty page was yielded"
            yielded += step.items
            assert step.read == len(position.seen) == len(yielded)
            answer = None
        else:
            [page_request] = step
            assert (page_request.offset, page_request.limit) == (0, 10)
            answer = pages[page_request.cursor]


def cut(*pages: Sequence[int]) -> dict[str | None, PageContent]:
    """Return pages of a list by their cursors, which are their numbers."""
    last = len(pages) - 1
    return {
        str(number) if number else None: PageContent(page, page, None, None if number == last else str(number + 1))
        for number, page in enumerate(pages)
    }


def test_a_list_with_cursors_is_read_completely() -> None:
    assert read_by_cursor(cut([1, 2], [3], [4, 5]), Position.at("", 0)) == [1, 2, 3, 4, 5]
    assert read_by_cursor(cut([]), Position.at("", 0)) == []


def test_repeated_runs_are_yielded_once_by_cursor() -> None:
    assert read_by_cursor(cut([1, 2], [2, 3], [1], [4]), Position.at("", 0)) == [1, 2, 3, 4]


def test_empty_pages_are_skipped_up_to_a_limit() -> None:
    assert read_by_cursor(cut([1], *[[]] * 100, [2], *[[]] * 100, [3]), Position.at("", 0)) == [1, 2, 3]
    position = Position.at("", 0)
    with pytest.raises(ListChangedError, match=r"101 pages in a row had no new items \(1 items were read\)") as raised:
        read_by_cursor(cut([1], *[[]] * 101, [2]), position)
    assert raised.value.seen == 1
    # The position is behind the empty pages.
    assert position.cursor == "102"
