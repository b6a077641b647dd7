"""Docstring text from the extensions: messages of rules, promises about a list, the order of checks.

It reaches the generators as descriptions, so that they escape it.
"""

from __future__ import annotations

import copy
import textwrap
from typing import Any

from codegen.extensions import Described
from codegen.extensions.model import ANY, judgement_order
from codegen.extensions.objects import objects
from codegen.openapi import Document, Node
from codegen.openapi.document import split

# Characters of a line in a docstring that is indented by four.
WIDTH = 114


def with_rule_messages(document: Document) -> dict[str, Any]:
    """Return a copy of a document in which the description of each schema ends with the messages of its rules."""
    described: dict[str, Any] = copy.deepcopy(document.value)
    for part in objects(document):
        if part.kind == "schema" and "x-rules" in part.node and "$ref" not in part.node:
            schema: Any = described
            for key in split(part.node.pointer):
                schema = schema[int(key) if isinstance(schema, list) else key]
            paragraphs = [schema["description"].rstrip()] if schema.get("description") else []
            schema["description"] = "\n\n".join([*paragraphs, "Rules:\n\n" + "\n".join(rule_messages(part.node))])
    return described


def rule_messages(holder: Node) -> list[str]:
    """Return the messages of the rules of a schema or a response, as lines of a list."""
    return [
        textwrap.fill(
            " ".join(str(entry.at("message").value).split()),
            WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for entry in holder.at("x-rules").elements()
    ]


def promise_paragraphs(described: Described) -> list[str]:
    """Return the promises of an operation, as paragraphs."""
    found = []
    for status, response in described.operation.responses.items():
        if "x-rules" in response:
            found.append("\n".join([f"Rules of {status}:", "", *rule_messages(response)]))
    if described.listing:
        found.append(_wrapped("The list: " + " ".join(described.listing.promises.values())))
    if described.judged:
        anytime = [str(status) for stage in described.judged if stage.name == ANY for status in stage.statuses]
        order = [f"Checked in this order: {judgement_order(described.judged)}."]
        found.append(_wrapped(" ".join([*order, *([f"At any time: {', '.join(anytime)}."] if anytime else [])])))
    return found


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)
