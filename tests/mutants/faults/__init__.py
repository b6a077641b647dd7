"""The mutants: what is wrong with each, and which checks must say so.

Modules named as the classes of checks hold one fault of each kind; the others hold many of one kind, each met by few
requests.
"""

from . import (  # noqa: F401
    alike,
    blame,
    bounds,
    caches,
    credentials,
    errors,
    flapping,
    headers,
    hidden,
    identity,
    impostors,
    lifecycle,
    paging,
    presented,
    protocol,
    races,
    ranges,
    rare,
    schema,
    shared,
    texts,
    transient,
)
from .making import ANSWER_WITHIN, MUTANTS, OTHER_ID, Mutant

__all__ = ["ANSWER_WITHIN", "MUTANTS", "OTHER_ID", "Mutant"]
