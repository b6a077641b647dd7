"""Compares the refusals of two kinds of requests, ignoring what varies from response to response.

"Answered exactly as one that does not exist": a foreign id and unknown ids are requested alternately. Only what all
responses of a kind have in common is compared: a time, a request ID, a hash of the id or the state of a cache means
nothing.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import cycle
from typing import Any

from schemathesis import Response

from codegen.text import escaped

from .target import random_ids

# The Thue-Morse sequence: with any number of workers, both kinds meet all of them.
TURNS = "UFFUFUUFFUUFUFFU"
# Requests that suffice if there is no difference.
FIRST = 4
# Headers about the time, the duration or the origin of a response.
OF_THE_ANSWER = re.compile(
    r"age|date|expires|server-timing|x-process-time|x-response-time|x-runtime|(?!cache-control).*cache.*"
)
# A word of natural language, not part of a number or a hash.
WORD = re.compile(r"(?![a-f]+$)[A-Z]?[a-z]{3,}", re.ASCII)
SHOWN = 40

Traits = Mapping[str, str]
"""The traits of a response, by aspect."""


def find_difference(ask: Callable[[str], Response | None], one: str, seed: int) -> str:
    """Return how responses for this id differ from those for unknown ids; empty if they do not.

    `ask` returns the response for an id, or None if there is none to compare.
    """
    # Several ids, because of hashes; each more than once, because of caches.
    unknown = cycle(random_ids(seed))
    ours: list[Traits] = []
    others: list[Traits] = []
    found = ""
    for number, turn in enumerate(TURNS, 1):
        identifier = one if turn == "F" else next(unknown)
        response = ask(identifier)
        if response is None:
            return ""
        (ours if turn == "F" else others).append(traits(response, identifier))
        if number % FIRST == 0 and not (found := difference(ours, others)):
            return ""
    return found


def traits(response: Response, identifier: str) -> Traits:
    """Return the traits of a response. The requested id is masked: a response may repeat it."""

    def masked(text: str) -> str:
        for form in (identifier, identifier.replace("-", "")):
            text = re.sub(form, "{id}", text, flags=re.IGNORECASE)
        return text

    headers = {name: ", ".join(found) for name, found in response.headers.items() if not OF_THE_ANSWER.fullmatch(name)}
    if "content-encoding" in headers:
        # The length depends on how well the id compresses.
        headers.pop("content-length", None)
    body = masked(response.content.decode("utf-8", "replace"))
    found = {"the status": f"{response.status_code} {response.message}", "the body": body}
    with suppress(ValueError, RecursionError):
        found["the list of the body's fields"] = ", ".join(field_paths(json.loads(body)))
    found |= {f"the word '{word}' in the body": "there" for word in re.findall(r"\w+", body) if WORD.fullmatch(word)}
    found |= {"the length of the body": str(len(body)), "the list of its headers": ", ".join(headers)}
    return found | {f"the header {name}": masked(value) for name, value in headers.items()}


def field_paths(body: Any, path: str = "") -> Iterator[str]:
    if isinstance(body, dict):
        for name, value in body.items():
            yield f"{path}/{name}"
            yield from field_paths(value, f"{path}/{name}")


def difference(ours: list[Traits], others: list[Traits]) -> str:
    """Return the first aspect that is constant within each kind, but differs between them."""
    for aspect in dict.fromkeys(aspect for each in (*ours, *others) for aspect in each):
        here, there = ({each.get(aspect, "missing") for each in kind} for kind in (ours, others))
        if len(here) == len(there) == 1 and here != there:
            one, other = here.pop(), there.pop()
            # Show long texts from shortly before the difference.
            same = next((at for at, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), 0)
            start = max(same - SHOWN // 2, 0)
            shown = " instead of ".join(f"'{escaped(text[start:], SHOWN)}'" for text in (one, other))
            return f"{escaped(aspect, SHOWN)} is {shown}"
    return ""
