"""The extension keys of the contract: `x-rules`, `x-list`, `x-judged` and `x-selects`.

    schema.yaml    the JSON Schema of the keys, with their meaning
    model.py       the keys as data
    objects.py     the objects of a document that may have them
    checks.py      validation: names, rules, examples
    exchange.py    requests, answers, verdicts
    instances.py   finds the values of a schema in a body
    links.py       `links`: values of an answer for another operation
    lists.py       `x-list`: reads and judges pages
    judge.py       judges answers by the rules

`read` validates a document and returns its extensions:

    promised = read(document)
    operation = promised.operation("list_workflow_runs")
    request = Request(path={"definition_id": "6f1c..."}, query={"limit": 5})
    answer = Answer(200, body, {"content-type": "application/json"})
    for verdict in promised.judge_answer(operation, request, answer, datetime.now(UTC)):
        if verdict.result is Result.BROKEN:
            print(verdict.rule_id, verdict.message, verdict.pointer)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from codegen.cel import Result
from codegen.extensions.exchange import Answer, Request, Verdict
from codegen.extensions.instances import Instance, instances, route
from codegen.extensions.judge import Judge
from codegen.extensions.links import Link
from codegen.extensions.lists import Lists, Page, Selection
from codegen.extensions.model import AtMost, Described, Listing, Rule, Stage, describe, rules_of
from codegen.extensions.objects import objects
from codegen.openapi import Document, as_document, operations

__all__ = [
    "Answer",
    "AtMost",
    "Described",
    "Extensions",
    "Instance",
    "Link",
    "Listing",
    "Lists",
    "Page",
    "Request",
    "Result",
    "Rule",
    "Selection",
    "Stage",
    "Verdict",
    "read",
]


class Extensions:
    """The extensions of a document, returned by `read`.

    Attributes:
        document: The document.
        operations: The operations, by path with `{}` for each parameter and by method in lower case.
        rules: The rules of schemas, by the JSON pointer of the schema.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.operations = {key: describe(operation) for key, operation in operations(document).items()}
        self.rules = {
            part.node.pointer: rules_of(part.node, "x-rules", "schema")
            for part in objects(document)
            if part.kind == "schema" and "x-rules" in part.node
        }
        self._judges: dict[tuple[str, str], Judge] = {}

    def operation(self, name: str) -> Described:
        """Return an operation by its `operationId`.

        Raises:
            KeyError: There is none.
        """
        for described in self.operations.values():
            if described.operation.name == name:
                return described
        raise KeyError(name)

    def judge_answer(
        self,
        operation: Described,
        request: Request,
        answer: Answer,
        now: datetime,
        earlier_items: Mapping[str, Any] | None = None,
    ) -> list[Verdict]:
        """Judge an answer by the rules of its status and of the schemas in its body.

        Args:
            operation: The operation that was called.
            request: The request.
            answer: The answer.
            now: The current time, with its zone; that of the clock that is ahead if client and server differ.
            earlier_items: Items of earlier answers, by key (`Lists.key`), for rules that compare `self` with `oldSelf`.
                For an operation without `x-list`, the earlier body, by the key "".

        Returns:
            A verdict for each rule and each value: it holds, is broken, or cannot be judged. Empty for a status that
            the document does not have.
        """
        found = operation.response(answer.status)
        if found is None:
            return []
        judge = self._judge(operation, *found)
        return list(judge.judge(request, answer, now, earlier_items or {}))

    def judge_page(self, operation: Described, request: Request, answer: Answer) -> list[Verdict]:
        """Judge a page by the promises of `x-list` that concern a single page.

        Returns:
            A verdict for each promise that can be judged; empty if the answer is not a page.
        """
        found = operation.response(answer.status)
        judge = self._judge(operation, *found) if found else None
        if judge is None or judge.lists is None:
            return []
        return list(judge.lists.judge(judge.request(request)["query"], answer.body))

    def instances(self, schema: str, wanted: str, body: Any) -> list[Instance]:
        """Return the values of a schema in a body.

        Args:
            schema: The JSON pointer of the body's schema, such as `#/components/schemas/Page`.
            wanted: The JSON pointer of the schema to find.
            body: The body, as JSON value. Only its first 20,000 values are searched.

        Raises:
            KeyError: There is no such schema.
        """
        node = self.document.find(schema)
        if node is None:
            raise KeyError(schema)
        return instances(route(node, [wanted]), body)[0]

    def _judge(self, operation: Described, key: str, response: Any) -> Judge:
        at = (operation.operation.node.pointer, key)
        if at not in self._judges:
            self._judges[at] = Judge(operation, key, response, self.rules)
        return self._judges[at]


def read(document: Document | Any) -> Extensions:
    """Validate a document and return its extensions.

    Args:
        document: The document, or its JSON value.

    Raises:
        Problem: An extension is invalid, such as a rule with an unknown field.
    """
    # A local import: checks.py imports this module.
    from codegen.extensions.checks import check

    document = as_document(document)
    check(document)
    return Extensions(document)
