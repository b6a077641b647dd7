"""Mutants derived from the contract: each promise, broken in each way that is known.

    base.py         what a derived mutant is
    baseline.py     the correct server and its responses, from which mutants are built
    middleware.py   ASGI middleware that changes requests and responses
    reroute.py      mutations that forward another request, or replace the response
    runner.py       runs one mutant

Families, one for each kind of promises:

    values.py       fields of responses, by keyword (keywords.py)
    parameters.py   request parameters; bodies.py request bodies; boundaries.py for both
    judgement.py    `x-judged`: the order of validation, and its statuses
    credentials.py  security schemes
    statuses.py     responses: status, body, media type, headers; methods
    rules.py        `x-rules` and `at_most`; rule_edits.py and fields.py search for edits that break one rule
    lists.py        `x-list` by offset; cursors.py by cursor; pages.py has what both need
    selects.py      `x-selects`: filters

They name no operation, schema or field. They run on any correct server of the contract, as middleware, and need no edit
when the contract grows.
"""

from functools import cache

from . import bodies, credentials, cursors, judgement, lists, parameters, rules, selects, statuses, values  # noqa: F401
from .base import FAMILIES, DerivedMutant, Equivalent

__all__ = ["DerivedMutant", "Equivalent", "derived"]


@cache
def derived() -> dict[str, DerivedMutant]:
    """Return all derived mutants of the contract under test, by name."""
    found: dict[str, DerivedMutant] = {}
    for family in FAMILIES:
        for each in family():
            if each.name in found:
                raise LookupError(f"there are two mutants named {each.name}")
            found[each.name] = each
    return found
