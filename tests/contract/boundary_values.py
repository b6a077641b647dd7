"""Texts at the boundary of valid integers and ids. Like all requests, they are judged when sent."""

from collections.abc import Iterator
from itertools import zip_longest

from .operation import Operation

Query = dict[str, object]

# How programs write missing values, other notations, and text that careless parsers cut.
NON_INTEGERS = (
    "", "abc", "1.5", "NaN", "1,2", "[1]", "--1", "5n", "5;", "undefined", "None", "5\0",
    "Infinity", "\u00b2", "'5'", "5'", "5 or 1=1", "nan", "True", "all", " ",
    "\u00e9", "%", "-", "\U0001f600", "\u200b5", "ten", "5+3",
)  # fmt: skip
# Texts that servers may accept.
VARIANT_INTEGERS = ("1.0", "+5", " 5", "05", "1e1", "0x10")


# Common parameter names, with a value that would change the response.
COMMON_PARAMETERS = {
    "page": 2, "per_page": 7, "cursor": "a", "q": "no-such-word", "search": "no-such-word", "filter": "a", "skip": 1,
    "start": 1, "size": 7, "order": "asc", "direction": "asc", "fields": "id", "expand": "a", "include_deleted": "true",
    "format": "csv", "callback": "a", "debug": "1",
}  # fmt: skip


def malformed_queries(operation: Operation) -> tuple[str, ...]:
    """Return raw query strings that libraries would encode.

    Without a value, with the separator of older standards, with bytes that are not UTF-8.
    """
    limit, offset = paging_names(operation)
    if not offset:
        return (limit, f"{limit}=%FF") if limit else ()
    return limit, f"{offset}&{limit}=5", f"{limit}=5;{offset}=3", f"{limit}=%FF", f"{offset}=%C0%B5"


def encoded_queries(operation: Operation) -> tuple[str, ...]:
    """Return valid query strings that a server has to decode."""
    limit, offset = paging_names(operation)
    if not offset:
        return (f"%{ord(limit[0]):02X}{limit[1:]}=%37",) if limit and 7 in operation.limits else ()
    return f"{limit}=%37&{offset}=%31%30", f"&&{offset}=5&%{ord(limit[0]):02X}{limit[1:]}=7&"


def ignored_queries(operation: Operation) -> list[Query]:
    """Return queries that must be ignored: unknown parameters, and names that differ in case."""
    limit, offset = paging_names(operation)
    alike: Query = {
        **({limit.upper(): 0, limit.capitalize(): 7} if limit else {}),
        **({offset.capitalize(): 3} if offset else {}),
        **({f"{limit}[]": 9} if limit else {}),
        **({f"{offset}[]": 2} if offset else {}),
    }
    unknown: tuple[Query, ...] = (
        {
            **COMMON_PARAMETERS,
            **dict.fromkeys(operation.item_fields, "1"),
            **{"sort": operation.key_field or "a"},
            **{name: texts[1 % len(texts)] for name, texts in operation.choices.items()},
        },
        {**alike, "page_size": 5},
    )
    return [{name: value for name, value in query.items() if name not in operation.query} for query in unknown]


def paging_names(operation: Operation) -> tuple[str, str]:
    """Return the names of limit and offset; empty if there is none."""
    return (operation.listing.limit, operation.listing.offset) if operation.listing else ("", "")


def page_query(operation: Operation, limit: object = None, offset: object = None) -> Query:
    """Return the query for a page, as far as the operation has pages."""
    pairs = zip(paging_names(operation), (limit, offset), strict=True)
    return {name: value for name, value in pairs if name and value is not None}


def invalid_requests(operation: Operation, parent: str) -> Iterator[tuple[str, Query]]:
    """Yield ids and queries that are invalid, or look invalid.

    Most have several errors. If a server reports only the first, the check resends the others alone.
    """
    if operation.listing is None:
        yield from ((other, {}) for other in invalid_ids(parent) if parent)
        return
    least, most = operation.limits[0], operation.limits[-1]
    default = operation.defaults[operation.listing.limit]
    for out in (least - 1, most + 1):
        yield parent, page_query(operation, limit=out)
    # With the other parameter given, and three times: a server may validate only sometimes.
    for beside in (0, 7) if operation.is_offset_list else (None,):
        yield parent, page_query(operation, most + 1, beside)
    for beside in (default, least) if operation.is_offset_list else ():
        yield parent, page_query(operation, beside, -1)
    for odd in (-1, 2**64, "9" * 400) if operation.is_offset_list else ():
        yield parent, page_query(operation, offset=odd)
    for text in VARIANT_INTEGERS:
        for name in operation.defaults:
            yield parent, {name: text}
    # The first value or the last one alone would be valid.
    yield parent, page_query(operation, limit=[default, most + 1])
    for name in operation.defaults:
        yield parent, {name: [1, 2]}
    # The last ones become valid if a server keeps only the low bits.
    limits: list[object] = [
        -1,
        1000,
        2**31,
        2**63,
        "9" * 4400,
        "-0",
        *(2**bits + default for bits in (8, 16, 32, 64)),
        *NON_INTEGERS,
    ]
    offsets: list[object] = [*NON_INTEGERS, -20, -(2**63)]
    for limit, offset, other in zip_longest(limits, reversed(offsets), invalid_ids(parent) if parent else ()):
        yield other or parent, page_query(operation, limit, offset)


def invalid_ids(parent: str) -> Iterator[str]:
    """Yield texts that are not ids; for UUIDs, most are derived from a valid one."""
    yield from ("malformed", "42", "undefined", "*", "%", "_" * 36, "' OR '1'='1", "\u00e9", "\U0001f600", "x" * 300)
    yield from (parent[:-1], parent + "0", "g" + parent[1:], " " + parent, parent + " ")
    yield from (f"'{parent}", f'"{parent}"', parent + "\0", parent + ".", parent + ".json")
    yield from (f"{parent},{parent}", "+" + parent, parent.replace("-", "_"), parent + "-")
    yield from (parent + "\n", f"({parent})", parent + "?a=1", parent + "#a", parent + "%00")
    yield from (parent + "|", f"<{parent}>", "0x" + parent.replace("-", ""), parent.replace("-", " "))
    # Fullwidth digits and letters.
    yield "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in parent)


def id_variants(parent: str) -> Iterator[str]:
    """Yield other notations of an id: valid ones, and those that servers may accept."""
    yield parent.upper()
    yield "".join(letter.upper() if number % 2 else letter for number, letter in enumerate(parent))
    yield parent.replace("-", "")
    yield f"{{{parent}}}"
    yield f"urn:uuid:{parent}"
