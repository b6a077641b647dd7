"""Checks the examples of a document against its rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from codegen.cel import MISSING, Result, timestamp
from codegen.extensions.exchange import Answer, Request, Verdict
from codegen.extensions.model import Described
from codegen.openapi import Document, Node, schema_of


def check_examples(document: Document) -> None:
    """Check that the examples of responses satisfy the rules.

    Raises:
        Problem: One does not.
    """
    # A local import: `read` of that module calls this function.
    from codegen.extensions import Extensions

    promised = Extensions(document)
    for described in promised.operations.values():
        request = example_request(described)
        for key, response in described.operation.responses.items():
            for node in examples_of(response):
                answer = Answer(int(key.replace("XX", "00")) if key != "default" else 599, node.value)
                now = latest_time(node.value)
                verdicts = promised.judge_answer(described, request, answer, now)
                verdicts += promised.judge_page(described, request, answer)
                for verdict in verdicts:
                    if verdict.result is Result.BROKEN:
                        raise _problem(node, verdict)


def _problem(node: Node, verdict: Verdict) -> Exception:
    at = Node(node.document, verdict.instance, node.pointer + verdict.pointer)
    return at.problem(
        f"this example breaks the rule `{verdict.rule_id}`: {verdict.message}", "correct the example, or the rule"
    )


def example_request(described: Described) -> Request:
    """Return the request of the examples: the examples of the parameters, or their defaults."""
    given: dict[str, dict[str, Any]] = {"path": {}, "query": {}}
    for (place, name), node in described.parameters.items():
        for holder in (node, schema_of(node).resolved() or node):
            if place in given and "example" in holder:
                given[place].setdefault(name, holder.at("example").value)
    body = next(examples_of(described.operation.request_body), None) if described.operation.request_body else None
    return Request(given["path"], given["query"], body=MISSING if body is None else body.value)


def examples_of(holder: Node) -> Iterator[Node]:
    """Yield the examples of a body, references followed."""
    for _, media in holder.at("content").items():
        if "example" in media:
            yield media.at("example")
        for _, example in media.at("examples").items():
            example = example.resolved() or example
            if "value" in example:
                yield example.at("value")


def latest_time(value: Any) -> datetime:
    """Return the latest time in a JSON value, which serves as `now` for an example."""
    latest = datetime(1970, 1, 1, tzinfo=UTC)
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
        elif (moment := timestamp(each)) is not MISSING:
            latest = max(latest, moment.ToDatetime(UTC))
    return latest
