# Copied by `make generate` from overrides/package/_decoding.py. Do not edit it here.
"""From the bytes of a response to a model."""

from __future__ import annotations

from typing import TypeVar

import httpx2
import pydantic

from .errors import DecodingError

ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)


def decode(model: type[ModelT], response: httpx2.Response) -> ModelT:
    """Reads a response body as a model.

    Strict on what the contract promises: a missing field, a wrong type (`"5"` is no integer) and a date-time without an
    offset are refused. Open to what it does not know: further fields and new enum values are kept.

    Raises:
        DecodingError: The body is not JSON, or not what the model says.
    """
    try:
        # Strict mode, from bytes: JSON's own types are taken as they are, nothing is converted to fit.
        return model.model_validate_json(response.content, strict=True)
    except pydantic.ValidationError as error:
        # Values stay out of it: what a server sends where it should not may be anything, a credential too.
        faults = [
            (".".join(str(part) for part in fault["loc"]), fault["msg"])
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise DecodingError(response, faults) from None
