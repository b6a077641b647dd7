# Copied by `make generate` from overrides/package/_inputs.py. Do not edit it here.
"""Checks arguments before anything is sent: one function for each kind of parameter that a contract can have."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

import pydantic

from ._bases import StrEnum, Unknown
from .errors import ConfigurationError

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# cookie-octet of RFC 6265, section 4.1.1: no spaces, no control characters, none of `" , ; \`. Used for tokens too.
_CREDENTIAL = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
_MAX_BITS = 1024
# A header value by RFC 9110, section 5.5, without control characters and non-ASCII text.
_HEADER = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


def uuid_text(name: str, value: object) -> str:
    """Return a UUID as text.

    Raises:
        ConfigurationError: It is not a UUID. Any other text would change the path.
    """
    if isinstance(value, UUID) or (isinstance(value, str) and _UUID.fullmatch(value)):
        return str(value)
    raise ConfigurationError(f"'{name}' must be a UUID, as uuid.UUID or text (got {_short(value)})")


def integer(
    name: str,
    value: object,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    step: float | None = None,
) -> int:
    """Return an integer.

    Args:
        name: The name of the argument, for the error.
        value: The value.
        least: The minimum.
        most: The maximum.
        above: The exclusive minimum.
        below: The exclusive maximum.
        step: The value must be a multiple of it.

    Raises:
        ConfigurationError: It is not an integer, or out of bounds.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"'{name}' must be an integer (got {_short(value)})")
    if value.bit_length() > _MAX_BITS:
        # Python does not write out much longer integers, and servers do not accept such addresses.
        raise ConfigurationError(f"'{name}' must have at most {_MAX_BITS} bits (got {value.bit_length()})")
    _check_bounds(name, value, least, most, above, below, step)
    return int(value)


def number(
    name: str,
    value: object,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    step: float | None = None,
) -> str:
    """Return a number as JSON text. The bounds are those of `integer`.

    Raises:
        ConfigurationError: It is not a finite number, or out of bounds.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(integer(name, value, least, most, above, below, step))
    if not isinstance(value, float) or not math.isfinite(value):
        raise ConfigurationError(f"'{name}' must be a finite number (got {_short(value)})")
    _check_bounds(name, value, least, most, above, below, step)
    return repr(value)


def _check_bounds(
    name: str,
    value: float,
    least: float | None,
    most: float | None,
    above: float | None,
    below: float | None,
    step: float | None,
) -> None:
    bounds = {"at least": least, "at most": most, "more than": above, "less than": below}
    outside = (
        (least is not None and value < least)
        or (most is not None and value > most)
        or (above is not None and value <= above)
        or (below is not None and value >= below)
    )
    if outside:
        words = [f"{word} {bound}" for word, bound in bounds.items() if bound is not None]
        if least is not None and most is not None:
            words = [f"between {least} and {most}", *words[2:]]
        raise ConfigurationError(f"'{name}' must be {' and '.join(words)} (got {value})")
    if step is not None and not math.isclose(value / step, round(value / step), rel_tol=1e-12, abs_tol=1e-12):
        raise ConfigurationError(f"'{name}' must be a multiple of {step} (got {value})")


def _check_length(name: str, length: int, unit: str, least: int | None, most: int | None) -> None:
    if (least is not None and length < least) or (most is not None and length > most):
        words = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        raise ConfigurationError(f"'{name}' must have {' and '.join(words)} {unit} (got {length})")


def boolean(name: str, value: object) -> str:
    """Return a Boolean as JSON text.

    Raises:
        ConfigurationError: It is not a Boolean.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"'{name}' must be True or False (got {_short(value)})")
    return "true" if value else "false"


def text(
    name: str,
    value: object,
    least: int | None = None,
    most: int | None = None,
    pattern: str | None = None,
    secret: bool = False,
) -> str:
    """Return text.

    Args:
        name: The name of the argument, for the error.
        value: The value.
        least: The minimum length, in characters.
        most: The maximum length, in characters.
        pattern: A regular expression that must match somewhere in the text.
        secret: Keep the value out of errors.

    Raises:
        ConfigurationError: It is not text, has the wrong length, does not match the pattern, or cannot be encoded.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"'{name}' must be text (got {type(value).__name__ if secret else _short(value)})")
    _check_length(name, len(value), "characters", least, most)
    if pattern is not None and not re.search(pattern, value, re.ASCII):
        got = "" if secret else f" (got {_short(value)})"
        raise ConfigurationError(f"'{name}' must match {pattern}{got}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ConfigurationError(f"'{name}' must be text without unpaired surrogates")
    return str.__str__(value)


def moment(name: str, value: object) -> str:
    """Return a date-time as RFC 3339 text, in UTC.

    Raises:
        ConfigurationError: It is not a datetime, or has no time zone.
    """
    if not isinstance(value, datetime) or value.tzinfo is None or value.utcoffset() is None:
        raise ConfigurationError(f"'{name}' must be a datetime with a time zone (got {_short(value)})")
    try:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        pass
    raise ConfigurationError(f"'{name}' must be in the years 1 to 9999 in UTC (got {_short(value)})")


def day(name: str, value: object) -> str:
    """Return a date as RFC 3339 text.

    Raises:
        ConfigurationError: It is not a date.
    """
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ConfigurationError(f"'{name}' must be a date (got {_short(value)})")
    return value.isoformat()


def items(name: str, value: object, least: int | None = None, most: int | None = None) -> Sequence[object]:
    """Return a list. Text is refused, although it is a sequence of characters.

    Raises:
        ConfigurationError: It is not a list, or has too few or too many items.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigurationError(f"'{name}' must be a list (got {_short(value)})")
    found = cast("Sequence[object]", value)
    _check_length(name, len(found), "items", least, most)
    return found


