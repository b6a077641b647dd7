"""What is judged, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from codegen.cel import MISSING, Result


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        path: By name, the parameters in the path, as JSON values.
        query: The same in the query; those that were left out need not be there, their defaults are applied.
        credentials: The name of the security scheme by which the request was authenticated; empty if by none.
        body: What it carried, as JSON value; MISSING if nothing, or no JSON.
    """

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    credentials: str = ""
    body: Any = MISSING


@dataclass(frozen=True)
class Answer:
    """What came.

    Attributes:
        status: The status.
        body: The body, as JSON value.
        headers: The headers, by name in lower case.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(NamedTuple):
    """What came of one rule and one value.

    Attributes:
        rule_id: The rule.
        message: What it says, as a sentence.
        result: Whether it holds.
        pointer: Where the value stands, as JSON pointer into the body; empty for the whole.
        instance: The value.
    """

    rule_id: str
    message: str
    result: Result
    pointer: str
    instance: Any
