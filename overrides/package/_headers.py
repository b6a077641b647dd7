"""Parses the response headers that the contract documents."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from ._bases import StrEnum
from ._sending import Answer
from .errors import DecodingError

ValueT = TypeVar("ValueT")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read(
    answer: Answer, name: str, value_of: Callable[[str], ValueT], *, required: bool, strict: bool
) -> ValueT | None:
    """Return the value of a header; None if it is missing or invalid.

    Proxies drop and rewrite headers, which is no reason to refuse a valid body.

    Args:
        answer: The answer.
        name: The name of the header.
        value_of: Parses the text, or raises ValueError.
        required: True if the contract requires the header.
        strict: Raise an error for a missing required or an invalid header.

    Raises:
        DecodingError: The header is missing or invalid, and `strict` is set.
    """
    sent = answer.headers.get(name)
    if sent is None:
        problem = "must be present" if required else ""
    else:
        try:
            value = value_of(sent.strip())
        except ValueError as error:
            problem = str(error) if str(error).startswith("must ") else "must be valid"
        else:
            if not strict or not isinstance(value, StrEnum) or value.is_known:
                return value
            problem = "must be a value that the contract knows"
    if problem and strict:
        raise DecodingError.of_faults(answer.as_response(), [(f"header {name}", problem)])
    return None


def integer(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,300}", text, re.ASCII):
        raise ValueError("must be an integer")
    return int(text)


def number(text: str) -> float:
    if not re.fullmatch(r"-?\d{1,300}(\.\d+)?([eE][+-]?\d{1,3})?", text, re.ASCII):
        raise ValueError("must be a number")
    return float(text)


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def text(text: str) -> str:
    return text


def identifier(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise ValueError("must be a UUID")
    return UUID(text)


def moment(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise ValueError("must be a date-time with an offset")
    return datetime.fromisoformat(text.upper())


def day(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError("must be a date")
    return date.fromisoformat(text)
