"""From the bytes of a body to a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

import pydantic

from ._bases import StrEnum
from ._sending import Answer
from .errors import DecodingError

ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)


def decode(model: type[ModelT], answer: Answer, *, strict: bool) -> ModelT:
    """Reads a body as a model.

    What the contract promises is held to: a missing field, a wrong type (`"5"` is no integer) and a date-time without
    an offset are refused. What it does not know, further fields and new enum values, is kept.

    Args:
        model: What to read it as.
        answer: Whose body it is.
        strict: Whether to refuse what the contract does not know, too.

    Raises:
        DecodingError: The body is not JSON, or not what the model says.
    """
    try:
        result = model.model_validate_json(answer.content)
    except pydantic.ValidationError as error:
        # Names and types only: what a server sends where it should not may be anything, a credential too.
        faults = [
            (_path(fault["loc"]), f"{fault['msg']}, got {type(fault['input']).__name__}")
            if fault["type"] not in ("json_invalid", "missing")
            else (_path(fault["loc"]), fault["msg"])
            for fault in error.errors(include_url=False, include_context=False)
        ]
        raise DecodingError.of_faults(answer.as_response(), faults) from None
    if strict and (unknown := list(_unknown((), result))):
        raise DecodingError.of_faults(answer.as_response(), unknown)
    return result


def _path(parts: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in parts)


def _unknown(path: tuple[str | int, ...], value: object) -> Iterator[tuple[str, str]]:
    """Yields each field and enum value that the contract does not know."""
    if isinstance(value, StrEnum):
        if not value.is_known:
            yield _path(path), f"{type(value).__name__} has no such value"
    elif isinstance(value, pydantic.BaseModel):
        extra: Mapping[str, Any] = value.model_extra or {}
        for name in extra:
            yield _path((*path, name)), f"{type(value).__name__} has no such field"
        for name in type(value).model_fields:
            yield from _unknown((*path, name), getattr(value, name))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from _unknown((*path, index), item)
