"""The requests that every run makes first: cheap and telling, the same each time.

They go to Schemathesis as examples, so that it sends, checks and reports them like any other. What is right in answer
to each follows from the request itself (asked.py). So a request can serve several ends: pages are asked for with
headers that change nothing, wrong credentials are tried on pages that were read before, and on definitions of each
kind.
"""

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import requests
import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core.parameters import RAW_QUERY_STRING_KEY, RawQueryString

from .operation import DEFAULTS, LIMITS
from .spellings import ENCODED_QUERIES, IGNORED, QUERIES, Query, invalid, odd_ids
from .target import Target
from .wrong_credentials import NONE, WRONG_CREDENTIAL, Wrong, kinds

T = TypeVar("T")

# Nobody has this: a version 4 UUID made by dice once.
UNKNOWN_DEFINITION_ID = "d1f0a3c6-5b7e-4c92-8e4d-2a96b07f83e5"
NIL = "00000000-0000-0000-0000-000000000000"
# Of a long list this many pages are read for each page size: from both ends, and spread between.
PAGES_READ = 20
# Page sizes that nobody would pick as a bound, and some that somebody might.
SIZES = (3, 98, 10, 64, 25, 33, 51, 12, 80, 30)
# Offsets that THOROUGH=1 tries: spread over the list, and around the powers of two.
OFFSETS_TRIED = 300

