"""Parameters: which texts are valid values.

Some notations are left to the server: `1.0`, `1e1`, `+5`, ` 5`, `05`, `1_0`, `0x5` and digits of other scripts for
integers, `yes` for true, a repeated parameter, integers from 2**53, near-dates. A server may accept or refuse these
variants; accepted ones are listed in the verdict.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from itertools import product
from math import isfinite
from typing import Any, TypeVar

import jsonschema_rs

T = TypeVar("T")

VALID, VARIANT, INVALID = "valid", "variant", "invalid"

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
VARIANT_UUID = re.compile(r"(urn:uuid:)?\{?([0-9a-f]-?){32}\}?", re.ASCII | re.IGNORECASE)
INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
# With digits of any script, as Python's int() reads them.
VARIANT_INTEGER = re.compile(r"\s*([+-]?\d+(_\d+)*(\.\d*)?(e[+-]?\d{1,3})?)\s*", re.IGNORECASE)
OTHER_BASE = re.compile(r"\s*[+-]?0(x[0-9a-f]+|o[0-7]+|b[01]+)\s*", re.ASCII | re.IGNORECASE)
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
BOOLEANS = {"true": True, "false": False}
VARIANT_BOOLEANS = {
    **BOOLEANS,
    **dict.fromkeys(("1", "on", "t", "y", "yes"), True),
    **dict.fromkeys(("0", "off", "f", "n", "no"), False),
}
# Texts that some parsers read as a time: with a digit, or in words.
NEARLY_A_TIME = re.compile(r"\d|now|today|yesterday|tomorrow", re.IGNORECASE)
# The largest integer on which all programs agree (RFC 8259, section 6).
INTEROPERABLE = 2**53 - 1
# Characters of a number that are parsed: with an exponent of three digits, Python still prints it. Longer ones count as
# LARGE.
MAX_DIGITS = 3000
LARGE = 10**40


@dataclass(frozen=True)
class Parameter:
    """A parameter in a path or a query."""

    name: str
    is_required: bool
    schema: dict[str, Any]
    contract: dict[str, Any]
    """The document that references in the schema point into."""
    separator: str = ""
    """The separator of an array's elements in one text; empty if the parameter is repeated (`explode`)."""

    @cached_property
    def validators(self) -> tuple[jsonschema_rs.Draft202012Validator, jsonschema_rs.Draft202012Validator]:
        """With and without formats: FastAPI accepts more notations of these than the contract."""
        document = {**self.schema, "components": self.contract.get("components", {})}
        strict, lenient = (jsonschema_rs.Draft202012Validator(document, validate_formats=how) for how in (True, False))
        return strict, lenient

    def judge(self, texts: list[str]) -> str:
        """Judge the texts of the parameter in a query."""
        if not texts:
            return INVALID if self.is_required else VALID
        if self.element is not None:
            return self.judge_array(texts)
        judgements = {self.judge_one(text) for text in texts}
        return judgements.pop() if len(texts) == 1 or judgements == {INVALID} else VARIANT

    def judge_array(self, texts: Sequence[str]) -> str:
        assert self.element is not None
        if self.separator and len(texts) > 1:
            return VARIANT
        parts = self.split(texts)
        judgements = {self.element.judge_one(text) for text in parts}
        if INVALID in judgements:
            # Some servers read one empty text as an empty array.
            return VARIANT if parts == [""] and self.validators[0].is_valid([]) else INVALID
        # Each element may have several meanings; the first combinations are enough to judge their number.
        values = product(*(self.element.meanings(text) for text in parts[:50]))
        is_valid = any(self.validators[0].is_valid(list(each)) for each, _ in zip(values, range(64), strict=False))
        return VARIANT if VARIANT in judgements else VALID if is_valid else INVALID

    def judge_one(self, text: str) -> str:
        if self.is_uuid:
            return VALID if UUID.fullmatch(text) else VARIANT if VARIANT_UUID.fullmatch(text) else INVALID
        strict, lenient = self.validators
        values = list(exact_values(text, self.is_number))
        if any(strict.is_valid(value) for value in values):
            return VALID
        if self.schema.get("format") == "date-time" and not NEARLY_A_TIME.search(text):
            return INVALID
        values += variant_values(text, self.is_number)
        return VARIANT if any(lenient.is_valid(value) for value in values) else INVALID

    def meanings(self, text: str) -> list[Any]:
        """Return the valid values that a text can mean; the text itself if there are none."""
        return [value for value in exact_values(text, self.is_number) if self.validators[0].is_valid(value)] or [text]

    def split(self, texts: Sequence[str]) -> list[str]:
        """Return the texts of the elements of an array."""
        return texts[0].split(self.separator) if self.separator and len(texts) == 1 else list(texts)

    def value(self, texts: Sequence[str]) -> Any:
        """Return the JSON value of the texts; the texts themselves if ambiguous."""
        if self.element is not None:
            return [self.element.value([text]) for text in self.split(texts)]
        return list(texts) if len(texts) != 1 else self.meanings(texts[0])[0]

    def normalize(self, text: str) -> str:
        """Return the text; a UUID in lower case."""
        return text.lower() if self.is_uuid else text

    def serialize(self, value: Any) -> Any:
        """Return the text of a JSON value in a query, or several for an array."""
        if isinstance(value, list):
            texts = [str(self.serialize(each)) for each in value]
            return self.separator.join(texts) if self.separator else texts
        if isinstance(value, bool):
            return str(value).lower()
        return value

    @cached_property
    def element(self) -> "Parameter | None":
        """An element of an array, as a parameter; None if this is no array."""
        if self.schema.get("type") not in ("array", ["array"]):
            return None
        return Parameter(self.name, True, follow_references(self.schema.get("items"), self.contract), self.contract)

    @property
    def is_uuid(self) -> bool:
        return self.schema.get("format") == "uuid"

    @property
    def is_number(self) -> bool:
        """True if it may be a fraction."""
        return "number" in self.schema.get("type", ())


