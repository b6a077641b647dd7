# Copied by `make generate` from overrides/package/_testing/cel.py. Do not edit it here.
"""CEL operators that Python does not have, for rules translated to Python. Times and durations are integer nanoseconds.

A condition that cannot be evaluated raises one of EVALUATION_ERRORS, where CEL returns an error.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from .contract import as_list, as_object

EVALUATION_ERRORS = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@functools.lru_cache(maxsize=4096)
def moment(text: str) -> int:
    """Return an RFC 3339 time in nanoseconds since 1970. Raise ValueError for any other text."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    day, time, fraction, offset = found.groups()
    passed = datetime.fromisoformat(f"{day}T{time}{'+00:00' if offset in 'Zz' else offset}") - _EPOCH
    return (passed.days * 86400 + passed.seconds) * 10**9 + int((fraction or "0")[:9].ljust(9, "0"))


def seconds(number: float) -> int:
    """Return a duration in nanoseconds."""
    return round(number * 10**9)


def true(value: Any) -> bool:
    """Return a Boolean. Raise TypeError for anything else."""
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def negated(value: Any) -> bool:
    """`!`"""
    return not true(value)


def all_of(*conditions: Callable[[], Any]) -> bool:
    """`&&`: False if any condition is false, even if others cannot be evaluated."""
    return _short_circuit(False, conditions)


def any_of(*conditions: Callable[[], Any]) -> bool:
    """`||`: True if any condition is true, even if others cannot be evaluated."""
    return _short_circuit(True, conditions)


def all_each(container: Any, condition: Callable[[Any], Any]) -> bool:
    """`all`"""
    return _short_circuit(False, [lambda each=each: condition(each) for each in _expect(container, list, dict)])


def any_each(container: Any, condition: Callable[[Any], Any]) -> bool:
    """`exists`"""
    return _short_circuit(True, [lambda each=each: condition(each) for each in _expect(container, list, dict)])


def _short_circuit(by: bool, conditions: Any) -> bool:
    wrong: Exception | None = None
    for condition in conditions:
        try:
            if true(condition()) is by:
                return by
        except EVALUATION_ERRORS as error:
            wrong = error
    if wrong is not None:
        raise wrong
    return not by


def fold(container: Any, first: Any, step: Callable[[Any, Any], Any], last: Callable[[Any], Any]) -> Any:
    """`map`, `filter`, `exists_one`: fold over a list."""
    found = first
    for each in _expect(container, list, dict):
        found = step(found, each)
    return last(found)


def equal(one: Any, other: Any) -> bool:
    """`==`: unlike in Python, true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    objects = as_object(one), as_object(other)
    if objects[0] is not None and objects[1] is not None:
        return objects[0].keys() == objects[1].keys() and all(equal(objects[0][key], objects[1][key]) for key in one)
    lists = as_list(one), as_list(other)
    if lists[0] is not None and lists[1] is not None:
        return len(lists[0]) == len(lists[1]) and all(map(equal, lists[0], lists[1]))
    return bool(one == other)


def is_in(value: Any, container: Any) -> bool:
    """`in`: an element of a list, or a key of a map."""
    if isinstance(container, dict) and not isinstance(value, bool | int | float | str):
        raise TypeError(value)
    return any(equal(value, each) for each in _expect(container, list, dict))


def has(container: Any, name: str) -> bool:
    """`has`"""
    return name in _expect(container, dict)


def size(value: Any) -> int:
    """`size`"""
    return len(_expect(value, str, list, dict))


def less(one: Any, other: Any) -> bool:
    """`<`: for two numbers, two texts or two Booleans."""
    if _order_kind(one) != _order_kind(other):
        raise TypeError(other)
    return bool(one < other)


def less_or_equal(one: Any, other: Any) -> bool:
    """`<=`"""
    return less(one, other) or equal(one, other)


def plus(one: Any, other: Any) -> Any:
    """`+`: for two integers, two doubles, two texts or two lists."""
    if type(one) is not type(other):
        raise TypeError(other)
    return _expect(one, int, float, str, list) + other


def minus(one: Any, other: Any) -> Any:
    """`-`"""
    return _first_of_same_number_type(one, other) - other


def times(one: Any, other: Any) -> Any:
    """`*`"""
    return _first_of_same_number_type(one, other) * other


def quotient(one: Any, other: Any) -> Any:
    """`/`: integers are divided towards zero."""
    if isinstance(_first_of_same_number_type(one, other), float):
        return one / other
    return abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)


def remainder(one: Any, other: Any) -> Any:
    """`%`"""
    return one - _expect(other, int) * quotient(one, other)


def at(container: Any, key: Any) -> Any:
    """`[]`: an element of a list, or a value of a map."""
    if isinstance(container, list) and (isinstance(key, bool) or not isinstance(key, int) or key < 0):
        raise LookupError(key)
    return _expect(container, list, dict)[key]


def starts_with(text: Any, start: Any) -> bool:
    """`startsWith`"""
    return str.startswith(_expect(text, str), start)


def ends_with(text: Any, end: Any) -> bool:
    """`endsWith`"""
    return str.endswith(_expect(text, str), end)


def contains(text: Any, part: Any) -> bool:
    """`contains`"""
    return _expect(part, str) in _expect(text, str)


def matches(text: Any, pattern: str) -> bool:
    """`matches`"""
    return re.search(re.sub(r"(?<!\\)\$", r"\\Z", pattern), text, re.ASCII) is not None


def _expect(value: Any, *kinds: type) -> Any:
    """Return the value if it has one of the types; a Boolean is not an integer. Raise TypeError otherwise."""
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise TypeError(value)
    return value


def _first_of_same_number_type(one: Any, other: Any) -> Any:
    if type(one) is not type(other):
        raise TypeError(other)
    return _expect(one, int, float)


def _order_kind(value: Any) -> type:
    """Return the type that a value can be compared with. Raise TypeError if it has no order."""
    found = bool if isinstance(value, bool) else float if isinstance(value, int | float) else str
    if not isinstance(value, bool | int | float | str):
        raise TypeError(value)
    return found