BROWSER = "Mozilla/5.0 (Linux; Android 14; Mobile) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
# What clients, proxies and browsers send besides, and what must change nothing.
ORDINARY: tuple[dict[str, str], ...] = (
    {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"},
    {"Accept": "application/json, text/plain, */*", "Origin": "{origin}"},
    {"User-Agent": BROWSER},
    {"Accept-Language": "de-DE,de;q=0.9"},
    {"Accept-Encoding": "identity"},
    {"X-Requested-With": "XMLHttpRequest"},
    {"Accept": "application/xml, application/json;q=0.5"},
    {"User-Agent": "curl/8.5.0"},
    {"If-None-Match": '"no-such-tag"'},
    {"Accept-Encoding": "deflate"},
    {"Content-Type": "text/plain"},
    {"Cookie": 'theme="dark"; lang=de'},
    {"If-Modified-Since": "Mon, 01 Jan 1990 00:00:00 GMT"},
    {"Cache-Control": "no-cache", "Pragma": "no-cache"},
    {"Referer": "{origin}/page"},
    {"Prefer": "return=minimal"},
    {"Range": "items=0-4"},
    {"Accept-Charset": "iso-8859-1, utf-8;q=0.5"},
    {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "{host}", "Via": "1.1 proxy"},
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
    merged = interleaved(
        list(make.pages()), list(make.invalid()), list(make.refusals()), list(make.identifiers()), list(make.others())
    )
    first, last = (
        list(make.walk(LIMITS[-1])),
        [*make.walk(LIMITS[-1]), make.ask(), make.ask(query={"limit": LIMITS[0]})],
    )
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


class Raw(str):
    """An id as it is to stand in the address."""


class Maker:
    """Makes requests: with the right credentials unless told otherwise, each by itself where there are two."""

    def __init__(self, known: Case[Any], target: Target) -> None:
        self.operation, self.path = known.operation, known.path
        self.target = target
        self.definition = target.definitions[0]
        self.total = target.totals.get(self.definition, 0)
        self.asked = self.dressed = 0

    def ask(self, definition: str = "", query: Query | None = None, **headers: str) -> Case[Any]:
        names = sorted(self.target.secrets, reverse=True)
        # Two of three with the token.
        name = names[self.asked % 3 % len(names)]
        self.asked += 1
        value = self.target.secrets[name]
        if name == "TOKEN":
            return self.make(definition, query, {"Authorization": f"Bearer {value}", **headers})
        others = headers.pop("Cookie", "")
        return self.make(definition, query, {**headers, "Cookie": "; ".join(filter(None, [others, f"ks_uat={value}"]))})

    def ask_dressed(self, definition: str = "", query: Query | None = None) -> Case[Any]:
        """With headers that must not change anything."""
        self.dressed += 1
        url = urlsplit(self.target.base_url)
        own = {"origin": f"{url.scheme}://{url.netloc}", "host": url.netloc}
        headers = ORDINARY[self.dressed % len(ORDINARY)]
        return self.ask(definition, query, **{name: value.format(**own) for name, value in headers.items()})

    def ask_wrong(self, wrong: Wrong, definition: str = "", query: Query | None = None) -> Case[Any]:
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in wrong.cookies.items())}
        headers = wrong.headers | (cookies if wrong.cookies else {})
        return self.make(definition, (query or {}) | wrong.query, headers)

    def make(self, definition: str, query: Query | None, headers: dict[str, str]) -> Case[Any]:
        case: Case[Any] = self.operation.Case(
            path_parameters={"definition_id": definition or self.definition}, headers=headers
        )
        case.query = query or {}
        return case

    def walk(self, size: int) -> Iterator[Case[Any]]:
        """All pages of that size, or of a long list some of them; the last one holds what is left."""
        for definition in self.target.definitions:
            total = self.target.totals.get(definition, 0)
            # Walks by small pages show what large ones cannot, an order by the size, and need not be whole.
            pages = {LIMITS[-1]: PAGES_READ, 37: PAGES_READ, 1: 3}.get(size, 6)
            for offset in spread(range(0, max(total, 1), size), pages):
                query: Query = {"limit": size, "offset": offset}
                yield self.ask(definition, query) if size == LIMITS[-1] else self.ask_dressed(definition, query)

    def pages(self) -> Iterable[Case[Any]]:
        least, most, default, total = LIMITS[0], LIMITS[-1], DEFAULTS["limit"], self.total
        yield self.ask()
        for size in (37, default, 1):
            yield from self.walk(size)
        for number, size in enumerate(size for size in SIZES if size in LIMITS):
            # Some with an offset that another size has as well.
            offset = 37 * (number // 2 % 2 + 1) if number % 2 else total * number // len(SIZES)
            yield self.ask_dressed(query={"limit": size, "offset": offset})
        yield self.ask()
        for limit in (least, least + 1, default - 1, default + 1, most // 2, most - 1):
            yield self.ask_dressed(query={"limit": limit})
        ends = (
            0,
            1,
            default,
            total - 1,
            total,
            total + 1,
            10**6,
            2**31 - 1,
            2**31,
            2**32,
            2**53,
            2**63 - 1,
        )
        for offset in (*ends, 2**63):
            yield self.ask_dressed(query={"offset": max(offset, 0)})
        yield self.ask(query={"limit": most, "offset": max(total - 1, 0)})
        # Where the list ends, and where both are the same.
        yield self.ask(query={"limit": 7, "offset": max(total - 7, 0)})
        yield self.ask(query={"limit": 13, "offset": 13})
        for queries in (IGNORED, map(as_raw, ENCODED_QUERIES)):
            for query in queries:
                yield self.ask(query=dict(query))

    def invalid(self) -> Iterable[Case[Any]]:
        # Parameters come before existence and access.
        definitions = (UNKNOWN_DEFINITION_ID, *self.target.empty, *self.target.foreign)
        queries = [*invalid(self.definition), *((self.definition, as_raw(query)) for query in QUERIES)]
        for number, (definition, query) in enumerate(queries):
            if number % 5 == 4 and definition == self.definition:
                definition = definitions[number // 5 % len(definitions)]
            yield (self.ask_dressed if number % 4 == 0 else self.ask)(definition, query)
        slash = self.ask()
        slash.path += "/"
        yield slash

    def refusals(self) -> Iterable[Case[Any]]:
        """Wrong credentials: on pages that were read with right ones, and where something else is wrong as well."""
        most, default = LIMITS[-1], DEFAULTS["limit"]
        pages: list[tuple[str, Query]] = [
            (self.definition, {"limit": most, "offset": 0}),
            (self.definition, {}),
            (self.definition, {"limit": default, "offset": default}),
            (self.definition, {"limit": most, "offset": most}),
            (self.definition, {"offset": 1}),
            (self.definition, {"limit": 1}),
            (self.definition, {"offset": max(self.total, 1)}),
            (self.definition, {"limit": 37, "offset": 37}),
        ]
        others: list[tuple[str, Query]] = [
            *((definition, {}) for definition in (*self.target.empty, *self.target.foreign)),
            (UNKNOWN_DEFINITION_ID, {}),
            (self.definition, {"limit": 0}),
            ("malformed", {}),
            (self.definition, {"offset": "abc"}),
        ]
        yield self.make(self.definition, {"limit": 9, "offset": 9}, {})
        yield self.ask(query={"limit": 9, "offset": 9})
        for definition, query in pages + others:
            yield self.ask_wrong(NONE, definition, query)
        wrong = Wrong({"Authorization": f"Bearer {WRONG_CREDENTIAL}"})
        for definition in (UNKNOWN_DEFINITION_ID, *self.target.foreign[:1]):
            yield self.ask_wrong(wrong, definition)
        places = pages + others + pages
        for number, kind in enumerate(kinds(self.target)):
            yield self.ask_wrong(kind, *places[number % len(places)])

    def identifiers(self) -> Iterable[Case[Any]]:
        yield self.ask(UNKNOWN_DEFINITION_ID)
        yield self.ask(UNKNOWN_DEFINITION_ID, {"limit": LIMITS[-1], "offset": 0})
        # One that differs in its last digit from one that is there.
        yield self.ask(self.definition[:-1] + ("1" if self.definition[-1] != "1" else "2"))
        yield self.ask(NIL)
        for text in odd_ids(self.definition):
            yield self.ask(text, {"limit": 2})
        yield self.ask(Raw(self.definition.replace("-", "%2D", 2)), {"limit": 2})

    def others(self) -> Iterable[Case[Any]]:
        """Definitions that have no runs, and those that must not be shown."""
        most, default = LIMITS[-1], DEFAULTS["limit"]
        pages: tuple[Query, ...] = ({}, {"limit": most, "offset": 0}, {"limit": most, "offset": most})
        for definition in self.target.empty:
            for query in pages:
                yield self.ask(definition, query)
        for definition in self.target.foreign:
            for query in pages:
                yield self.ask(definition, query)
            yield self.ask(definition.upper(), {"limit": default, "offset": default})
        # They are told from one that does not exist by nothing: neither by a 404, nor by what is judged before.
        for definition in (UNKNOWN_DEFINITION_ID, *self.target.foreign):
            yield self.ask(definition, {"limit": LIMITS[0] - 1})

    def thorough(self) -> Iterable[Case[Any]]:
        """Every limit, and many offsets: one of them may be answered unlike its neighbours."""
        for limit in LIMITS:
            yield self.ask(query={"limit": limit, "offset": self.total * limit // len(LIMITS) // 2})
        powers = {2**bits + more for bits in range(3, 33) for more in (-1, 0, 1)}
        rounds = {digit * 10**zeros for zeros in range(1, 8) for digit in (1, 2, 5)}
        for offset in sorted({*spread(range(self.total + 2), OFFSETS_TRIED), *powers, *rounds}):
            yield self.ask(query={"limit": LIMITS[0], "offset": offset})


def as_raw(text: str) -> Query:
    return {RAW_QUERY_STRING_KEY: RawQueryString(text)}


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Some texts are to be sent as they are, where libraries would decode `%31` before they send it."""
    query = (case.query or {}).get(RAW_QUERY_STRING_KEY)
    definition = (case.path_parameters or {}).get("definition_id")
    if not isinstance(query, RawQueryString) and not isinstance(definition, Raw):
        return

    def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = urlsplit(request.url or "")
        if isinstance(definition, Raw):
            url = url._replace(path=url.path.replace(unquote(definition), definition))
        if isinstance(query, RawQueryString):
            url = url._replace(query=str(query))
        request.url = url.geturl()
        return request

    kwargs["auth"] = as_it_is
