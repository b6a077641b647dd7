"""Texts at the edge of what an integer or an id can be. Which of them are values is judged as for any other request."""

from collections.abc import Iterator
from itertools import zip_longest

from .operation import Operation

Query = dict[str, object]

# What programs write for nothing, other notations, and what careless parsers stop at.
NON_INTEGERS = (
    "", "abc", "1.5", "NaN", "1,2", "[1]", "--1", "5n", "5;", "undefined", "None", "5\0",
    "Infinity", "\u00b2", "'5'", "5'", "5 or 1=1", "nan", "True", "all", " ",
    "\u00e9", "%", "-", "\U0001f600", "\u200b5", "ten", "5+3",
)  # fmt: skip
# Servers may take these.
VARIANT_INTEGERS = ("1.0", "+5", " 5", "05", "1e1", "0x10")


# Names of parameters that servers have for their own use, and a value that would show.
COMMON_PARAMETERS = {
    "page": 2, "per_page": 7, "cursor": "a", "q": "no-such-word", "search": "no-such-word", "filter": "a", "skip": 1,
    "start": 1, "size": 7, "order": "asc", "direction": "asc", "fields": "id", "expand": "a", "include_deleted": "true",
    "format": "csv", "callback": "a", "debug": "1",
}  # fmt: skip


def malformed_queries(operation: Operation) -> tuple[str, ...]:
    """As they stand in a query, where the texts above would be encoded.

    Without a value, separated as it once was usual, bytes that are no character.
    """
    limit, offset = paging_names(operation)
    if not offset:
        return (limit, f"{limit}=%FF") if limit else ()
    return limit, f"{offset}&{limit}=5", f"{limit}=5;{offset}=3", f"{limit}=%FF", f"{offset}=%C0%B5"


def encoded_queries(operation: Operation) -> tuple[str, ...]:
    """What is valid, in spellings that a server decodes before it looks."""
    limit, offset = paging_names(operation)
    if not offset:
        return (f"%{ord(limit[0]):02X}{limit[1:]}=%37",) if limit and 7 in operation.limits else ()
    return f"{limit}=%37&{offset}=%31%30", f"&&{offset}=5&%{ord(limit[0]):02X}{limit[1:]}=7&"


def ignored_queries(operation: Operation) -> list[Query]:
    """What nobody knows is ignored, and what is written alike is another parameter."""
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
    """Of the limit and the offset; empty if it has none."""
    return (operation.listing.limit, operation.listing.offset) if operation.listing else ("", "")


def page_query(operation: Operation, limit: object = None, offset: object = None) -> Query:
    """A query for a page, as far as the operation has pages."""
    pairs = zip(paging_names(operation), (limit, offset), strict=True)
    return {name: value for name, value in pairs if name and value is not None}


def invalid_requests(operation: Operation, parent: str) -> Iterator[tuple[str, Query]]:
    """Ids and queries that are invalid, or look so.

    Most hold several faults. Of a server that names them all, one request is enough; of one that names the first, the
    check asks for the others by themselves.
    """
    if operation.listing is None:
        yield from ((other, {}) for other in invalid_ids(parent) if parent)
        return
    least, most = operation.limits[0], operation.limits[-1]
    default = operation.defaults[operation.listing.limit]
    for out in (least - 1, most + 1):
        yield parent, page_query(operation, limit=out)
    # Beside a value of the other one, it may be looked at otherwise; and of three workers, one may not look.
    for beside in (0, 7) if operation.is_offset_list else (None,):
        yield parent, page_query(operation, most + 1, beside)
    for beside in (default, least) if operation.is_offset_list else ():
        yield parent, page_query(operation, beside, -1)
    for odd in (-1, 2**64, "9" * 400) if operation.is_offset_list else ():
        yield parent, page_query(operation, offset=odd)
    for text in VARIANT_INTEGERS:
        for name in operation.defaults:
            yield parent, {name: text}
    # The first one, or the last one, would do.
    yield parent, page_query(operation, limit=[default, most + 1])
    for name in operation.defaults:
        yield parent, {name: [1, 2]}
    # The last ones are valid, if a server keeps no more than the last bits.
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
    """Texts that are no id, of those that are UUIDs, most of them made of one."""
    yield from ("malformed", "42", "undefined", "*", "%", "_" * 36, "' OR '1'='1", "\u00e9", "\U0001f600", "x" * 300)
    yield from (parent[:-1], parent + "0", "g" + parent[1:], " " + parent, parent + " ")
    yield from (f"'{parent}", f'"{parent}"', parent + "\0", parent + ".", parent + ".json")
    yield from (f"{parent},{parent}", "+" + parent, parent.replace("-", "_"), parent + "-")
    yield from (parent + "\n", f"({parent})", parent + "?a=1", parent + "#a", parent + "%00")
    yield from (parent + "|", f"<{parent}>", "0x" + parent.replace("-", ""), parent.replace("-", " "))
    # Digits and letters that only look so.
    yield "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in parent)


def id_variants(parent: str) -> Iterator[str]:
    """Other ways to write one: either the contract's own, or such as servers take."""
    yield parent.upper()
    yield "".join(letter.upper() if number % 2 else letter for number, letter in enumerate(parent))
    yield parent.replace("-", "")
    yield f"{{{parent}}}"
    yield f"urn:uuid:{parent}"
