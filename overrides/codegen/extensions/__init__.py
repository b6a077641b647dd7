"""What the contract promises in keys of our own: `x-rules`, `x-list`, `x-judged` and `x-selects`.

    schema.yaml    what the keys hold, and what they mean
    model.py       the keys as data
    places.py      where they may stand, and where they do
    checks.py      what is refused: names, rules, examples
    answers.py     requests, answers, verdicts
    instances.py   where in a body the values of a schema stand
    links.py       what an answer gives for another operation, as `links` says
    lists.py       pages, read and judged as `x-list` says
    judging.py     answers held against the rules

`read` checks a document and returns what it promises:

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
    """What a document promises in these keys; get it from `read`.

    Attributes:
        document: The document.
        operations: By path, with `{}` for each parameter, and method in lower case.
        rules: The rules at schemas, by the JSON pointer of the schema.
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
        """Returns an operation by its `operationId`.

        Raises:
            KeyError: There is none of that name.
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
        """Holds an answer against all rules that are about it; those of its status, and of the schemas of its values.

        Args:
            operation: The operation that was called.
            request: What was asked for.
            answer: What came.
            now: The time, with its zone; of two clocks that may be meant, the one that is ahead.
            earlier_items: Items as they were read before, by key (`Lists.key`), for the rules about what does not
                change; for an operation that is no list, the body of before, by the key "".

        Returns:
            One verdict for each rule and each value that it is about, whether it holds, is broken, or cannot be judged.
            For a status that the document does not have, none.
        """
        found = operation.response(answer.status)
        if found is None:
            return []
        judge = self._judge(operation, *found)
        return list(judge.judge(request, answer, now, earlier_items or {}))

    def judge_page(self, operation: Described, request: Request, answer: Answer) -> list[Verdict]:
        """Holds a page against what `x-list` promises, as far as one page shows it.

        Returns:
            One verdict for each promise that can be judged; none for what is no page.
        """
        found = operation.response(answer.status)
        judge = self._judge(operation, *found) if found else None
        if judge is None or judge.lists is None:
            return []
        return list(judge.lists.judge(judge.request(request)["query"], answer.body))

    def instances(self, schema: str, wanted: str, body: Any) -> list[Instance]:
        """Returns the values of a schema in a body.

        Args:
            schema: The JSON pointer of the body's schema, such as `#/components/schemas/Page`.
            wanted: The JSON pointer of the schema whose values are looked for.
            body: The body, as JSON value. Only its first 20,000 values are looked at.

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
    """Reads what a document promises, after checking it.

    Args:
        document: The document, or the JSON value that one holds.

    Raises:
        Problem: One of the keys says what cannot be, such as a rule over a field that there is not; with its line.
    """
    # It needs what is above.
    from codegen.extensions.checks import check

    document = as_document(document)
    check(document)
    return Extensions(document)
