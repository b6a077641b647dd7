# Copied by `make generate` from overrides/package/_decoding.py. Do not edit it here.
"""Decodes bodies as models."""

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
"""The maximum number of values in a body, estimated by counting `,`, `[` and `{`, also in texts. The longest page of
workflow runs has a twentieth of it."""

# Values of smaller bodies are not counted: their size bounds their memory.
_UNCOUNTED_SIZE = 2 * 2**20
_MAX_FAULTS = 100


def decode(model: type[ModelT], answer: Answer, *, strict: bool) -> ModelT:
    """Decode a body as a model.

    A missing field, a wrong type (`"5"` is not an integer) and a date-time without an offset are refused. Unknown
    fields and enum values are kept.

    Args:
        model: The model.
        answer: The answer with the body.
        strict: Refuse unknown fields and enum values too.

    Raises:
        DecodingError: The body is not JSON, or does not match the model.
    """
    result = _parse(model, answer.content)
    if not isinstance(result, list):
        faults = list(islice(_unknown_faults((), result), _MAX_FAULTS)) if strict else []
        if not faults:
            return result
        result = faults
    # Raised outside of `except`: the context of an error would hold the raw body.
    redactor = Redactor(answer.request)
    raise DecodingError.of_faults(
        answer.as_response(), [(redactor.redact(path), redactor.redact(message)) for path, message in result]
    )


def _parse(model: type[ModelT], content: bytes) -> ModelT | list[tuple[str, str]]:
    """Return the model, or the faults as pairs of path and message."""
    # Many small values take much more memory than bytes: a megabyte of `[],[],` becomes thirty megabytes of lists.
    if len(content) > _UNCOUNTED_SIZE and sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
        return [("", f"must have at most {MAX_VALUES:,} values")]
    try:
        return model.model_validate_json(content)
    except pydantic.ValidationError as error:
        # Names and types only, never values: they may be secret.
        return [
            (_path(fault["loc"]), f"{fault['msg']} (got {type(fault['input']).__name__})")
            if fault["type"] not in ("json_invalid", "missing", "finite_number")
            else (_path(fault["loc"]), fault["msg"])
            for fault in error.errors(include_url=False, include_context=False)
        ]


def _path(parts: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in parts)


def _unknown_faults(path: tuple[str | int, ...], value: object) -> Iterator[tuple[str, str]]:
    """Yield a fault for each unknown field and enum value."""
    if isinstance(value, StrEnum):
        if not value.is_known:
            yield _path(path), f"{type(value).__name__} has no such value"
    elif isinstance(value, Unknown):
        yield _path(path), "must be of a kind that the contract knows"
    elif isinstance(value, pydantic.BaseModel):
        extra: Mapping[str, Any] = value.model_extra or {}
        for name in extra:
            yield _path((*path, name)), f"{type(value).__name__} has no such field"
        for name in type(value).model_fields:
            yield from _unknown_faults((*path, name), getattr(value, name))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from _unknown_faults((*path, index), item)
