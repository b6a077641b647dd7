"""Compares what an operation promises in two documents: the core of `breaking` and of `drift`.

Meaning is compared, not text: schemas in the canonical form of `codegen.openapi.schemas`.

    rules.py        the kinds of differences, and what each does to whom
    requests.py     credentials, parameters, request bodies
    responses.py    statuses, headers, bodies
    links.py        what answers give for other operations
    schemas.py      what both allow
    extensions.py   rules, selections and lists
    judged.py       the order of judgement
    comparison.py   what they share

The documents may be anybody's: nothing is fetched, cycles end, and what is nested too deeply or takes too long to
compare is a Problem. What is not as OpenAPI has it is a difference, never an exception.
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
    """Compares two operations.

    Args:
        old: What is measured by.
        new: What is measured.
        credentials_as_parameters: Whether a credential counts as stated where only a parameter says so, and no
            parameter is missed where a security scheme says it. FastAPI knows both ways.
        with_extensions: Whether `x-rules`, `x-list`, `x-judged` and `x-selects` count.
        with_links: Whether `links` count.

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
    """Returns the differences of several operations, each once: what they share is told of the first.

    Args:
        by_operation: By name of the operation. Where there is but one, places need not name it.
    """
    found: dict[tuple[str, str, str, str], Difference] = {}
    for name, each in by_operation.items():
        for one in each:
            place = f"{name} {one.place}" if len(by_operation) > 1 else one.place
            found.setdefault((one.kind, one.what, one.old, one.new), replace(one, place=place))
    return list(found.values())
