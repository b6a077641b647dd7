"""What a caller gives, checked before anything is sent: a function for each kind of parameter that contracts have."""

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
# RFC 6265, section 4.1.1, cookie-octet: no spaces, no control characters, none of `" , ; \`. Tokens keep to it as well.
_CREDENTIAL = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
_MAX_BITS = 1024
# RFC 9110, section 5.5: what a header may hold, here without control characters and beyond ASCII.
_HEADER = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


def uuid_text(name: str, value: object) -> str:
    """Returns a UUID as the contract writes it.

    Raises:
        ConfigurationError: It is none: anything else would become another path.
    """
    if isinstance(value, UUID) or (isinstance(value, str) and _UUID.fullmatch(value)):
        return str(value)
    raise ConfigurationError(f"{name} has to be a UUID, as uuid.UUID or as text, not {_short(value)}")


def integer(
    name: str,
    value: object,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    step: float | None = None,
) -> int:
    """Returns an integer within bounds: at least, at most, above, below, a multiple of.

    Raises:
        ConfigurationError: It is no integer, or outside.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"{name} has to be an integer, not {_short(value)}")
    if value.bit_length() > _MAX_BITS:
        # Much longer ones are refused by Python, which does not write them out, and by servers, as addresses.
        raise ConfigurationError(f"{name} has to have at most {_MAX_BITS} bits, not {value.bit_length()}")
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
    """Returns a number within bounds, as `integer` has them, as JSON writes it.

    Raises:
        ConfigurationError: It is no number, or outside. Neither infinity nor NaN is one.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(integer(name, value, least, most, above, below, step))
    if not isinstance(value, float) or not math.isfinite(value):
        raise ConfigurationError(f"{name} has to be a finite number, not {_short(value)}")
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
        raise ConfigurationError(f"{name} has to be {' and '.join(words)}, not {value}")
    if step is not None and not math.isclose(value / step, round(value / step), rel_tol=1e-12, abs_tol=1e-12):
        raise ConfigurationError(f"{name} has to be a multiple of {step}, not {value}")


def _check_length(name: str, length: int, unit: str, least: int | None, most: int | None) -> None:
    if (least is not None and length < least) or (most is not None and length > most):
        words = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        raise ConfigurationError(f"{name} has to have {' and '.join(words)} {unit}, not {length}")