def follow_references(schema: Any, document: Any) -> dict[str, Any]:
    """Return the schema with its reference resolved."""
    for _ in range(50):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        target = document
        for part in str(schema["$ref"]).split("/")[1:]:
            target = target.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, dict) else {}
        schema = target
    return schema if isinstance(schema, dict) else {}


def exact_values(text: str, is_number: bool) -> Iterator[Any]:
    """Yield the values that a text can mean."""
    yield text
    if text in BOOLEANS:
        yield BOOLEANS[text]
    if INTEGER.fullmatch(text) and len(text) <= MAX_DIGITS and abs(int(text)) <= INTEROPERABLE:
        yield int(text)
    elif is_number and NUMBER.fullmatch(text) and isfinite(float(text)):
        yield float(text)


def variant_values(text: str, is_number: bool) -> Iterator[Any]:
    """Yield further values that FastAPI reads from a text."""
    if text.lower() in VARIANT_BOOLEANS:
        yield VARIANT_BOOLEANS[text.lower()]
    if text in ("", "null"):
        yield None
    if (integer := integer_variant(text)) is not None:
        yield integer
    elif INTEGER.fullmatch(text):
        yield -LARGE if text.startswith("-") else LARGE
    elif is_number and NUMBER.fullmatch(text.strip().removeprefix("+")) and isfinite(float(text)):
        yield float(text)
    # Arrays are repeated parameters; whether one text makes an array is left open.
    yield []


def integer_variant(text: str) -> int | None:
    """Return the integer that a text means in any notation; None if it is none."""
    if len(text) > MAX_DIGITS:
        return None
    if OTHER_BASE.fullmatch(text):
        return int(text, 0)
    found = VARIANT_INTEGER.fullmatch(text)
    if found is None:
        return None
    with localcontext(prec=2 * MAX_DIGITS, Emax=2 * MAX_DIGITS, Emin=-2 * MAX_DIGITS):
        value = Decimal(found[1].replace("_", ""))
        return int(value) if value == value.to_integral_value() else None


def sample_evenly(values: Sequence[T], number: int) -> list[T]:
    """Return some of the values: both ends, and evenly spread between."""
    if len(values) <= number:
        return list(values)
    places = sorted({round(part * (len(values) - 1) / (number - 1)) for part in range(number)})
    return [values[place] for place in places]
