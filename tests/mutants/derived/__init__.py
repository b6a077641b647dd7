"""Mutants that follow from the contract: each promise of the ledger, broken in each way that there is.

    exchange.py   requests and answers between the correct server and who asks it
    world.py      what the correct server holds, which mutants are made from
    making.py     what a derived mutant is
    trial.py      one under test

The families, each for one kind of promises:

    values.py     fields of answers, by the keywords of their schemas
    parameters.py parameters of requests, by the keywords of their schemas; bodies.py has what requests carry
    judgement.py  in which order requests are judged, and with which statuses
    credentials.py who is let in
    statuses.py   responses: their statuses, bodies and headers; methods
    rules.py      rules, of items, answers, changes, and whole lists; what their fields may become is in fields.py
    lists.py      lists by offset, as `x-list` has them; cursors.py those by cursor, cutting.py what both need
    selects.py    what values of parameters pick

They name no operation, schema or field, and are applied to any correct server of the contract, by a layer around its
application: they need no edit when the contract grows.
"""

from functools import cache

from . import bodies, credentials, cursors, judgement, lists, parameters, rules, selects, statuses, values  # noqa: F401
from .making import FAMILIES, Built, Derived, Equivalent

__all__ = ["Built", "Derived", "Equivalent", "derived"]


@cache
def derived() -> dict[str, Derived]:
    """All of them, by name, for the contract under test."""
    found: dict[str, Derived] = {}
    for family in FAMILIES:
        for each in family():
            if each.name in found:
                raise LookupError(f"there are two mutants named {each.name}")
            found[each.name] = each
    return found
