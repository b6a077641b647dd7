"""Pages of the list, as the checks compare them, and values as messages show them."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from schemathesis import Case

from codegen.extensions import AtMost
from codegen.text import escaped

from .contract import contract
from .operation import UUID

# Characters of a value in a message.
SHOWN = 40
# A date-time, RFC 3339, section 5.6, with its fraction apart: that may have more digits than Python reads.
TIME = re.compile(
    r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


@dataclass(frozen=True)
class Page:
    """One page, with what it takes to ask for it again."""

    parent: str
    """What the list belongs to."""
    limit: int
    offset: int
    total: int
    items: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]
    """What tells the items apart; a UUID in lower case."""
    case: Case[Any]

    @property
    def place(self) -> str:
        listing = contract().listing
        return f"{listing.limit} {self.limit}, {listing.offset} {self.offset}"

    @cached_property
    def by_key(self) -> Mapping[str, dict[str, Any]]:
        return dict(zip(self.keys, self.items, strict=True))

    @cached_property
    def is_unique(self) -> bool:
        return len(self.by_key) == len(self.keys)

    def number(self, key: str) -> int:
        """The item's place in the whole list, from 0."""
        return self.offset + self.keys.index(key)

    def meeting(self, at_most: AtMost) -> frozenset[str]:
        """The keys of the items that meet the condition."""
        if at_most.where.id not in self._meeting:
            found = contract().lists.meeting(at_most, self.items)
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


def key_of(item: Any) -> str | None:
    """The item's key as text; that of another form than the contract's as it is."""
    lists = contract().lists
    key = lists.key(item)
    if key is None and isinstance(item, dict):
        value = item.get(lists.listing.key)
        return value.lower() if isinstance(value, str) else None
    return key


def named(key: str | None) -> str:
    """An item, for messages."""
    return f"the item with {contract().listing.key} {shown(key)}"


def normal(value: Any) -> Any:
    """The value with all UUIDs in lower case, and all date-times as moments: each may be written in many ways."""
    if isinstance(value, dict):
        return {name: normal(each) for name, each in value.items()}
    if isinstance(value, list):
        return [normal(each) for each in value]
    if not isinstance(value, str):
        return value
    if UUID.fullmatch(value):
        return value.lower()
    if time := TIME.fullmatch(value):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(time["second"] + time["zone"].upper()).astimezone(UTC)
            return moment.replace(tzinfo=None).isoformat() + "." + (time["fraction"] or "").rstrip("0")
    return value


def shown(value: object) -> str:
    """A value of an answer, as it stands in a message: on one line, and short."""
    is_text = not isinstance(value, (dict, list, bool, int, float, type(None)))
    return escaped(str(value) if is_text else json.dumps(value, ensure_ascii=False), SHOWN)


def quoted(value: object) -> str:
    """The same with quotes around text, so that an empty one is seen."""
    return f"'{shown(value)}'" if isinstance(value, str) else shown(value)


def differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ: the field, and what it is in each."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            yield from differences(one.get(name), other.get(name), f"{path}.{name}" if path else name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif normal(one) != normal(other):
        yield path, one, other
