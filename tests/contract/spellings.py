"""Texts at the edge of what an integer or an id can be. Which of them are values is judged as for any other request."""

from collections.abc import Iterator
from itertools import zip_longest

from .operation import DEFAULTS, LIMITS

Query = dict[str, object]

# What programs write for nothing, other notations, and what careless parsers stop at.
NO_INTEGERS = (
    "", "abc", "1.5", "NaN", "1,2", "[1]", "--1", "5px", "5;", "undefined", "None", "5\0",
    "Infinity", "\u00b2", "'5'", "5'", '"5"', "5 or 1=1", "(5)", "nan", "True", "all", "\u00bd",
    "\u00e9", "%", "-", "\U0001f600", "inf", "\u200b5",
)  # fmt: skip
# Servers may take these.
LENIENT_INTEGERS = ("1.0", "+5", " 5", "05", "1e1", "0x10")
# As they stand in a query, where the texts above would be encoded: without a value, separated as it once was usual,
# bytes that are no character.
QUERIES = ("limit", "offset&limit=5", "limit=5;offset=3", "limit=%FF", "offset=%C0%B5")
# What is valid, in spellings that a server decodes before it looks.
ENCODED_QUERIES = ("limit=%37&offset=%31%30", "&&offset=5&%6Cimit=7&")
# What nobody knows is ignored, and what is written alike is another parameter.
IGNORED: tuple[Query, ...] = (
    {"page": 2, "per_page": 7, "cursor": "a", "sort": "id", "status": "FAILED"},
    {"LIMIT": 0, "Limit": 7, "Offset": 3, "limit[]": 9, "offset[]": 2, "page_size": 5},
)


def invalid(definition: str) -> Iterator[tuple[str, Query]]:
    """Ids and queries that are invalid, or look so.

    Most hold several faults. Of a server that names them all, one request is enough; of one that names the first, the
    check asks for the others by themselves.
    """
    least, most, default = LIMITS[0], LIMITS[-1], DEFAULTS["limit"]
    for out in (least - 1, most + 1):
        yield definition, {"limit": out}
    for odd in (-1, 2**64, "9" * 4400):
        yield definition, {"offset": odd}
    for text in LENIENT_INTEGERS:
        for name in DEFAULTS:
            yield definition, {name: text}
    # The first one, or the last one, would do.
    yield definition, {"limit": [default, most + 1]}
    for name in DEFAULTS:
        yield definition, {name: [1, 2]}
    # The last ones are valid, if a server keeps no more than the last bits.
    limits: list[object] = [
        -1,
        1000,
        2**31,
        2**63,
        10**30,
        "-0",
        *(2**bits + default for bits in (8, 16, 32, 64)),
        *NO_INTEGERS,
    ]
    offsets: list[object] = [*NO_INTEGERS, -20, -(2**63)]
    for limit, offset, other in zip_longest(limits, reversed(offsets), no_ids(definition)):
        query = {"limit": limit, "offset": offset}
        yield other or definition, {name: value for name, value in query.items() if value is not None}


def no_ids(definition: str) -> Iterator[str]:
    """Texts that are no UUID, most of them made of one."""
    yield from ("malformed", "42", "undefined", "*", "%", "_" * 36, "' OR '1'='1", "\u00e9", "\U0001f600", "x" * 300)
    yield from (definition[:-1], definition + "0", "g" + definition[1:], " " + definition, definition + " ")
    yield from (f"'{definition}", f'"{definition}"', definition + "\0", definition + ".", definition + ".json")
    yield from (f"{definition},{definition}", "+" + definition, definition.replace("-", "_"))
    # Digits and letters that only look so.
    yield "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in definition)


def odd_ids(definition: str) -> Iterator[str]:
    """Other ways to write one: either the contract's own, or such as servers take."""
    yield definition.upper()
    yield "".join(letter.upper() if number % 2 else letter for number, letter in enumerate(definition))
    yield definition.replace("-", "")
    yield f"{{{definition}}}"
    yield f"urn:uuid:{definition}"
