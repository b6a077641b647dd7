"""The requests that every run makes first: cheap and telling, the same each time.

They go to Schemathesis as examples, so that it sends, checks and reports them like any other. What is right in answer
to each follows from the request itself (asked.py). So a request can serve several ends: pages are asked for with
headers that change nothing, wrong credentials are tried on pages that were read before, and on definitions of each
kind.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core.parameters import RAW_QUERY_STRING_KEY, RawQueryString

from .contract import contract
from .operation import DEFAULTS, IN_PATH, INVALID, LIMITS, PARAMETERS, VALID
from .spellings import ENCODED_QUERIES, IGNORED, LIMIT, NO_INTEGERS, QUERIES, Query, invalid, odd_ids, page
from .target import Target
from .under_way import under_way
from .wrong_credentials import NONE, Presented, kinds, placed, wrong_value

T = TypeVar("T")

# Nobody has these: a version 4 UUID made by dice once, and a large number.
UNKNOWN_IDS = ("d1f0a3c6-5b7e-4c92-8e4d-2a96b07f83e5", "2147483629")
NIL = "00000000-0000-0000-0000-000000000000"
# Of a long list this many of the largest pages are read: from both ends, and spread between. And of smaller ones.
PAGES_READ, SMALL_PAGES_READ = 20, 5
# Page sizes that nobody would pick as a bound, and some that somebody might.
SIZES = (3, 98, 10, 64, 25, 33, 51, 12, 80, 30)
# Limits and offsets that THOROUGH=1 tries at most: spread over the list, and around the powers of two.
TRIED = 300

BROWSER = "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
# What clients, proxies and browsers send besides, and what must change nothing.
ORDINARY: tuple[dict[str, str], ...] = (
    {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"},
    {"Accept": "application/json, text/plain, */*", "Origin": "{origin}"},
    {"User-Agent": BROWSER, "DNT": "1", "Save-Data": "on"},
    {"Accept-Language": "de-DE,de;q=0.9,fr;q=0.5"},
    {"Accept-Encoding": "identity"},
    {"X-Requested-With": "XMLHttpRequest"},
    {"Accept": "application/xml, application/json;q=0.5"},
    {"User-Agent": "curl/8.5.0"},
    {"If-None-Match": '"no-such-tag"'},
    {"Accept-Encoding": "deflate"},
    {"Content-Type": "text/plain"},
    {"User-Agent": "python-requests/2.32.3"},
    {"Cookie": 'theme="dark"; lang=de'},
    {"If-Modified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
    {"Cache-Control": "no-cache", "Pragma": "no-cache"},
    {"Referer": "{origin}/page"},
    {"Prefer": "return=minimal"},
    {"Range": "items=0-4"},
    {"Accept-Charset": "iso-8859-1, utf-8;q=0.5"},
    {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "{host}", "Via": "1.1 proxy"},
    {"Accept": "application/json", "Content-Type": "application/json"},
    {"Forwarded": "for=203.0.113.7", "Purpose": "prefetch", "If-Match": "*"},
    {"X-HTTP-Method-Override": "HEAD"},
    {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "X-Request-ID": "1", "X-Debug": "1"},
    {"Accept": "application/json;q=0.9"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Accept-Language": "ar"},
    {"Accept-Encoding": "gzip"},
)


def probes(known: Case[Any], target: Target) -> list[Case[Any]]:
    """In the order of sending. `known` is any case of the operation."""
    make = Maker(known, target)
    most, least = LIMITS[-1], LIMITS[0]
    # Twice, so that what a cache has is shown by what comes after.
    first = [make.ask(), *make.walk(most), *make.walk(most, 2), make.ask()]
    merged = interleaved(
        list(make.pages()), list(make.invalid()), list(make.refusals()), list(make.identifiers()), list(make.others())
    )
    # Of two in a row, one is for each of two workers.
    empty = [make.ask(parent, page(fitting(size))) for parent in target.empty for size in (5, 6)]
    last = [*make.walk(most, 2), make.ask(query=page(least)), *empty]
    return [*first, *merged, *last, *(make.thorough() if target.thorough else ())]


def spread(values: Sequence[int], number: int) -> list[int]:
    """That many of the values: from both ends, and spread between."""
    if len(values) <= number:
        return list(values)
    return sorted({values[round(part * (len(values) - 1) / (number - 1))] for part in range(number)})


def interleaved(*lists: list[T]) -> list[T]:
    """All of them, each in its order, mixed without a pattern: one of several workers would answer each kind else."""
    lists = tuple(each[::-1] for each in lists)
    dice = Random(0)
    merged = []
    while any(lists):
        merged.append(dice.choices(lists, [len(each) for each in lists])[0].pop())
    return merged


def fitting(size: int) -> int:
    """The limit that comes nearest."""
    return min(max(size, LIMITS[0]), LIMITS[-1])


def another_id(known: str) -> str:
    """One that differs in its last character."""
    return known[:-1] + ("1" if known[-1:] != "1" else "2")


def unknown_id(target: Target) -> str:
    """An id that there is not, as the contract has them."""
    known = {*target.readable, *target.foreign}
    candidates = [*UNKNOWN_IDS, *(another_id(each) for each in target.definitions)]
    judge = IN_PATH[contract().parent].judge_one
    return next((each for each in candidates if each not in known and judge(each) == VALID), UNKNOWN_IDS[0])


class Raw(str):
    """An id as it is to stand in the address."""


class Maker:
    """Makes requests: with the right credentials unless told otherwise, each by itself where there are two."""

    def __init__(self, known: Case[Any], target: Target) -> None:
        self.operation, self.path = known.operation, known.path
        self.target = target
        self.parent, self.unknown = target.definitions[0], unknown_id(target)
        self.total = target.totals.get(self.parent, 0)
        self.credentials = [each for each in contract().credentials if each.variable in target.secrets]
        self.asked = self.dressed = 0

    def ask(self, parent: str = "", query: Query | None = None, **headers: str) -> Case[Any]:
        # Two of three with the first one.
        credential = self.credentials[-1 if self.asked % 3 == 2 else 0]
        self.asked += 1
        value = credential.prefix + self.target.secrets[credential.variable]
        return self.make(parent, query, placed(credential.place, credential.name, value), headers)

    def ask_dressed(self, parent: str = "", query: Query | None = None) -> Case[Any]:
        """With headers that must not change anything."""
        self.dressed += 1
        url = urlsplit(self.target.base_url)
        own = {"origin": f"{url.scheme}://{url.netloc}", "host": url.netloc}
        headers = ORDINARY[self.dressed % len(ORDINARY)]
        return self.ask(parent, query, **{name: value.format(**own) for name, value in headers.items()})

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
        parameters = {contract().parent: parent or self.parent}
        case: Case[Any] = self.operation.Case(path_parameters=parameters, headers=sent)
        case.query = {**(query or {}), **credentials.query}
        return case

    def walk(self, size: int, pages: int = PAGES_READ) -> Iterator[Case[Any]]:
        """All pages of that size, or of a long list some of them; the last one holds what is left."""
        for parent in self.target.definitions:
            total = self.target.totals.get(parent, 0)
            for offset in spread(range(0, max(total, 1), size), pages):
                query = page(size, offset)
                yield self.ask(parent, query) if size == LIMITS[-1] else self.ask_dressed(parent, query)

    def pages(self) -> Iterable[Case[Any]]:
        least, most, default, total = LIMITS[0], LIMITS[-1], DEFAULTS[LIMIT], self.total
        # Small pages show what large ones cannot, an order by the size, and need not be all.
        for size in (fitting(37), default, least):
            yield from self.walk(size, SMALL_PAGES_READ)
        for number, size in enumerate(size for size in SIZES if size in LIMITS):
            # Some with an offset that another size has as well.
            offset = 37 * (number // 2 % 2 + 1) if number % 2 else total * number // len(SIZES)
            yield self.ask_dressed(query=page(size, offset))
        for limit in (least, least + 1, default - 1, default + 1, most // 2, most - 1):
            yield self.ask_dressed(query=page(limit))
        ends = (0, 1, default, total - 1, total, total + 1, 10**6)
        for offset in (*ends, 2**31 - 1, 2**31, 2**32, 2**53, 2**63):
            yield self.ask_dressed(query=page(offset=max(offset, 0)))
        yield self.ask(query=page(most, max(total - 1, 0)))
        # Where the list ends, and where both are the same.
        yield self.ask(query=page(fitting(7), max(total - fitting(7), 0)))
        yield self.ask(query=page(fitting(13), fitting(13)))
        for queries in (IGNORED, map(as_raw, ENCODED_QUERIES)):
            for query in queries:
                yield self.ask(query=dict(query))

    def invalid(self) -> Iterable[Case[Any]]:
        # Parameters come before existence and access.
        parents = (self.unknown, *self.target.empty, *self.target.foreign)
        queries = [*invalid(self.parent), *((self.parent, as_raw(query)) for query in QUERIES)]
        for number, (parent, query) in enumerate(queries):
            if number > len(queries) / 2 and number % 3 == 0 and parent == self.parent:
                parent = parents[number // 3 % len(parents)]
            yield (self.ask_dressed if number % 4 == 0 else self.ask)(parent, query)
        # Of the other parameters, what is none of their values: the fuzzing may not come to all of them.
        for name, parameter in PARAMETERS.items():
            wrong = next((text for text in NO_INTEGERS if text and parameter.judge([text]) == INVALID), None)
            if name not in DEFAULTS and wrong is not None:
                yield self.ask(query={name: wrong})
        slash = self.ask()
        slash.path += "/"
        yield slash

    def refusals(self) -> Iterable[Case[Any]]:
        """Wrong credentials: on pages that were read with right ones, and where something else is wrong as well."""
        most, default = LIMITS[-1], DEFAULTS[LIMIT]
        pages: list[tuple[str, Query]] = [
            (self.parent, page(most, 0)),
            (self.parent, {}),
            (self.parent, page(default, default)),
            (self.parent, page(most, most)),
            (self.parent, page(offset=1)),
            (self.parent, page(LIMITS[0])),
            (self.parent, page(offset=max(self.total, 1))),
            (self.parent, page(fitting(37), fitting(37))),
        ]
        others: list[tuple[str, Query]] = [
            *((parent, {}) for parent in (*self.target.empty, *self.target.foreign)),
            (self.unknown, {}),
            (self.parent, page(LIMITS[0] - 1)),
            ("malformed", {}),
            (self.parent, page(offset="abc")),
        ]
        yield self.make(self.parent, page(fitting(9), fitting(9)), NONE)
        yield self.ask(query=page(fitting(9), fitting(9)))
        for parent, query in pages + others:
            # A browser is not sent elsewhere either.
            yield self.make(parent, query, NONE, ORDINARY[0] if query == page(LIMITS[0]) else None)
        for parent in (self.unknown, *self.target.foreign[:1]):
            yield self.make(parent, None, wrong_value(self.credentials[0]))
        places = pages + others + pages
        for number, kind in enumerate(kinds(self.target)):
            yield self.make(*places[number % len(places)], kind)

    def identifiers(self) -> Iterable[Case[Any]]:
        yield self.ask(self.unknown)
        yield self.ask(self.unknown, page(LIMITS[-1], 0), **ORDINARY[0])
        # One that differs in its last digit from one that is there.
        yield self.ask(another_id(self.parent))
        yield self.ask(NIL)
        for text in odd_ids(self.parent):
            yield self.ask(text, page(fitting(2)))
        yield self.ask(Raw(self.parent.replace("-", "%2D", 2)), page(fitting(2)))
        yield self.ask(Raw(self.parent + "%FF"))

    def others(self) -> Iterable[Case[Any]]:
        """Lists that are empty, and those that must not be shown."""
        most, default = LIMITS[-1], DEFAULTS[LIMIT]
        pages: tuple[Query, ...] = ({}, page(most, 0), page(most, most))
        for parent in self.target.empty:
            for query in pages:
                yield self.ask(parent, query)
        for parent in self.target.foreign:
            for query in pages:
                yield self.ask(parent, query)
            yield self.ask(parent.upper(), page(default, default))
        # They are told from one that does not exist by nothing: not by its refusal, nor by what is judged before.
        for parent in (self.unknown, *self.target.foreign):
            yield self.ask(parent, page(LIMITS[0] - 1))

    def thorough(self) -> Iterable[Case[Any]]:
        """Every limit, and many offsets: one of them may be answered unlike its neighbours."""
        for limit in spread(LIMITS, TRIED):
            # Somewhere in the list, and where the page is full.
            offset = self.total * limit // len(LIMITS) // 2
            yield self.ask(query=page(limit, max(min(offset, self.total - limit), 0)))
        powers = {2**bits + more for bits in range(3, 33) for more in (-1, 0, 1)}
        rounds = {digit * 10**zeros for zeros in range(1, 8) for digit in (1, 2, 5)}
        for offset in sorted({*spread(range(self.total + 2), TRIED), *powers, *rounds}):
            yield self.ask(query=page(LIMITS[0], offset))


def as_raw(text: str) -> Query:
    return {RAW_QUERY_STRING_KEY: RawQueryString(text)}


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Some texts are to be sent as they are, where libraries would decode `%31` before they send it."""
    query = (case.query or {}).get(RAW_QUERY_STRING_KEY)
    parent = (case.path_parameters or {}).get(contract().parent)
    if not isinstance(query, RawQueryString) and not isinstance(parent, Raw):
        return

    def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = urlsplit(request.url or "")
        if isinstance(parent, Raw):
            prefix = urlsplit(under_way().target.base_url).path
            url = url._replace(path=prefix + contract().path_of(parent))
        if isinstance(query, RawQueryString):
            url = url._replace(query=str(query))
        request.url = url.geturl()
        return request

    kwargs["auth"] = as_it_is
