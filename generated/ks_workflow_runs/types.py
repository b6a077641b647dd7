# Copied by `make generate` from overrides/package/types.py. Do not edit it here.
"""Types that the operations share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Generic, Literal, TypeVar

T = TypeVar("T")


class Unset:
    """The type of `UNSET`."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()
"""Stands for a parameter that is not sent."""


@dataclass(frozen=True, slots=True)
class Response(Generic[T]):
    """A successful answer, with what came with it. All others are raised, see `errors`.

    Attributes:
        status_code: The status, which the contract documents as a success.
        content: The body as it was sent.
        headers: The headers, their names in any case.
        parsed: The body as a model.
    """

    status_code: HTTPStatus
    content: bytes
    headers: Mapping[str, str]
    parsed: T


__all__ = ("UNSET", "Response", "Unset")
