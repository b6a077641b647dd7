"""The requests that every run sends first: few, telling, and the same each time.

Schemathesis gets them as examples, and sends, checks and reports them like all requests. The allowed statuses follow
from the request (parsed_request.py), so one request can serve several purposes: pages are requested with headers that
must not change the response, and wrong credentials are tried on pages that were read before, and on each kind of id.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from schemathesis import Case

from .bodies import JSON
from .boundary_values import (
    NON_INTEGERS,
    Query,
    encoded_queries,
    id_variants,
    ignored_queries,
    invalid_requests,
    malformed_queries,
    page_query,
    paging_names,
)
from .client_headers import CLIENT_HEADERS
from .filter_values import filter_values
from .operation import Credential, Operation
from .parameter import INVALID, sample_evenly
from .target import NIL, Target, random_ids, similar_id, unknown_id
from .unnormalized import RawId, raw_query
from .wrong_credentials import (
    NO_CREDENTIALS,
    SentCredentials,
    credentials_in,
    selected_wrong_credentials,
    wrong_credentials,
    wrong_value,
)

T = TypeVar("T")

# Pages of the largest size, and of smaller sizes, that are read of a long list: both ends, and evenly spread between.
PAGES_READ, SMALL_PAGES_READ = 20, 5
# Page sizes that no program has as a bound, and some that a program might have.
SIZES = (3, 98, 10, 64, 25, 33, 51, 12, 80, 30)
# Maximum number of limits and of offsets with THOROUGH=1: spread over the list, and around powers of two.
THOROUGH_VALUES = 300
# Values per filter for which a small page is read as well.
SMALL_FILTERED = 2
# How often a bound is tested that one of several workers may not enforce.
WORKERS = 3
# Created items that an operation changes or deletes in probes; Schemathesis uses the others.
CREATED_USED = 2


def probes(known: Case[Any], target: Target, operation: Operation) -> list[Case[Any]]:
    """Return the probes of an operation in the order of sending. `known` is any case of it."""
    make = ProbeFactory(known, target, operation)
    if not operation.is_safe:
        return list(make.writes())
    parts = [make.pages(), make.invalid(), make.refusals(), make.identifiers(), make.other_lists(), make.filters()]
    if not operation.listing:
        return [make.request(), *interleave(*map(list, parts)), make.request()]
    most, least = operation.limits[-1], operation.limits[0]
    # Twice: a later request shows what a cache has stored.
    first = [make.request(), *make.walk(most), *make.walk(most, 2), make.request()]
    merged = interleave(*map(list, parts))
    # Two in a row reach both of two workers.
    empty = [make.request(parent, make.page(make.clamp(size))) for parent in make.ids.empty for size in (5, 6)]
    last = [*make.walk(most, 2), make.request(query=make.page(least)), *empty]
    thorough = make.thorough() if target.thorough and operation.is_offset_list else ()
    return [*first, *merged, *last, *thorough]


def interleave(*lists: list[T]) -> list[T]:
    """Merge the lists at random, each in its order: with a regular order, each kind might reach another worker."""
    lists = tuple(each[::-1] for each in lists)
    dice = Random(0)
    merged = []
    while any(lists):
        merged.append(dice.choices(lists, [len(each) for each in lists])[0].pop())
    return merged


class ProbeFactory:
    """Makes requests, by default with right credentials: alternately, if there are two."""

    def __init__(self, known: Case[Any], target: Target, operation: Operation) -> None:
        self.schemathesis_operation, self.path = known.operation, known.path
        self.target, self.operation = target, operation
        self.ids = target.ids_to_send(operation)
        self.parent = self.ids.readable[0]
        self.unknown = unknown_id(self.ids, operation.in_path.get(operation.parent))
        self.total = target.total(operation, self.parent)
        self.credentials = [each for each in operation.credentials if each.variable in target.secrets]
        # Operations share the code that checks credentials.
        self.is_first = operation is target.tested[0]
        self.count = self.client_header_count = 0

    @property
    def limits(self) -> range:
        return self.operation.limits

    @property
    def default(self) -> int:
        listing = self.operation.listing
        return self.operation.defaults[listing.limit] if listing else 0

    def page(self, limit: object = None, offset: object = None) -> Query:
        return page_query(self.operation, limit, offset)

    def clamp(self, size: int) -> int:
        """Return the nearest allowed limit."""
        return min(max(size, self.limits[0]), self.limits[-1]) if self.limits else 0

    def request(self, parent: str = "", query: Query | None = None, **headers: str) -> Case[Any]:
        # Two of three with the first credential.
        self.count += 1
        if not self.credentials:
            return self.make(parent, query, NO_CREDENTIALS, headers)
        return self.make(parent, query, self.right(self.credentials[-1 if self.count % 3 == 0 else 0]), headers)

    def right(self, credential: Credential) -> SentCredentials:
        value = credential.prefix + self.target.secrets[credential.variable]
        return credentials_in(credential.place, credential.name, value)

    def request_with_client_headers(self, parent: str = "", query: Query | None = None) -> Case[Any]:
        """Return a request with headers that must not change the response."""
        self.client_header_count += 1
        return self.request(
            parent, query, **self.localize(CLIENT_HEADERS[self.client_header_count % len(CLIENT_HEADERS)])
        )

    def localize(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Fill in the names of this server."""
        url = urlsplit(self.target.base_url)
        own = {"origin": f"{url.scheme}://{url.netloc}", "host": url.netloc}
        return {name: value.format(**own) for name, value in headers.items()}

    def make(
        self, parent: str, query: Query | None, credentials: SentCredentials, headers: Mapping[str, str] | None = None
    ) -> Case[Any]:
        sent = {**credentials.headers, **(headers or {})}
        if credentials.cookies:
            cookies = [sent.get("Cookie", ""), *(f"{name}={value}" for name, value in credentials.cookies.items())]
            sent["Cookie"] = "; ".join(filter(None, cookies))
        if set("?#") & set(parent):
            # Otherwise they would end the path.
            parent = RawId(quote(parent, safe=""))
        parameters = {self.operation.parent: parent or self.parent} if self.operation.parent else {}
        case: Case[Any] = self.schemathesis_operation.Case(path_parameters=parameters, headers=sent)
        case.query = {**self.required, **(query or {}), **credentials.query}
        return case

    def writes(self) -> Iterator[Case[Any]]:
        """Requests of an unsafe operation; those to be refused come first, as successes change data."""
        request_body = self.operation.request_body
        bodies = list(request_body.samples()) if request_body else [None]

        def with_body(case: Case[Any], number: int) -> Case[Any]:
            if request_body and bodies:
                case.body, case.media_type = request_body.vary(bodies[number % len(bodies)], number), JSON
            return case

        if self.credentials:
            for number, kind in enumerate([NO_CREDENTIALS, *map(wrong_value, self.credentials)]):
                yield with_body(self.make(self.parent, None, kind), number)
            # If one is accepted, nothing is changed.
            for kind in selected_wrong_credentials(self.target, self.operation):
                yield with_body(self.make(self.unknown, None, kind), 0)
        if self.operation.parent:
            unknown_ids = (self.unknown, NIL, *random_ids(self.target.seed)[:WORKERS])
            for number, parent in enumerate((*unknown_ids, "malformed")):
                yield with_body(self.request(parent), number)
            for number, parent in enumerate((*self.ids.foreign * WORKERS, *self.ids.deleted * WORKERS)):
                yield with_body(self.request_with_client_headers(parent), number)
            for parent in (self.unknown, *self.ids.foreign) if self.credentials else ():
                yield with_body(self.make(parent, None, NO_CREDENTIALS), 0)
        for number, parent in enumerate(self.ids.known[:CREATED_USED]):
            yield with_body(self.request(parent), 10 + number)
            # Again: now it exists already, or no longer.
            yield with_body(self.request(parent), 10 + number)

    @cached_property
    def required(self) -> Query:
        """A value for each required parameter."""
        found: Query = {}
        for name, parameter in self.operation.filters.items():
            if parameter.is_required:
                values = filter_values(self.operation, name, self.samples)
                if values:
                    found[name] = parameter.serialize(values[0])
        return found

    @property
    def samples(self) -> tuple[object, ...]:
        return self.target.samples.get(self.operation.name, ())

    def walk(self, size: int, pages: int = PAGES_READ) -> Iterator[Case[Any]]:
        """All pages of a size, or some of a long list; the last one has the remaining items."""
        for parent in self.ids.known:
            total = self.target.total(self.operation, parent)
            for offset in sample_evenly(range(0, max(total, 1), size), pages) if self.operation.is_offset_list else [0]:
                query = self.page(size, offset)
                yield (
                    self.request(parent, query)
                    if size == self.limits[-1]
                    else self.request_with_client_headers(parent, query)
                )

    def pages(self) -> Iterable[Case[Any]]:
        if not self.operation.listing:
            for number, parent in enumerate(self.ids.known * 3):
                yield (self.request_with_client_headers if number % 2 else self.request)(parent)
            for query in ignored_queries(self.operation):
                yield self.request(query=dict(query))
            return
        least, most, default, total = self.limits[0], self.limits[-1], self.default, self.total
        # Small pages show faults that depend on the page size.
        for size in (self.clamp(37), default, least):
            yield from self.walk(size, SMALL_PAGES_READ)
        for number, size in enumerate(size for size in SIZES if size in self.limits):
            # Some with an offset that is also used with another size.
            offset = 37 * (number // 2 % 2 + 1) if number % 2 else total * number // len(SIZES)
            yield self.request_with_client_headers(query=self.page(size, offset))
        for limit in (least, least + 1, default - 1, default + 1, most // 2, most - 1):
            yield self.request_with_client_headers(query=self.page(limit))
        if self.operation.is_offset_list:
            ends = (0, 1, default, total - 1, total, total + 1, 10**6)
            for offset in (*ends, 2**31 - 1, 2**31, 2**32, 2**53, 2**63):
                yield self.request_with_client_headers(query=self.page(offset=max(offset, 0)))
            yield self.request(query=self.page(most, max(total - 1, 0)))
            # At the end of the list, and with equal limit and offset.
            yield self.request(query=self.page(self.clamp(7), max(total - self.clamp(7), 0)))
            yield self.request(query=self.page(self.clamp(13), self.clamp(13)))
            yield from self.cache_key_collisions()
        for number, cursor in enumerate(self.target.cursors.get(self.operation.name, ())):
            at: Query = {self.operation.cursor_name: cursor}
            yield self.request(query=self.page(most) | at)
            yield self.request(query=self.page((None, self.clamp(7), least)[number % 3]) | at)
        for queries in (ignored_queries(self.operation), map(raw_query, encoded_queries(self.operation))):
            for query in queries:
                yield self.request(query=dict(query))

    def cache_key_collisions(self) -> Iterator[Case[Any]]:
        """Pairs of requests that a cache with a too simple key confuses, each with one credential."""
        limit, offset = paging_names(self.operation)
        one, other = self.clamp(7), self.clamp(13)
        pairs: tuple[tuple[Query, Query], ...] = (
            (self.page(one, other), self.page(other, one)),
            ({offset: one, limit: other}, {offset.upper(): one, limit.upper(): other}),
        )
        for pair in pairs:
            number = self.count
            for query in pair:
                self.count = number
                yield self.request(query=query)

    def filters(self) -> Iterable[Case[Any]]:
        """Lists with each filter, on the largest page and on a small one, and with two filters together."""
        first: list[Query] = []
        for name, parameter in self.operation.filters.items():
            values = filter_values(self.operation, name, self.samples)
            for number, value in enumerate(values):
                query: Query = {name: parameter.serialize(value)}
                yield self.request(query=query | self.page(self.limits[-1] if self.limits else None, 0))
                if number < SMALL_FILTERED:
                    yield self.request_with_client_headers(query=query | self.page(self.clamp(3), self.clamp(2)))
            first += [{name: parameter.serialize(value)} for value in values[:1]]
        for one, other in pairwise(first):
            yield self.request(query=one | other | self.page(self.limits[-1] if self.limits else None, 0))

    def invalid(self) -> Iterable[Case[Any]]:
        # Parameters are judged before existence and access.
        parents = (self.unknown, *self.ids.empty, *self.ids.foreign)
        operation = self.operation
        queries = [
            *invalid_requests(operation, self.parent),
            *((self.parent, raw_query(each)) for each in malformed_queries(operation)),
        ]
        for number, (parent, query) in enumerate(queries):
            if number > len(queries) / 2 and number % 3 == 0 and parent == self.parent:
                parent = parents[number // 3 % len(parents)]
            yield (self.request_with_client_headers if number % 4 == 0 else self.request)(parent, query)
        # Invalid values of the other parameters: fuzzing may not reach all of them.
        for name, parameter in operation.query.items():
            wrong = next((text for text in NON_INTEGERS if text and parameter.judge([text]) == INVALID), None)
            if name not in operation.defaults and wrong is not None:
                yield self.request(query={name: wrong})
            most = parameter.schema.get("maxItems")
            if parameter.element and isinstance(most, int) and most < 50:
                for value in filter_values(operation, name, self.samples)[:1] * (2 * WORKERS):
                    yield self.request_with_client_headers(query={name: parameter.serialize(value[:1] * (most + 1))})
        slash = self.request()
        slash.path += "/"
        yield slash

    def refusals(self) -> Iterable[Case[Any]]:
        """Wrong credentials, on pages that were read with right ones, and where something else is wrong as well."""
        if not self.credentials:
            return
        page, default = self.page, self.default
        # A single item is one page.
        least, most = (self.limits[0], self.limits[-1]) if self.limits else (0, 0)
        pages: list[tuple[str, Query]] = [
            (self.parent, page(most, 0)),
            (self.parent, {}),
            (self.parent, page(default, default)),
            (self.parent, page(most, most)),
            (self.parent, page(offset=1)),
            (self.parent, page(least)),
            (self.parent, page(offset=max(self.total, 1))),
            (self.parent, page(self.clamp(37), self.clamp(37))),
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
        yield self.make(self.parent, page(self.clamp(9), self.clamp(9)), NO_CREDENTIALS)
        yield self.request(query=page(self.clamp(9), self.clamp(9)))
        for parent, query in others:
            yield self.make(parent, query, NO_CREDENTIALS)
        for number, (parent, query) in enumerate(pages):
            # No other header is a credential; together, the probes send all of them.
            headers = {
                name: value for each in CLIENT_HEADERS[number :: len(pages)][::-1] for name, value in each.items()
            }
            yield self.make(parent, query, NO_CREDENTIALS, self.localize(headers))
        for parent in (self.unknown, *self.ids.foreign[:1]):
            yield self.make(parent, None, wrong_value(self.credentials[0]))
        places = pages + others + pages
        tried = wrong_credentials if self.is_first else selected_wrong_credentials
        for number, kind in enumerate(tried(self.target, self.operation)):
            yield self.make(*places[number % len(places)], kind)
        if not self.is_first:
            for credential in self.credentials:
                yield self.make(self.parent, page(most), wrong_value(credential))

    def identifiers(self) -> Iterable[Case[Any]]:
        if not self.operation.parent:
            return
        yield self.request(self.unknown)
        yield self.request(self.unknown, self.page(self.limits[-1] if self.limits else None, 0), **CLIENT_HEADERS[0])
        # An id that differs from an existing one in its last character.
        yield self.request(similar_id(self.parent))
        yield self.request(NIL)
        for parent in self.ids.deleted * WORKERS:
            yield self.request_with_client_headers(parent)
        for number, text in enumerate(id_variants(self.parent)):
            # The first one is valid, in upper case: tested with each credential.
            for credential in self.credentials if number == 0 else ():
                yield self.make(text, self.page(self.clamp(2)), self.right(credential))
            if number or not self.credentials:
                yield self.request(text, self.page(self.clamp(2)))
        yield self.request(RawId(self.parent.replace("-", "%2D", 2)), self.page(self.clamp(2)))
        yield self.request(RawId(self.parent + "%FF"))

    def other_lists(self) -> Iterable[Case[Any]]:
        """Empty lists, and lists that the credentials may not read."""
        most = self.limits[-1] if self.limits else 0
        pages: tuple[Query, ...] = ({}, self.page(most, 0), self.page(most, most))
        for parent in self.ids.empty:
            for query in pages:
                yield self.request(parent, query)
        for parent in self.ids.foreign:
            for query in pages:
                yield self.request(parent, query)
            yield self.request(parent.upper(), self.page(self.default, self.default))
        # Nothing tells them from unknown ids: neither their refusal nor earlier stages of judgement.
        for parent in (self.unknown, *self.ids.foreign):
            yield self.request(parent, self.page(self.limits[0] - 1 if self.limits else None))

    def thorough(self) -> Iterable[Case[Any]]:
        """Every limit, and many offsets: a single one may be handled differently."""
        for limit in sample_evenly(self.limits, THOROUGH_VALUES):
            # Anywhere in the list where the page is full.
            offset = self.total * limit // len(self.limits) // 2
            yield self.request(query=self.page(limit, max(min(offset, self.total - limit), 0)))
        powers = {2**bits + more for bits in range(3, 33) for more in (-1, 0, 1)}
        rounds = {digit * 10**zeros for zeros in range(1, 8) for digit in (1, 2, 5)}
        for offset in sorted({*sample_evenly(range(self.total + 2), THOROUGH_VALUES), *powers, *rounds}):
            yield self.request(query=self.page(self.limits[0], offset))
