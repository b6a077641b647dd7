"""The operation's parameters, and which texts are values of them.

Some spellings are left to the server: `1.0`, `1e1`, `+5`, ` 5`, `05`, `1_0`, `0x5` and digits of other scripts for
integers, `yes` for true, a parameter given twice, integers from 2**53. Either answer to these is right; one that takes
them is noted as lenient.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from math import isfinite
from typing import Any

import jsonschema_rs

from codegen.openapi import schema_of

from .contract import contract, resolved

VALID, LENIENT, INVALID = "valid", "lenient", "invalid"

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
LENIENT_UUID = re.compile(r"(urn:uuid:)?\{?([0-9a-f]-?){32}\}?", re.ASCII | re.IGNORECASE)
INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
# With digits of any script, as Python's int() reads them.
LENIENT_INTEGER = re.compile(r"\s*([+-]?\d+(_\d+)*(\.\d*)?(e[+-]?\d{1,3})?)\s*", re.IGNORECASE)
OTHER_BASE = re.compile(r"\s*[+-]?0(x[0-9a-f]+|o[0-7]+|b[01]+)\s*", re.ASCII | re.IGNORECASE)
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
BOOLEANS = {"true": True, "false": False}
LENIENT_BOOLEANS = {
    **BOOLEANS,
    **dict.fromkeys(("1", "on", "t", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "n", "no"), False),
}
# Up to here, all programs agree on an integer (RFC 8259, section 6).
INTEROPERABLE = 2**53 - 1
# Characters that are read as a number: with three digits of exponent, Python still writes it. Beyond, it is just large.
LONGEST = 3000
LARGE = 10**40


@dataclass(frozen=True)
class Parameter:
    """One query parameter."""

    name: str
    is_required: bool
    schema: dict[str, Any]
    contract: dict[str, Any]
    """The document that the schema's references lead into."""

    @cached_property
    def validators(self) -> tuple[jsonschema_rs.Draft202012Validator, jsonschema_rs.Draft202012Validator]:
        """With formats and without: FastAPI takes more spellings of those than the contract."""
        document = {**self.schema, "components": self.contract.get("components", {})}
        strict, lenient = (jsonschema_rs.Draft202012Validator(document, validate_formats=how) for how in (True, False))
        return strict, lenient

    def judge(self, texts: list[str]) -> str:
        """Whether a query that has the parameter with these values may have it so."""
        if not texts:
            return INVALID if self.is_required else VALID
        judgements = {self.judge_one(text) for text in texts}
        return judgements.pop() if len(texts) == 1 or judgements == {INVALID} else LENIENT

    def judge_one(self, text: str) -> str:
        if self.is_uuid:
            return VALID if UUID.fullmatch(text) else LENIENT if LENIENT_UUID.fullmatch(text) else INVALID
        strict, lenient = self.validators
        values = list(plain(text, self.is_number))
        if any(strict.is_valid(value) for value in values):
            return VALID
        values += loose(text, self.is_number)
        return LENIENT if any(lenient.is_valid(value) for value in values) else INVALID

    def value(self, texts: Sequence[str]) -> Any:
        """What the texts stand for, as JSON value: themselves where that is not clear."""
        if len(texts) != 1:
            return list(texts)
        values = list(plain(texts[0], self.is_number))
        return next((value for value in values if self.validators[0].is_valid(value)), texts[0])

    @property
    def is_uuid(self) -> bool:
        return self.schema.get("format") == "uuid"

    @property
    def is_number(self) -> bool:
        """Whether it may be a fraction."""
        return "number" in self.schema.get("type", ())


def plain(text: str, is_number: bool) -> Iterator[Any]:
    """What a text may stand for."""
    yield text
    if text in BOOLEANS:
        yield BOOLEANS[text]
    if INTEGER.fullmatch(text) and len(text) <= LONGEST and abs(int(text)) <= INTEROPERABLE:
        yield int(text)
    elif is_number and NUMBER.fullmatch(text) and isfinite(float(text)):
        yield float(text)


def loose(text: str, is_number: bool) -> Iterator[Any]:
    """What FastAPI takes it for, besides."""
    if text.lower() in LENIENT_BOOLEANS:
        yield LENIENT_BOOLEANS[text.lower()]
    if text in ("", "null"):
        yield None
    if (integer := loose_integer(text)) is not None:
        yield integer
    elif INTEGER.fullmatch(text):
        yield -LARGE if text.startswith("-") else LARGE
    elif is_number and NUMBER.fullmatch(text.strip().removeprefix("+")) and isfinite(float(text)):
        yield float(text)
    # An array is as many parameters as it has elements; which texts make one is left open.
    yield []


def loose_integer(text: str) -> int | None:
    """What the text may stand for, as an integer in any spelling."""
    if len(text) > LONGEST:
        return None
    if OTHER_BASE.fullmatch(text):
        return int(text, 0)
    found = LENIENT_INTEGER.fullmatch(text)
    if found is None:
        return None
    with localcontext(prec=2 * LONGEST, Emax=2 * LONGEST, Emin=-2 * LONGEST):
        value = Decimal(found[1].replace("_", ""))
        return int(value) if value == value.to_integral_value() else None


def read_parameters(place: str) -> dict[str, Parameter]:
    """Those of the operation in one place, by name."""
    return {
        name: Parameter(name, node.value.get("required", False), resolved(schema_of(node)), contract().document)
        for (where, name), node in contract().parameters.items()
        if where == place
    }


CONTRACT = contract().document
PARAMETERS = read_parameters("query")
IN_PATH = read_parameters("path")
DEFAULTS = contract().defaults
LIMITS = contract().limits