def joined(name: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return a list as one parameter, joined with commas; no parameter if the list is empty.

    Raises:
        ConfigurationError: An item contains a comma, and would be read as two items.
    """
    if wrong := [text for text in texts if "," in text]:
        raise ConfigurationError(f"'{name}' must have items without commas (got {_short(wrong[0])})")
    return [(name, ",".join(texts))] if texts else []


def segment(name: str, value: str) -> str:
    """Return text as one percent-encoded segment of a path.

    Raises:
        ConfigurationError: It is empty, `.` or `..`.
    """
    if value in ("", ".", ".."):
        raise ConfigurationError(f"'{name}' must not be empty, '.' or '..' (got {_short(value)})")
    return quote(value, safe="")


def choice(name: str, value: object, known: tuple[str, ...]) -> str:
    """Return one of the values that the contract allows. Members of enums are accepted.

    Raises:
        ConfigurationError: It is another value.
    """
    if not isinstance(value, str) or value not in known:
        raise ConfigurationError(f"'{name}' must be one of {', '.join(known)} (got {_short(value)})")
    # As plain text: an enum member may format differently.
    return known[known.index(value)]


def credential(name: str, value: object) -> str:
    """Return a token or the value of a cookie. The value is in no error.

    Raises:
        ConfigurationError: It contains characters that neither may contain.
    """
    if isinstance(value, str) and _CREDENTIAL.fullmatch(value):
        return value
    raise ConfigurationError(
        f"'{name}' must be the value alone, without `Bearer`: not empty, in ASCII, without spaces, quotes, commas, "
        "semicolons, backslashes and control characters"
    )


def header(name: str, value: object) -> str:
    """Return the value of a header. The value is in no error.

    Raises:
        ConfigurationError: It contains characters that a header may not contain.
    """
    if isinstance(value, str) and _HEADER.fullmatch(value):
        return value
    raise ConfigurationError(f"'{name}' must be one line of ASCII text, without spaces around it")


Shapes = Mapping[type[pydantic.BaseModel], tuple[bool, Sequence[str]]]
"""By model: True if the contract allows no further fields, and the attributes that may be omitted but not be None."""


def json_body(value: object, model: type[pydantic.BaseModel], shapes: Shapes) -> bytes:
    """Return a body as JSON. Fields that were not set are omitted.

    Args:
        value: The body.
        model: Its model.
        shapes: Constraints that the models do not check.

    Raises:
        ConfigurationError: It is another model, or violates the contract. Its values are in no error.
    """
    if not isinstance(value, model):
        raise ConfigurationError(f"'body' must be a {model.__name__} (got {type(value).__name__})")
    for path, problem in _body_faults("body", value, shapes):
        raise ConfigurationError(f"'{path}' {problem}")
    try:
        content = value.model_dump_json(exclude_unset=True, by_alias=True, warnings="none").encode()
        # The model may have been changed after validation, or made without.
        model.model_validate_json(content)
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        problem = f"'{'.'.join(['body', *map(str, fault['loc'])])}' is invalid: {fault['msg']}"
    except (ValueError, RecursionError) as error:
        problem = f"'body' cannot be written as JSON: {type(error).__name__}"
    else:
        return content
    raise ConfigurationError(problem)


def _body_faults(path: str, value: object, shapes: Shapes) -> Iterator[tuple[str, str]]:
    """Yield what a server would reject although the models accept it."""
    if isinstance(value, StrEnum) and not value.is_known:
        yield path, f"must be one of {', '.join(type(value))}"
    elif isinstance(value, Unknown):
        yield path, "must be of a kind that the contract knows"
    elif isinstance(value, pydantic.BaseModel):
        closed, firm = shapes.get(type(value), (False, ()))
        for name in value.model_extra or {} if closed else ():
            yield f"{path}.{name:.60}", f"is not a field of {type(value).__name__}"
        for name in value.model_fields_set & {*type(value).model_fields}:
            below: object = getattr(value, name, None)
            if below is None and name in firm:
                yield f"{path}.{name}", "must be omitted, not None"
            yield from _body_faults(f"{path}.{name}", below, shapes)
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, "must be a finite number"
    elif isinstance(value, list):
        for index, each in enumerate(cast("list[object]", value)):
            yield from _body_faults(f"{path}.{index}", each, shapes)
    elif isinstance(value, dict):
        for key, each in cast("dict[object, Any]", value).items():
            yield from _body_faults(f"{path}.{key!s:.60}", each, shapes)


def _short(value: object) -> str:
    try:
        return f"{type(value).__name__} {value!r:.60}"
    except ValueError:
        # Python does not write out very long integers.
        return f"{type(value).__name__} with a very long value"
