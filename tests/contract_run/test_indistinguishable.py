"""Refusals differ by what is constant in each kind, and not by random variation."""

import hashlib
import json
from collections.abc import Callable
from itertools import count, product
from random import Random
from typing import Any

import pytest
import requests
from schemathesis import Response

from tests.contract.indistinguishable import TURNS, find_difference
from tests.reference_server import seed

FOREIGN = seed.FOREIGN_DEFINITION_ID
NOT_FOUND = "Workflow definition not found"

Answer = Callable[[int, str], dict[str, Any]]
"""Detail, further fields (`body`) and headers of the response to the n-th request."""


def answers(answer: Answer) -> tuple[Callable[[str], Response], Callable[[], int]]:
    numbers = count()

    def ask(identifier: str) -> Response:
        given = answer(number := next(numbers), identifier)
        body = {"detail": given.get("detail", NOT_FOUND), **given.get("body", {})}
        content = json.dumps(body).encode() + b" " * given.get("blanks", 0)
        headers = {"content-length": [str(len(content))], "date": [f"{number}"]}
        headers |= {name: [value] for name, value in given.get("headers", {}).items()}
        request = requests.Request("GET", "http://host").prepare()
        return Response(404, headers, content, request, 0.1, True, given.get("reason", "Not Found"))

    return ask, lambda: next(numbers)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


dice = Random(1)
VARIATIONS: dict[str, Answer] = {
    "the same": lambda number, one: {},
    "id": lambda number, one: {"detail": f"{NOT_FOUND}: {one.upper()}"},
    "time": lambda number, one: {"body": {"timestamp": f"2026-11-24T16:{number // 7:02}:{number % 7 * 8:02}Z"}},
    "number": lambda number, one: {"detail": f"{NOT_FOUND} (request {number + 8})"},
    "dice": lambda number, one: {"body": {"trace": digest(str(number))}, "headers": {"x-request-id": str(number)}},
    "random length": lambda number, one: {"detail": "x" * dice.randrange(30)},
    "hash of the id": lambda number, one: {"headers": {"etag": digest(one)}, "body": {"trace": digest(one)[:8]}},
    "workers by turns": lambda number, one: {"headers": {"x-worker": "alpha" if number % 2 else "beta"}},
    "three workers": lambda number, one: {"headers": {"x-worker": str(number % 3)}},
    "remaining": lambda number, one: {"headers": {"x-ratelimit-remaining": str(50 - number // 3)}},
    "time taken": lambda number, one: {"headers": {"server-timing": "db;dur=5" if one == FOREIGN else "db;dur=1"}},
}
DIFFERENCES: dict[str, tuple[dict[str, Any], str]] = {
    "detail": ({"detail": "Definition of another tenant"}, "the body is"),
    "field": ({"body": {"tenant": "other"}}, "the body is"),
    "reason": ({"reason": "Hidden"}, "the status is '404 Hidden' instead of '404 Not Found'"),
    "header": ({"headers": {"x-tenant": "other"}}, "the list of its headers is"),
    "header value": ({"headers": {"etag": "1"}}, "the list of its headers is"),
    "length": ({"blanks": 1}, "the body is"),
}
# Pairs where the variation hides the difference.
HIDDEN = {
    ("length", "random length"),
    ("length", "number"),
    ("detail", "random length"),
    ("header value", "hash of the id"),
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_random_variation_is_ignored(name: str) -> None:
    ask, sent = answers(VARIATIONS[name])
    assert find_difference(ask, FOREIGN, 0) == ""
    assert sent() <= len(TURNS)


@pytest.mark.sampled(20)
@pytest.mark.parametrize(
    ("tells", "varies"), [pair for pair in product(DIFFERENCES, VARIATIONS) if pair not in HIDDEN], ids=str
)
def test_a_constant_difference_is_found(tells: str, varies: str) -> None:
    told, expected = DIFFERENCES[tells]

    def answer(number: int, one: str) -> dict[str, Any]:
        usual = VARIATIONS[varies](number, one)
        if one != FOREIGN:
            return usual
        both = {name: {**usual.get(name, {}), **told.get(name, {})} for name in ("body", "headers")}
        return {**usual, **told, **both}

    found = find_difference(answers(answer)[0], FOREIGN, 0)
    assert " is '" in found
    if varies == "the same":
        assert found.startswith(expected)


@pytest.mark.parametrize("workers", range(2, 8))
def test_both_kinds_reach_all_workers(workers: int) -> None:
    for first in range(workers):
        met = {kind: {(first + at) % workers for at, turn in enumerate(TURNS) if turn == kind} for kind in "UF"}
        assert len(met["U"]) > 1 and len(met["F"]) > 1
