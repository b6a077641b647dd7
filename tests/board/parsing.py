"""Parses the values of parameters and the fields of the body; raises InvalidValue for what the contract refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Any

from .data import STATUSES, Body

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,4000}")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
TAG = re.compile(r"[a-z]{1,20}", re.ASCII)
TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII | re.IGNORECASE
)


class Refusal(Exception):
    """The response to a request that fails a stage."""

    def __init__(self, status: int, detail: Any, headers: dict[str, str] | None = None) -> None:
        self.status, self.detail, self.headers = status, detail, headers or {}


class InvalidValue(Exception):
    """One value is invalid. `below` is the path to the invalid part within the value."""

    def __init__(self, message: str, kind: str, *below: str | int) -> None:
        self.message, self.kind, self.below = message, kind, below


def parse_integer(text: str, least: int, most: int | None = None) -> int:
    if not INTEGER.fullmatch(text):
        raise InvalidValue("Input should be a valid integer", "int_parsing")
    value = int(text)
    if value < least:
        raise InvalidValue(f"Input should be greater than or equal to {least}", "greater_than_equal")
    if most is not None and value > most:
        raise InvalidValue(f"Input should be less than or equal to {most}", "less_than_equal")
    return value


def parse_uuid(text: str) -> str:
    if not UUID_TEXT.fullmatch(text):
        raise InvalidValue("Input should be a valid UUID", "uuid_parsing")
    return text.lower()


def parse_time(text: str) -> Fraction:
    """Return the seconds since the year 0, with all decimals. Raises InvalidValue if it is no RFC 3339 date-time."""
    match = TIME.fullmatch(text)
    if match is None:
        raise InvalidValue("Input should be a valid datetime with a timezone", "datetime_parsing")
    year, month, day, hour, minute, second = (int(digits) for digits in match.groups()[:6])
    fraction, sign, hours, minutes = match.groups()[6:]
    shift = int(hours or 0) * 60 + int(minutes or 0)
    try:
        # Python has no year 0; it is as long as the year 4.
        days = datetime(year or 4, month, day).toordinal() - (0 if year else 366 + datetime(4, 1, 1).toordinal() - 1)
    except ValueError as error:
        raise InvalidValue(str(error), "datetime_parsing") from error
    minutes_of_day = hour * 60 + minute - (shift if sign == "+" else -shift)
    # A leap second is the last one of a day, in UTC.
    seconds = 61 if minutes_of_day % 1440 == 1439 else 60
    if hour > 23 or minute > 59 or second >= seconds or int(hours or 0) > 23 or int(minutes or 0) > 59:
        raise InvalidValue("The time of day is not valid", "datetime_parsing")
    return days * 86400 + minutes_of_day * 60 + second + Fraction(f"0.{fraction or 0}")


def parse_status(text: str) -> str:
    if text not in STATUSES:
        raise InvalidValue(f"Input should be one of {', '.join(STATUSES)}", "enum")
    return text


def parse_tags(values: Any) -> list[str]:
    if not isinstance(values, list):
        raise InvalidValue("Input should be a valid list", "list_type")
    if len(values) > 5:
        raise InvalidValue("List should have at most 5 items", "too_long")
    for index, value in enumerate(values):
        if not isinstance(value, str) or not TAG.fullmatch(value):
            raise InvalidValue("Input should be a word of 1 to 20 small letters", "string_pattern_mismatch", index)
    return values


def parse_details(value: Any) -> Body:
    if not isinstance(value, dict):
        raise InvalidValue("Input should be an object", "dict_type")
    if value.get("kind") == "note":
        if set(value) == {"kind", "text"} and isinstance(value["text"], str):
            return value
        raise InvalidValue("A note has a text, and nothing else", "note", "note")
    if value.get("kind") == "checklist":
        entries = value.get("entries")
        is_list = isinstance(entries, list) and all(isinstance(entry, str) for entry in entries)
        if set(value) == {"kind", "entries"} and is_list:
            return value
        raise InvalidValue("A checklist has entries, and nothing else", "checklist", "checklist")
    raise InvalidValue("'kind' should be 'note' or 'checklist'", "union_tag_invalid", "kind")


def parse_estimate(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value == float("inf"):
        raise InvalidValue("Input should be a number from 0 on, or null", "greater_than_equal")
    return value


def parse_title(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValue("Input should be a valid string", "string_type")
    if not value:
        raise InvalidValue("String should have at least 1 character", "string_too_short")
    if len(value) > 120:
        raise InvalidValue("String should have at most 120 characters", "string_too_long")
    return value


BODY_PARSERS: dict[str, Callable[[Any], Any]] = {
    "title": parse_title,
    "tags": parse_tags,
    "estimate": parse_estimate,
    "details": parse_details,
}


def reject_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
