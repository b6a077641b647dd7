"""Types shared by all operations."""

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
"""The value of a parameter that is not sent."""


@dataclass(frozen=True, slots=True)
class Response(Generic[T]):
    """A successful answer. All other answers are raised, see `errors`.

    Attributes:
        status_code: The status code.
        content: The raw body.
        headers: The headers. Names are case-insensitive.
        parsed: The body as a model.
    """

    status_code: HTTPStatus
    content: bytes
    headers: Mapping[str, str]
    parsed: T


__all__ = ("UNSET", "Response", "Unset")
