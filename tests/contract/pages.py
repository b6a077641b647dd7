"""Pages of lists as checks compare them, and values as messages show them."""

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
# A date-time (RFC 3339, section 5.6). Its fraction may have more digits than Python reads.
TIME = re.compile(
    r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


@dataclass(frozen=True)
class Page:
    """A page, with the case that requests it again."""

    operation: Operation
    parent: str
    """The owner of the list, or the id of the item."""
    limit: int
    offset: int
    """0 if the list has no offset."""
    total: int
    """-1 if the page has none."""
    items: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]
    """The keys of the items; UUIDs in lower case."""
    case: Case[Any]
    filters: tuple[tuple[str, str], ...] = ()
    """Values of filters, as JSON."""
    cursor: str | None = None
    """The cursor of its start; None for the first page."""
    next_cursor: str | None = None
    is_limited: bool = True
    """True if a limit was given."""
    preceding: Mapping[int, requests.PreparedRequest] = field(default_factory=dict)
    """Latest requests without items in the response since the last page with items, by status."""
    context: str = ""
    """What preceded the request, in words, if that matters."""

    @property
    def list_key(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """Identifies the list of the page."""
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
        """Return the position of an item in the whole list, from 0."""
        return self.offset + self.keys.index(key)

    def matching_keys(self, at_most: AtMost) -> frozenset[str]:
        """Return the keys of the items that meet the condition."""
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
    """Return the value if it is an integer by JSON Schema, as `20.0` is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def key_of(lists: Lists | None, item: Any) -> str | None:
    """Return the key of an item as text; of an invalid key, the text as it is."""
    if lists is None:
        return None
    key = lists.key(item)
    if key is None and isinstance(item, dict):
        value = item.get(lists.listing.key)
        return value.lower() if isinstance(value, str) else None
    return key


def describe_item(operation: Operation, key: str | None) -> str:
    """Describe an item for messages."""
    name = operation.key_field
    return f"the item with {name} {shorten(key)}" if name else f"{operation.parent} {shorten(key)}"


def normalize(value: Any) -> Any:
    """Return the value with UUIDs in lower case, and date-times in one notation."""
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
    """Return a value for messages: escaped, on one line, shortened."""
    is_text = not isinstance(value, (dict, list, bool, int, float, type(None)))
    return escaped(str(value) if is_text else json.dumps(value, ensure_ascii=False), MAX_VALUE_LENGTH)


def quote_value(value: object) -> str:
    """The same with quotes around text, so that an empty one shows."""
    return f"'{shorten(value)}'" if isinstance(value, str) else shorten(value)


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the differences between two values: field, and both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from differences(one.get(name), other.get(name), f"{path}.{name}" if path else name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif normalize(one) != normalize(other):
        yield path, one, other
