# Copied by `make generate` from overrides/package/_decoding.py. Do not edit it here.
"""From the bytes of a body to a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar, cast

import pydantic

from ._bases import StrEnum, Unknown
from ._redaction import Redactor
from ._sending import Answer
from .errors import DecodingError

ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)

MAX_VALUES = 500_000
"""Values that a body may have, which are counted by the characters in front of them, in texts too. A page of
workflow runs as long as can be, which this was measured with, has a twentieth of it."""

# Not counted: the memory that it can take is bounded by its bytes.
_UNCOUNTED_SIZE = 2 * 2**20
_MAX_FAULTS = 100


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
    result = _parse(model, answer.content)
    if not isinstance(result, list):
        faults = list(islice(_unknown_faults((), result), _MAX_FAULTS)) if strict else []
        if not faults:
            return result
        result = faults
    # Raised here, where no other error is its context: that would hold the body as it came.
    redactor = Redactor(answer.request)
    raise DecodingError.of_faults(
        answer.as_response(), [(redactor.redact(path), redactor.redact(message)) for path, message in result]
    )


def _parse(model: type[ModelT], content: bytes) -> ModelT | list[tuple[str, str]]:
    """Returns a body as a model, or what is wrong with it: paths of fields, each with a message."""
    # What would take much more memory than it has bytes: a megabyte of `[],[],` is thirty megabytes of lists.
    if len(content) > _UNCOUNTED_SIZE and sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
        return [("", f"must have at most {MAX_VALUES:,} values")]
    try:
        return model.model_validate_json(content)
    except pydantic.ValidationError as error:
        # Names and types only: what a server sends where it should not may be anything.
        return [
            (_path(fault["loc"]), f"{fault['msg']}, got {type(fault['input']).__name__}")
            if fault["type"] not in ("json_invalid", "missing", "finite_number")
            else (_path(fault["loc"]), fault["msg"])
            for fault in error.errors(include_url=False, include_context=False)
        ]


def _path(parts: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in parts)


def _unknown_faults(path: tuple[str | int, ...], value: object) -> Iterator[tuple[str, str]]:
    """Yields each field and enum value that the contract does not know."""
    if isinstance(value, StrEnum):
        if not value.is_known:
            yield _path(path), f"{type(value).__name__} has no such value"
    elif isinstance(value, Unknown):
        yield _path(path), "is of a kind that the contract does not know"
    elif isinstance(value, pydantic.BaseModel):
        extra: Mapping[str, Any] = value.model_extra or {}
        for name in extra:
            yield _path((*path, name)), f"{type(value).__name__} has no such field"
        for name in type(value).model_fields:
            yield from _unknown_faults((*path, name), getattr(value, name))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from _unknown_faults((*path, index), item)
