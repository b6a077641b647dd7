"""The requests that every run makes first: cheap and telling, the same each time.

They go to Schemathesis as examples, so that it sends, checks and reports them like any other. What is right in answer
to each follows from the request itself (asked.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from schemathesis import Case

from .operation import DEFAULTS, LIMITS
from .target import Target

# Nobody has these: a version 4 UUID made by dice once, and a word.
UNKNOWN_DEFINITION_ID = "d1f0a3c6-5b7e-4c92-8e4d-2a96b07f83e5"
WRONG_CREDENTIAL = "wrong-on-purpose"
# Of a long list this many pages are read for each page size: from both ends, and spread between.
PAGES_READ = 20
# Page sizes that nobody would pick as a bound, and some that somebody might.
SIZES = (3, 98, 10, 5, 64, 25, 33, 4, 51, 12, 80, 30)

NO_INTEGERS = ("", "abc", "1.5", "1e1", "0x10", "true", "null", "NaN", "1,2", "[1]", "--1", "１")  # noqa: RUF001
LENIENT_INTEGERS = ("1.0", "+5", " 5", "05", "1_0")

Query = dict[str, Any]


def spread(values: Sequence[int], number: int) -> list[int]:
    """That many of the values: from both ends, and spread between."""
    if len(values) <= number:
        return list(values)
    return sorted({values[round(part * (len(values) - 1) / (number - 1))] for part in range(number)})


def walk(total: int, size: int, pages: int = PAGES_READ) -> Iterator[Query]:
    """All pages of that size, or of a long list some of them; the last one holds what is left."""
    for offset in spread(range(0, max(total, 1), size), pages):
        yield {"limit": size, "offset": offset}


def probes(known: Case[Any], target: Target) -> list[Case[Any]]:
    """In the order of sending. `known` asks for a page, with the credentials under test."""
    return [
        *pages_by(known, target, LIMITS[-1]),
        *edges(known, target),
        *refusals(known, target),
        *identifiers(known, target),
        *(page for size in (37, DEFAULTS["limit"], 7, 1) for page in pages_by(known, target, size)),
        *pages_of_all_sizes(known, target),
        *others(known, target),
    ]


def ask(known: Case[Any], definition: str, query: Query | None = None) -> Case[Any]:
    case: Case[Any] = known.derive(keep_auth=True, query=query or {})
    case.path_parameters = {"definition_id": definition}
    return case


def pages_by(known: Case[Any], target: Target, size: int) -> Iterable[Case[Any]]:
    for definition in target.definitions:
        total = target.totals.get(definition, 0)
        # Walks by small pages show what large ones cannot, an order that depends on the size, and need not be whole.
        pages = {LIMITS[-1]: PAGES_READ, 37: PAGES_READ, 7: 4, 1: 3}.get(size, 6)
        for query in walk(total, size, pages):
            yield ask(known, definition, query)


def pages_of_all_sizes(known: Case[Any], target: Target) -> Iterable[Case[Any]]:
    definition = target.definitions[0]
    total = target.totals.get(definition, 0)
    for number, size in enumerate(SIZES):
        yield ask(known, definition, {"limit": size, "offset": total * number // len(SIZES)})


def edges(known: Case[Any], target: Target) -> Iterable[Case[Any]]:
    definition = target.definitions[0]
    total = target.totals.get(definition, 0)
    queries: list[Query] = [{}]
    least, most, default = LIMITS[0], LIMITS[-1], DEFAULTS["limit"]
    inside = (least, least + 1, default - 1, default + 1, most // 2, most - 1, most)
    queries += [{"limit": limit} for limit in (*inside, least - 1, -1, most + 1, 1000, 2**31, 2**63, 10**30)]
    # Valid ones, if a server keeps no more than the last bits.
    queries += [{"limit": 2**bits + default} for bits in (8, 16, 32, 64)]
    ends = (0, 1, 20, total - 1, total, total + 1, total + 100, 10**6, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63)
    queries += [{"offset": offset} for offset in (*ends, 2**64, 10**30, -1, -20, -(2**63))]
    queries += [{"limit": 20, "offset": 0}, {"limit": most, "offset": max(total - 1, 0)}, {"limit": 0, "offset": -1}]
    queries += [{"limit": most + 1, "offset": 0}, {"limit": 0, "offset": 20}, {"limit": 20, "offset": -1}]
    queries += [{name: text} for text in NO_INTEGERS + LENIENT_INTEGERS for name in DEFAULTS]
    queries += [{name: [1, 2]} for name in DEFAULTS]
    # What nobody knows is ignored.
    queries += [{"page": 2}, {"LIMIT": 0}]
    for query in queries:
        yield ask(known, definition, query)
    slash = ask(known, definition)
    slash.path += "/"
    yield slash


def refusals(known: Case[Any], target: Target) -> Iterable[Case[Any]]:
    """Credentials: none, wrong ones, almost right ones; and each right one alone."""

    def make(definition: str = target.definitions[0], query: Query | None = None, **how: Any) -> Case[Any]:
        case: Case[Any] = known.operation.Case(path_parameters={"definition_id": definition}, **how)
        case.query = query or {}
        return case

    def header(value: str) -> dict[str, Any]:
        return {"headers": {"Authorization": value}}

    wrong = header(f"Bearer {WRONG_CREDENTIAL}")
    yield make()
    yield make(query={"limit": LIMITS[-1], "offset": 0})
    yield make(query={"limit": 1, "offset": 1})
    for value in (f"Bearer {WRONG_CREDENTIAL}", "Bearer", "Bearer null", f"Basic {WRONG_CREDENTIAL}", "Bearer \u00fc"):
        yield make(**header(value))
    for value in (WRONG_CREDENTIAL, "null", ""):
        yield make(cookies={"ks_uat": value})
    if target.token:
        for value in ("Bearer {}x", "Bearer x{}", "Basic {}", "Token {}", "{}", "Bearer{}", "Bearer Bearer {}"):
            yield make(**header(value.format(target.token)))
        yield make(**header(f"Bearer {target.token[:-1]}"))
        yield make(**header(f"Bearer {target.token.swapcase()}"))
        yield make(cookies={"token": target.token})
        yield make(**header(f"Bearer {target.token}"))
    if target.ks_uat:
        yield make(cookies={"ks_uat": target.ks_uat + "x"})
        yield make(cookies={"ks_uat": target.ks_uat[:-1]})
        yield make(cookies={"ks_uat": target.ks_uat.swapcase()})
        yield make(cookies={"session": target.ks_uat})
        yield make(cookies={"ks_uat": target.ks_uat})
    # Credentials come first: who has none learns nothing about parameters and definitions.
    yield make(query={"limit": 0}, **wrong)
    yield make(definition="malformed", **wrong)
    yield make(definition=UNKNOWN_DEFINITION_ID, **wrong)
    for definition in (*target.empty, *target.foreign):
        yield make(definition=definition, **wrong)


def identifiers(known: Case[Any], target: Target) -> Iterable[Case[Any]]:
    definition = target.definitions[0]
    yield ask(known, definition.upper())
    yield ask(known, UNKNOWN_DEFINITION_ID)
    yield ask(known, UNKNOWN_DEFINITION_ID, {"limit": 100, "offset": 0})
    # Parameters come before existence.
    yield ask(known, UNKNOWN_DEFINITION_ID, {"limit": 0})
    yield ask(known, UNKNOWN_DEFINITION_ID, {"offset": "abc"})
    # One that differs in its last digit from one that is there.
    yield ask(known, definition[:-1] + ("1" if definition[-1] != "1" else "2"))
    yield ask(known, "00000000-0000-0000-0000-000000000000")
    malformed = ["malformed", "42", "null", definition[:-1], definition + "0", "g" + definition[1:], " " + definition]
    malformed += ["'" + definition, definition + "\0"]
    for text in (*malformed, definition.replace("-", ""), f"{{{definition}}}"):
        yield ask(known, text)


def others(known: Case[Any], target: Target) -> Iterable[Case[Any]]:
    """Definitions that have no runs, and those that must not be shown."""
    for definition in target.empty:
        for query in ({}, {"limit": 100}, {"limit": 1, "offset": 1}):
            yield ask(known, definition, query)
    for definition in target.foreign:
        for query in ({}, {"limit": 100, "offset": 0}, {"limit": 1, "offset": 1}, {"limit": 0}):
            yield ask(known, definition, query)
