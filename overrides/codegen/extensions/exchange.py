"""Requests and answers to judge, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from codegen.cel import MISSING, Result


@dataclass(frozen=True)
class Request:
    """A request.

    Attributes:
        path: The path parameters, as JSON values.
        query: The query parameters, as JSON values. Defaults are applied to omitted ones.
        credentials: The name of the security scheme that authenticated it; empty without one.
        body: The body, as JSON value; MISSING without a body, or if it is not JSON.
    """

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    credentials: str = ""
    body: Any = MISSING


@dataclass(frozen=True)
class Answer:
    """A response.

    Attributes:
        status: The status.
        body: The body, as JSON value.
        headers: The headers, by name in lower case.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(NamedTuple):
    """The result of one rule for one value.

    Attributes:
        rule_id: The id of the rule.
        message: The message of the rule.
        result: Whether it holds.
        pointer: The JSON pointer of the value in the body; empty for the whole body.
        instance: The value.
    """

    rule_id: str
    message: str
    result: Result
    pointer: str
    instance: Any
