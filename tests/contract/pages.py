"""Pages of the list, as the checks compare them, and values as messages show them."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import requests
from schemathesis import Case

from codegen.extensions import AtMost, Lists
from codegen.text import escaped

from .operation import Operation
from .parameter import UUID

# Characters of a value in a message.
MAX_VALUE_LENGTH = 40
# A date-time, RFC 3339, section 5.6, with its fraction apart: that may have more digits than Python reads.
TIME = re.compile(
    r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


@dataclass(frozen=True)
class Page:
    """One page, with what it takes to ask for it again."""

    operation: Operation
    parent: str
    """What the list belongs to, or what was asked for."""
    limit: int
    offset: int
    """0 for what is no list by offset."""
    total: int
    """-1 where it is not said."""
    items: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]
    """What tells the items apart; a UUID in lower case."""
    case: Case[Any]
    filters: tuple[tuple[str, str], ...] = ()
    """What made the list, besides what it belongs to."""
    cursor: str | None = None
    """Where it began; None for the first one."""
    next_cursor: str | None = None
    is_limited: bool = True
    """Whether a limit was given."""
    preceding: Mapping[int, requests.PreparedRequest] = field(default_factory=dict)
    """What was answered without items since the last page that had some, by status."""
    context: str = ""
    """What it was asked for after, in words, where that matters."""

    @property
    def list_key(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """Which list it is a page of."""
        return self.operation.name, self.parent, self.filters

    @property
    def place(self) -> str:
        listing = self.operation.listing
        if listing is None:
            return f"{self.operation.name} of {self.operation.parent} {self.parent}"
        start = f"{listing.offset} {self.offset}" if self.operation.is_offset_list else self.start
        some = "".join(f", {name} {escaped(value, MAX_VALUE_LENGTH)}" for name, value in self.filters)
        return f"{listing.limit} {self.limit}, {start}{some}{self.context}"

    @property
    def start(self) -> str:
        if self.cursor is None:
            return "at the start"
        return f"{self.operation.cursor_name} '{escaped(self.cursor, MAX_VALUE_LENGTH)}'"

    @cached_property
    def by_key(self) -> Mapping[str, dict[str, Any]]:
        return dict(zip(self.keys, self.items, strict=True))

    @cached_property
    def is_unique(self) -> bool:
        return len(self.by_key) == len(self.keys)

    def position(self, key: str) -> int:
        """The item's place in the whole list, from 0."""
        return self.offset + self.keys.index(key)

    def matching_keys(self, at_most: AtMost) -> frozenset[str]:
        """The keys of the items that meet the condition."""
        if at_most.where.id not in self._meeting:
            assert self.operation.lists is not None
            found = self.operation.lists.matching(at_most, self.items)
            self._meeting[at_most.where.id] = frozenset(
                key for key, is_met in zip(self.keys, found, strict=True) if is_met
            )
        return self._meeting[at_most.where.id]

    @cached_property
    def _meeting(self) -> dict[str, frozenset[str]]:
        return {}


def as_integer(value: object) -> int | None:
    """The value if it is an integer, as JSON Schema has it: `20.0` is one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def key_of(lists: Lists | None, item: Any) -> str | None:
    """The item's key as text; that of another form than the contract's as it is."""
    if lists is None:
        return None
    key = lists.key(item)
    if key is None and isinstance(item, dict):
        value = item.get(lists.listing.key)
        return value.lower() if isinstance(value, str) else None
    return key


def describe_item(operation: Operation, key: str | None) -> str:
    """An item, for messages."""
    name = operation.key_field
    return f"the item with {name} {shorten(key)}" if name else f"{operation.parent} {shorten(key)}"


def normalize(value: Any) -> Any:
    """The value with all UUIDs in lower case, and all date-times as moments: each may be written in many ways."""
    if isinstance(value, dict):
        return {name: normalize(each) for name, each in value.items()}
    if isinstance(value, list):
        return [normalize(each) for each in value]
    if not isinstance(value, str):
        return value
    if UUID.fullmatch(value):
        return value.lower()
    if time := TIME.fullmatch(value):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(time["second"] + time["zone"].upper()).astimezone(UTC)
            return moment.replace(tzinfo=None).isoformat() + "." + (time["fraction"] or "").rstrip("0")
    return value


def shorten(value: object) -> str:
    """A value of an answer, as it stands in a message: on one line, and short."""
    is_text = not isinstance(value, (dict, list, bool, int, float, type(None)))
    return escaped(str(value) if is_text else json.dumps(value, ensure_ascii=False), MAX_VALUE_LENGTH)


def quote_value(value: object) -> str:
    """The same with quotes around text, so that an empty one is seen."""
    return f"'{shorten(value)}'" if isinstance(value, str) else shorten(value)


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ: the field, and what it is in each."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from differences(one.get(name), other.get(name), f"{path}.{name}" if path else name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif normalize(one) != normalize(other):
        yield path, one, other
