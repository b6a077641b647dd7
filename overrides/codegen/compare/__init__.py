"""Compares an operation in two documents: the core of `breaking` and of `drift`.

Compares meaning, not text: schemas in the canonical form of `codegen.openapi.schemas`.

    rules.py        the kinds of differences, and whom each one breaks
    requests.py     credentials, parameters, request bodies
    responses.py    statuses, headers, bodies
    links.py        links
    schemas.py      schemas
    extensions.py   `x-rules`, `x-selects` and `x-list`
    judged.py       `x-judged`
    comparison.py   the state of a comparison

Documents may be untrusted: nothing is fetched, cycles end, and one that is nested too deeply or takes too long is a
Problem. Invalid parts are differences, never exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from codegen.compare.comparison import Comparison
from codegen.compare.extensions import compare_list, has_extensions
from codegen.compare.judged import compare_judged
from codegen.compare.links import has_links
from codegen.compare.requests import compare_bodies, compare_credentials, compare_parameters
from codegen.compare.responses import compare_responses
from codegen.compare.rules import RULES, Difference, Rule
from codegen.openapi.operations import Operation
from codegen.openapi.schemas import too_large

__all__ = ["RULES", "Difference", "Rule", "deduplicated", "differences", "has_extensions", "has_links"]


def differences(
    old: Operation,
    new: Operation,
    credentials_as_parameters: bool = False,
    with_extensions: bool = True,
    with_links: bool = True,
) -> list[Difference]:
    """Compare two operations.

    Args:
        old: The reference.
        new: The operation to compare with it.
        credentials_as_parameters: Whether a parameter and a security scheme for the same credential are equivalent.
            FastAPI applications use either.
        with_extensions: Whether to compare `x-rules`, `x-list`, `x-judged` and `x-selects`.
        with_links: Whether to compare `links`.

    Raises:
        Problem: A document is nested too deeply, or too large.
    """
    comparison = Comparison(with_extensions, with_links)
    names = [{key: str(node.at("name").value) for key, node in each.parameters.items()} for each in (old, new)]
    comparison.renamed = {
        names[0][key]: name for key, name in names[1].items() if key[0] == "path" and name != names[0].get(key, name)
    }
    try:
        compare_credentials(comparison, old, new, credentials_as_parameters)
        compare_parameters(comparison, old, new, credentials_as_parameters)
        compare_bodies(comparison, old, new)
        compare_responses(comparison, old.node.at("responses"), new.node.at("responses"))
        compare_list(comparison, old.node, new.node)
        compare_judged(comparison, old, new)
    except RecursionError as error:
        raise too_large() from error
    return comparison.found


def deduplicated(by_operation: Mapping[str, Sequence[Difference]]) -> list[Difference]:
    """Return the differences of several operations. One in a shared component is reported for the first only.

    Args:
        by_operation: By name of the operation. With several operations, places begin with the name.
    """
    found: dict[tuple[str, str, str, str], Difference] = {}
    for name, each in by_operation.items():
        for one in each:
            place = f"{name} {one.place}" if len(by_operation) > 1 else one.place
            found.setdefault((one.kind, one.what, one.old, one.new), replace(one, place=place))
    return list(found.values())