def boolean(name: str, value: object) -> str:
    """Returns a Boolean as JSON writes it.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} has to be True or False, not {_short(value)}")
    return "true" if value else "false"


def text(
    name: str,
    value: object,
    least: int | None = None,
    most: int | None = None,
    pattern: str | None = None,
    secret: bool = False,
) -> str:
    """Returns text of a length within bounds, in which a pattern is found.

    Raises:
        ConfigurationError: It is none. A secret is in no error.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} has to be text, not {type(value).__name__ if secret else _short(value)}")
    _check_length(name, len(value), "characters", least, most)
    if pattern is not None and not re.search(pattern, value, re.ASCII):
        got = "" if secret else f", not {_short(value)}"
        raise ConfigurationError(f"{name} has to match {pattern}{got}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise ConfigurationError(f"{name} has to be text that can be sent: it has half of a surrogate pair")
    return str.__str__(value)


def moment(name: str, value: object) -> str:
    """Returns a date-time as RFC 3339 writes it, in UTC.

    Raises:
        ConfigurationError: It is none, or has no offset: nobody would know which moment is meant.
    """
    if not isinstance(value, datetime) or value.tzinfo is None or value.utcoffset() is None:
        raise ConfigurationError(f"{name} has to be a datetime with a time zone, not {_short(value)}")
    try:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError:
        pass
    raise ConfigurationError(f"{name} has to be a datetime of the years 1 to 9999 in UTC, not {_short(value)}")


def day(name: str, value: object) -> str:
    """Returns a date as RFC 3339 writes it.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ConfigurationError(f"{name} has to be a date, not {_short(value)}")
    return value.isoformat()


def items(name: str, value: object, least: int | None = None, most: int | None = None) -> Sequence[object]:
    """Returns a list of a length within bounds. Text is none, though it is a sequence of its characters.

    Raises:
        ConfigurationError: It is none, or has too few or too many items.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise ConfigurationError(f"{name} has to be a list, not {_short(value)}")
    found = cast("Sequence[object]", value)
    _check_length(name, len(found), "items", least, most)
    return found


def joined(name: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    """Returns a list as one value, with commas between; nothing for an empty one.

    Raises:
        ConfigurationError: A text has a comma, and would be taken for two.
    """
    if wrong := [text for text in texts if "," in text]:
        raise ConfigurationError(f"{name} has to have items without commas, not {_short(wrong[0])}")
    return [(name, ",".join(texts))] if texts else []


def segment(name: str, value: str) -> str:
    """Returns text as a part of a path, which it neither ends nor leaves.

    Raises:
        ConfigurationError: It is empty, or stands for a folder.
    """
    if value in ("", ".", ".."):
        raise ConfigurationError(f"{name} has to be text that a path can hold, not {_short(value)}")
    return quote(value, safe="")


def choice(name: str, value: object, known: tuple[str, ...]) -> str:
    """Returns one of the texts that the contract knows, or the member of an enum that is one.

    Raises:
        ConfigurationError: It is none of them.
    """
    if not isinstance(value, str) or value not in known:
        raise ConfigurationError(f"{name} has to be one of {', '.join(known)}, not {_short(value)}")
    # Plain text: a member of an enum may be written otherwise.
    return known[known.index(value)]


def credential(name: str, value: object) -> str:
    """Returns a token or the value of a cookie. Its text is in no error.

    Raises:
        ConfigurationError: It holds what neither may hold.
    """
    if isinstance(value, str) and _CREDENTIAL.fullmatch(value):
        return value
    raise ConfigurationError(
        f"{name} has to be the bare value, without `Bearer`: text, not empty, without spaces, quotes, commas, "
        "semicolons, backslashes, control and non-ASCII characters"
    )


def header(name: str, value: object) -> str:
    """Returns the value of a header. Its text is in no error.

    Raises:
        ConfigurationError: It holds what no header may hold.
    """
    if isinstance(value, str) and _HEADER.fullmatch(value):
        return value
    raise ConfigurationError(f"{name} has to be text of one line, in ASCII, with no space around it")


Shapes = Mapping[type[pydantic.BaseModel], tuple[bool, Sequence[str]]]
"""By model: whether the contract allows no further fields, and which attributes may be left out, but not be None."""


def json_body(value: object, model: type[pydantic.BaseModel], shapes: Shapes) -> bytes:
    """Returns a body as JSON. Fields that were not set are left out.

    Args:
        value: The body.
        model: What it has to be.
        shapes: What the models in it do not hold their maker to.

    Raises:
        ConfigurationError: It is no such model, or not what the contract allows. Its values are in no error.
    """
    if not isinstance(value, model):
        raise ConfigurationError(f"body has to be a {model.__name__}, not {type(value).__name__}")
    for path, problem in _body_faults("body", value, shapes):
        raise ConfigurationError(f"{path} {problem}")
    try:
        content = value.model_dump_json(exclude_unset=True, by_alias=True, warnings="none").encode()
        # A model may have been changed, or made without checks.
        model.model_validate_json(content)
    except pydantic.ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        problem = f"{'.'.join(['body', *map(str, fault['loc'])])}: {fault['msg']}"
    except (ValueError, RecursionError) as error:  # what JSON cannot hold
        problem = f"body cannot be written as JSON: {type(error).__name__}"
    else:
        return content
    raise ConfigurationError(problem)


def _body_faults(path: str, value: object, shapes: Shapes) -> Iterator[tuple[str, str]]:
    """Yields what a server would refuse of a body, though the models keep it."""
    if isinstance(value, StrEnum) and not value.is_known:
        yield path, f"has to be one of {', '.join(type(value))}"
    elif isinstance(value, Unknown):
        yield path, "has to be one that the contract knows"
    elif isinstance(value, pydantic.BaseModel):
        closed, firm = shapes.get(type(value), (False, ()))
        for name in value.model_extra or {} if closed else ():
            yield f"{path}.{name:.60}", f"is no field of {type(value).__name__}"
        for name in value.model_fields_set & {*type(value).model_fields}:
            below: object = getattr(value, name, None)
            if below is None and name in firm:
                yield f"{path}.{name}", "has to be left out where there is none, not None"
            yield from _body_faults(f"{path}.{name}", below, shapes)
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, "has to be a finite number"
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
        # Python refuses to write out very long integers.
        return f"{type(value).__name__} with a very long value"
