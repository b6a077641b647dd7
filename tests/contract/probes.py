"""The requests that every run makes first: cheap and telling, the same each time.

Schemathesis gets them as examples, so it sends, checks and reports them like any other request. The allowed statuses
follow from the request itself (parsed_request.py), so one request can serve several purposes: pages are requested with
headers that must not change the answer, and wrong credentials are tried on pages that were read before, and on
definitions of each kind.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from schemathesis import Case

from .bodies import JSON
from .boundary_values import NO_INTEGERS, Query, encoded_queries, ignored, invalid, names, odd_ids, odd_queries, page
from .client_headers import ORDINARY
from .contract import Credential, Operation
from .filter_values import candidates
from .operation import INVALID, VALID, Parameter, spread
from .target import NIL, UNKNOWN_IDS, Ids, Target, made_up_ids
from .unnormalized import Raw, as_raw
from .wrong_credentials import NONE, Presented, kinds, placed, telling_kinds, wrong_value

T = TypeVar("T")

# Of a long list this many of the largest pages are read: from both ends, and spread between. And of smaller ones.
PAGES_READ, SMALL_PAGES_READ = 20, 5
# Page sizes that nobody would pick as a bound, and some that somebody might.
SIZES = (3, 98, 10, 64, 25, 33, 51, 12, 80, 30)
# Limits and offsets that THOROUGH=1 tries at most: spread over the list, and around the powers of two.
TRIED = 300
# Of the values of a further parameter, for how many a small page is read as well.
SMALL_FILTERED = 2
# How often a bound is asked for where one of several workers may not keep it.
WORKERS = 3
# Of what was made for it, how much is changed or deleted by our own requests; the rest is for Schemathesis's.
MADE = 2


def probes(known: Case[Any], target: Target, operation: Operation) -> list[Case[Any]]:
    """In the order of sending. `known` is any case of the operation."""
    make = Maker(known, target, operation)
    if not operation.is_safe:
        return list(make.changes())
    parts = [make.pages(), make.invalid(), make.refusals(), make.identifiers(), make.others(), make.filters()]
    if not operation.listing:
        return [make.ask(), *interleaved(*map(list, parts)), make.ask()]
    most, least = operation.limits[-1], operation.limits[0]
    # Twice, so that what a cache has is shown by what comes after.
    first = [make.ask(), *make.walk(most), *make.walk(most, 2), make.ask()]
    merged = interleaved(*map(list, parts))
    # Of two in a row, one is for each of two workers.
    empty = [make.ask(parent, make.page(make.fitting(size))) for parent in make.ids.empty for size in (5, 6)]
    last = [*make.walk(most, 2), make.ask(query=make.page(least)), *empty]
    thorough = make.thorough() if target.thorough and operation.is_offset_list else ()
    return [*first, *merged, *last, *thorough]


def interleaved(*lists: list[T]) -> list[T]:
    """All of them, each in its order, mixed without a pattern: one of several workers would answer each kind else."""
    lists = tuple(each[::-1] for each in lists)
    dice = Random(0)
    merged = []
    while any(lists):
        merged.append(dice.choices(lists, [len(each) for each in lists])[0].pop())
    return merged


def another_id(known: str) -> str:
    """One that differs in its last character."""
    return known[:-1] + ("1" if known[-1:] != "1" else "2")


def unknown_id(ids: Ids, parameter: Parameter | None) -> str:
    """An id that there is not, as the contract has them."""
    if parameter is None:
        return ""
    known = {*ids.readable, *ids.foreign, *ids.deleted}
    candidates = [*UNKNOWN_IDS, *(another_id(each) for each in ids.known)]
    judge = parameter.judge_one
    return next((each for each in candidates if each not in known and judge(each) == VALID), UNKNOWN_IDS[0])


class Maker:
    """Makes requests: with the right credentials unless told otherwise, each by itself where there are two."""

    def __init__(self, known: Case[Any], target: Target, operation: Operation) -> None:
        self.of_schemathesis, self.path = known.operation, known.path
        self.target, self.operation = target, operation
        self.ids = target.sent_of(operation)
        self.parent = self.ids.readable[0]
        self.unknown = unknown_id(self.ids, operation.in_path.get(operation.parent))
        self.total = target.total(operation, self.parent)
        self.credentials = [each for each in operation.credentials if each.variable in target.secrets]
        # Several operations share what looks at credentials.
        self.is_first = operation is target.tested[0]
        self.count = self.dressed = 0

    @property
    def limits(self) -> range:
        return self.operation.limits

    @property
    def default(self) -> int:
        listing = self.operation.listing
        return self.operation.defaults[listing.limit] if listing else 0

    def page(self, limit: object = None, offset: object = None) -> Query:
        return page(self.operation, limit, offset)

    def fitting(self, size: int) -> int:
        """The limit that comes nearest."""
        return min(max(size, self.limits[0]), self.limits[-1]) if self.limits else 0

    def ask(self, parent: str = "", query: Query | None = None, **headers: str) -> Case[Any]:
        # Two of three with the first one.
        self.count += 1
        if not self.credentials:
            return self.make(parent, query, NONE, headers)
        return self.make(parent, query, self.right(self.credentials[-1 if self.count % 3 == 0 else 0]), headers)

    def right(self, credential: Credential) -> Presented:
        value = credential.prefix + self.target.secrets[credential.variable]
        return placed(credential.place, credential.name, value)

    def ask_dressed(self, parent: str = "", query: Query | None = None) -> Case[Any]:
        """With headers that must not change anything."""
        self.dressed += 1
        return self.ask(parent, query, **self.own(ORDINARY[self.dressed % len(ORDINARY)]))

    def own(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Such headers with the names of this server."""
        url = urlsplit(self.target.base_url)
        own = {"origin": f"{url.scheme}://{url.netloc}", "host": url.netloc}
        return {name: value.format(**own) for name, value in headers.items()}

    def make(
        self, parent: str, query: Query | None, credentials: Presented, headers: Mapping[str, str] | None = None
    ) -> Case[Any]:
        sent = {**credentials.headers, **(headers or {})}
        if credentials.cookies:
            cookies = [sent.get("Cookie", ""), *(f"{name}={value}" for name, value in credentials.cookies.items())]
            sent["Cookie"] = "; ".join(filter(None, cookies))
        if set("?#") & set(parent):
            # Else they would end the path.
            parent = Raw(quote(parent, safe=""))
        parameters = {self.operation.parent: parent or self.parent} if self.operation.parent else {}
        case: Case[Any] = self.of_schemathesis.Case(path_parameters=parameters, headers=sent)
        case.query = {**self.required, **(query or {}), **credentials.query}
        return case

    def changes(self) -> Iterator[Case[Any]]:
        """What is refused comes first: what is made or deleted is so in the end."""
        carried = self.operation.carried
        bodies = list(carried.samples()) if carried else [None]

        def carrying(case: Case[Any], number: int) -> Case[Any]:
            if carried and bodies:
                case.body, case.media_type = carried.varied(bodies[number % len(bodies)], number), JSON
            return case

        if self.credentials:
            for number, kind in enumerate([NONE, *map(wrong_value, self.credentials)]):
                yield carrying(self.make(self.parent, None, kind), number)
            # Should one be taken, nothing is done.
            for kind in telling_kinds(self.target, self.operation):
                yield carrying(self.make(self.unknown, None, kind), 0)
        if self.operation.parent:
            nobodys = (self.unknown, NIL, *made_up_ids(self.target.seed)[:WORKERS])
            for number, parent in enumerate((*nobodys, "malformed")):
                yield carrying(self.ask(parent), number)
            for number, parent in enumerate((*self.ids.foreign * WORKERS, *self.ids.deleted * WORKERS)):
                yield carrying(self.ask_dressed(parent), number)
            for parent in (self.unknown, *self.ids.foreign) if self.credentials else ():
                yield carrying(self.make(parent, None, NONE), 0)
        for number, parent in enumerate(self.ids.known[:MADE]):
            yield carrying(self.ask(parent), 10 + number)
            # The same once more: it is there already, or is gone.
            yield carrying(self.ask(parent), 10 + number)

    @cached_property
    def required(self) -> Query:
        """A value for each parameter that has to be there."""
        found: Query = {}
        for name, parameter in self.operation.filters.items():
            if parameter.is_required:
                values = candidates(self.operation, name, self.samples)
                if values:
                    found[name] = parameter.written(values[0])
        return found

    @property
    def samples(self) -> tuple[object, ...]:
        return self.target.samples.get(self.operation.name, ())

    def walk(self, size: int, pages: int = PAGES_READ) -> Iterator[Case[Any]]:
        """All pages of that size, or of a long list some of them; the last one holds what is left."""
        for parent in self.ids.known:
            total = self.target.total(self.operation, parent)
            for offset in spread(range(0, max(total, 1), size), pages) if self.operation.is_offset_list else [0]:
                query = self.page(size, offset)
                yield self.ask(parent, query) if size == self.limits[-1] else self.ask_dressed(parent, query)

    def pages(self) -> Iterable[Case[Any]]:
        if not self.operation.listing:
            for number, parent in enumerate(self.ids.known * 3):
                yield (self.ask_dressed if number % 2 else self.ask)(parent)
            for query in ignored(self.operation):
                yield self.ask(query=dict(query))
            return
        least, most, default, total = self.limits[0], self.limits[-1], self.default, self.total
        # Small pages show what large ones cannot, an order by the size, and need not be all.
        for size in (self.fitting(37), default, least):
            yield from self.walk(size, SMALL_PAGES_READ)
        for number, size in enumerate(size for size in SIZES if size in self.limits):
            # Some with an offset that another size has as well.
            offset = 37 * (number // 2 % 2 + 1) if number % 2 else total * number // len(SIZES)
            yield self.ask_dressed(query=self.page(size, offset))
        for limit in (least, least + 1, default - 1, default + 1, most // 2, most - 1):
            yield self.ask_dressed(query=self.page(limit))
        if self.operation.is_offset_list:
            ends = (0, 1, default, total - 1, total, total + 1, 10**6)
            for offset in (*ends, 2**31 - 1, 2**31, 2**32, 2**53, 2**63):
                yield self.ask_dressed(query=self.page(offset=max(offset, 0)))
            yield self.ask(query=self.page(most, max(total - 1, 0)))
            # Where the list ends, and where both are the same.
            yield self.ask(query=self.page(self.fitting(7), max(total - self.fitting(7), 0)))
            yield self.ask(query=self.page(self.fitting(13), self.fitting(13)))
            yield from self.alike()
        for number, cursor in enumerate(self.target.cursors.get(self.operation.name, ())):
            at: Query = {self.operation.cursor_name: cursor}
            yield self.ask(query=self.page(most) | at)
            yield self.ask(query=self.page((None, self.fitting(7), least)[number % 3]) | at)
        for queries in (ignored(self.operation), map(as_raw, encoded_queries(self.operation))):
            for query in queries:
                yield self.ask(query=dict(query))

    def alike(self) -> Iterator[Case[Any]]:
        """What a cache with too simple a key takes for one request: twice two, each two with the same credential."""
        limit, offset = names(self.operation)
        one, other = self.fitting(7), self.fitting(13)
        pairs: tuple[tuple[Query, Query], ...] = (
            (self.page(one, other), self.page(other, one)),
            ({offset: one, limit: other}, {offset.upper(): one, limit.upper(): other}),
        )
        for pair in pairs:
            number = self.count
            for query in pair:
                self.count = number
                yield self.ask(query=query)

    def filters(self) -> Iterable[Case[Any]]:
        """Lists by further parameters: each by itself, on the largest page and on a small one, and two together."""
        first: list[Query] = []
        for name, parameter in self.operation.filters.items():
            values = candidates(self.operation, name, self.samples)
            for number, value in enumerate(values):
                query: Query = {name: parameter.written(value)}
                yield self.ask(query=query | self.page(self.limits[-1] if self.limits else None, 0))
                if number < SMALL_FILTERED:
                    yield self.ask_dressed(query=query | self.page(self.fitting(3), self.fitting(2)))
            first += [{name: parameter.written(value)} for value in values[:1]]
        for one, other in pairwise(first):
            yield self.ask(query=one | other | self.page(self.limits[-1] if self.limits else None, 0))

    def invalid(self) -> Iterable[Case[Any]]:
        # Parameters come before existence and access.
        parents = (self.unknown, *self.ids.empty, *self.ids.foreign)
        operation = self.operation
        queries = [*invalid(operation, self.parent), *((self.parent, as_raw(each)) for each in odd_queries(operation))]
        for number, (parent, query) in enumerate(queries):
            if number > len(queries) / 2 and number % 3 == 0 and parent == self.parent:
                parent = parents[number // 3 % len(parents)]
            yield (self.ask_dressed if number % 4 == 0 else self.ask)(parent, query)
        # Of the other parameters, what is none of their values: the fuzzing may not come to all of them.
        for name, parameter in operation.query.items():
            wrong = next((text for text in NO_INTEGERS if text and parameter.judge([text]) == INVALID), None)
            if name not in operation.defaults and wrong is not None:
                yield self.ask(query={name: wrong})
            most = parameter.schema.get("maxItems")
            if parameter.element and isinstance(most, int) and most < 50:
                for value in candidates(operation, name, self.samples)[:1] * (2 * WORKERS):
                    yield self.ask_dressed(query={name: parameter.written(value[:1] * (most + 1))})
        slash = self.ask()
        slash.path += "/"
        yield slash

    def refusals(self) -> Iterable[Case[Any]]:
        """Wrong credentials: on pages that were read with right ones, and where something else is wrong as well."""
        if not self.credentials:
            return
        page, default = self.page, self.default
        # Of what is no list, there is one page.
        least, most = (self.limits[0], self.limits[-1]) if self.limits else (0, 0)
        pages: list[tuple[str, Query]] = [
            (self.parent, page(most, 0)),
            (self.parent, {}),
            (self.parent, page(default, default)),
            (self.parent, page(most, most)),
            (self.parent, page(offset=1)),
            (self.parent, page(least)),
            (self.parent, page(offset=max(self.total, 1))),
            (self.parent, page(self.fitting(37), self.fitting(37))),
        ]
        others: list[tuple[str, Query]] = [
            *((parent, {}) for parent in (*self.ids.empty, *self.ids.foreign)),
            (self.unknown, {}),
            (self.parent, page(least - 1)),
            ("malformed", {}),
            (self.parent, page(offset="abc")),
        ]
        if not self.is_first:
            pages = [each for number, each in enumerate(pages) if each not in pages[:number]]
        yield self.make(self.parent, page(self.fitting(9), self.fitting(9)), NONE)
        yield self.ask(query=page(self.fitting(9), self.fitting(9)))
        for parent, query in others:
            yield self.make(parent, query, NONE)
        for number, (parent, query) in enumerate(pages):
            # Whatever else is sent, none of it is a credential: all of it with one page or another.
            # Where two name the same header, the one that stands first counts: it is what a browser sends.
            headers = {name: value for each in ORDINARY[number :: len(pages)][::-1] for name, value in each.items()}
            yield self.make(parent, query, NONE, self.own(headers))
        for parent in (self.unknown, *self.ids.foreign[:1]):
            yield self.make(parent, None, wrong_value(self.credentials[0]))
        places = pages + others + pages
        tried = kinds if self.is_first else telling_kinds
        for number, kind in enumerate(tried(self.target, self.operation)):
            yield self.make(*places[number % len(places)], kind)
        if not self.is_first:
            for credential in self.credentials:
                yield self.make(self.parent, page(most), wrong_value(credential))

    def identifiers(self) -> Iterable[Case[Any]]:
        if not self.operation.parent:
            return
        yield self.ask(self.unknown)
        yield self.ask(self.unknown, self.page(self.limits[-1] if self.limits else None, 0), **ORDINARY[0])
        # One that differs in its last digit from one that is there.
        yield self.ask(another_id(self.parent))
        yield self.ask(NIL)
        for parent in self.ids.deleted * WORKERS:
            yield self.ask_dressed(parent)
        for number, text in enumerate(odd_ids(self.parent)):
            # The first one is the contract's own, in capitals: for whoever asks.
            for credential in self.credentials if number == 0 else ():
                yield self.make(text, self.page(self.fitting(2)), self.right(credential))
            if number or not self.credentials:
                yield self.ask(text, self.page(self.fitting(2)))
        yield self.ask(Raw(self.parent.replace("-", "%2D", 2)), self.page(self.fitting(2)))
        yield self.ask(Raw(self.parent + "%FF"))

    def others(self) -> Iterable[Case[Any]]:
        """Lists that are empty, and those that must not be shown."""
        most = self.limits[-1] if self.limits else 0
        pages: tuple[Query, ...] = ({}, self.page(most, 0), self.page(most, most))
        for parent in self.ids.empty:
            for query in pages:
                yield self.ask(parent, query)
        for parent in self.ids.foreign:
            for query in pages:
                yield self.ask(parent, query)
            yield self.ask(parent.upper(), self.page(self.default, self.default))
        # They are told from one that does not exist by nothing: not by its refusal, nor by what is judged before.
        for parent in (self.unknown, *self.ids.foreign):
            yield self.ask(parent, self.page(self.limits[0] - 1 if self.limits else None))

    def thorough(self) -> Iterable[Case[Any]]:
        """Every limit, and many offsets: one of them may be answered unlike its neighbours."""
        for limit in spread(self.limits, TRIED):
            # Somewhere in the list, and where the page is full.
            offset = self.total * limit // len(self.limits) // 2
            yield self.ask(query=self.page(limit, max(min(offset, self.total - limit), 0)))
        powers = {2**bits + more for bits in range(3, 33) for more in (-1, 0, 1)}
        rounds = {digit * 10**zeros for zeros in range(1, 8) for digit in (1, 2, 5)}
        for offset in sorted({*spread(range(self.total + 2), TRIED), *powers, *rounds}):
            yield self.ask(query=self.page(self.limits[0], offset))
