# Copied by `make generate` from overrides/package/_bases.py. Do not edit it here.
"""Base classes of the models and enums, and the types of UUIDs and date-times."""

from __future__ import annotations

import enum
import math
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self, cast, get_args

import pydantic
from pydantic_core import PydanticCustomError, PydanticKnownError, SchemaValidator, core_schema


def _check_finite(value: Any) -> Any:
    """Return the value. Raise if it contains NaN or Infinity: JSON has neither (RFC 8259, section 6)."""
    parts = [value]
    for part in parts:
        if isinstance(part, float) and not math.isfinite(part):
            raise PydanticKnownError("finite_number")
        parts.extend(_children(part))
    return value


def _set_fail_fast(schema: object) -> None:
    """Make each list stop at its first invalid item: a hostile list has millions, each with a report."""
    below = _children(schema)
    if isinstance(schema, dict) and (each := cast("dict[str, object]", schema)).get("type") == "list":
        each["fail_fast"] = True
    for part in below:
        _set_fail_fast(part)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


class BaseModel(pydantic.BaseModel):
    """Accepts JSON types without conversion: `"5"` is not an integer. `model_validate(..., strict=False)` converts."""

    model_config = pydantic.ConfigDict(strict=True)

    # The unknown fields of models that keep them. Hidden from type checkers, which would take it for a field that
    # callers have to pass.
    if not TYPE_CHECKING:
        __pydantic_extra__: dict[str, Annotated[Any, pydantic.AfterValidator(_check_finite)]]

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: pydantic.GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        schema = handler(source)
        _set_fail_fast(schema)
        return schema


class Unknown(BaseModel):
    """An object of an unknown kind, in place of one of several known ones. Keeps all fields."""

    model_config = pydantic.ConfigDict(extra="allow")

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class OneOf:
    """Selects the class of an object by the text of one property. An object with an unknown text becomes `Unknown`.

    Args:
        name: The property.
        tags: The names of the classes, by the text of the property.
    """

    def __init__(self, name: str, tags: Mapping[str, str]) -> None:
        self.name = name
        self.tags = tags
        # The tag for all other texts.
        self.other = "?"
        while self.other in tags:
            self.other += "?"

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> Any:
        classes: dict[str, type[BaseModel]] = {each.__name__: each for each in get_args(source)}
        schemas = {name: handler.generate_schema(each) for name, each in classes.items()}
        self.classes = {classes[name]: tag for tag, name in self.tags.items()}
        choices = {tag: schemas[name] for tag, name in self.tags.items()}
        unknown = core_schema.no_info_before_validator_function(self._check_tag, schemas[Unknown.__name__])
        return core_schema.tagged_union_schema({**choices, self.other: unknown}, discriminator=self._tag)

    def _tag(self, value: object) -> str:
        if isinstance(value, dict):
            tag = cast("dict[str, object]", value).get(self.name)
            return tag if isinstance(tag, str) and tag in self.tags else self.other
        return next((tag for each, tag in self.classes.items() if isinstance(value, each)), self.other)

    def _check_tag(self, value: Any) -> Any:
        fields: object = value
        if isinstance(fields, dict) and not isinstance(cast("dict[str, object]", fields).get(self.name), str):
            raise PydanticCustomError("one_of", "Field `{name}` must be text", {"name": self.name})
        return value


class StrEnum(enum.StrEnum):
    """A string enum that keeps unknown values.

    For an enum without this value, `Status("CANCELLED")` is an instance that compares, hashes, prints and pickles as
    "CANCELLED". It is not added to the class: iterating over an enum yields the values of the contract.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = value
        unknown._value_ = value
        return unknown

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[str]]:
        # By value: early releases of Python 3.11 pickle by name, which fails for unknown values.
        return type(self), (self._value_,)

    @property
    def is_known(self) -> bool:
        """True if the contract has this value."""
        return type(self).__members__.get(self._name_) is self


# The items of a list repeat the same ids. Sharing the objects saves memory and garbage collection, which is much of the
# cost of decoding.
# Dashes are required, as in RFC 9562: pydantic alone also accepts 32 digits, `urn:uuid:...` and `{...}`.
_UUID = core_schema.chain_schema(
    [
        core_schema.str_schema(pattern="^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"),
        core_schema.uuid_schema(strict=False),
    ]
)
_parse_uuid = SchemaValidator(_UUID).validate_python


class _UuidCache(dict[str, uuid.UUID]):
    """UUIDs by text. A lookup costs less than in `functools.lru_cache`, which tracks the order of use."""

    _MAX_SIZE = 4096

    def __missing__(self, text: str) -> uuid.UUID:
        if len(self) >= self._MAX_SIZE:
            self.clear()
        value: uuid.UUID = _parse_uuid(text)
        self[text] = value
        return value


_shared_uuid = _UuidCache().__getitem__


class _SharedUuid:
    """A UUID, which may be the same object as other equal ones."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        # Text first: the cache cannot hash other values, and would raise an error of its own.
        share = core_schema.no_info_plain_validator_function(_shared_uuid)
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([core_schema.str_schema(), share]), python_schema=handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Any:
        return handler(schema["python_schema"])


UUID = Annotated[uuid.UUID, _SharedUuid()]


_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOURS = "[0-9]{2}:[0-9]{2}"
_TIME = f"{_HOURS}:[0-9]{{2}}"


class _Rfc3339:
    """A date-time by RFC 3339, section 5.6. Pydantic alone also accepts `"1776159000"`, `+0100` and `,5`.

    Both steps run in pydantic's core, without a call into Python for each value.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        text = core_schema.str_schema(pattern=rf"^{_DATE}[Tt ]{_TIME}([.][0-9]+)?([Zz]|[+-]{_HOURS})$")
        aware = core_schema.datetime_schema(tz_constraint="aware", strict=False)
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([text, aware]),
            python_schema=aware,
        )


AwareDatetime = Annotated[datetime, _Rfc3339()]
