"""Helpers that parameters, bodies and responses share."""

from __future__ import annotations

import re

from codegen.models import Models
from codegen.openapi import Node

UNSUPPORTED_FIX = "remove it from the contract, or extend overrides/codegen/endpoints/ and overrides/templates/"


def description_of(node: Node) -> str:
    """Return the description of a node, on one line."""
    return " ".join(str(node.at("description").value or "").split())


def json_content(holder: Node, what: str) -> tuple[str, Node]:
    """Return the media type and the schema of a body.

    Args:
        holder: A request body or a response.
        what: How to name it in messages.

    Raises:
        Problem: It has no JSON, or several media types.
    """
    media = list(holder.at("content").items())
    if len(media) != 1:
        names = " and ".join(name for name, _ in media) or "none"
        raise holder.problem(f"{what} must have exactly one media type, JSON (it has {names})", UNSUPPORTED_FIX)
    [(name, node)] = media
    if not re.fullmatch(r"application/([\w.-]+\+)?json", name.partition(";")[0].strip()):
        raise node.problem(f"{what} must be JSON (got {name})", UNSUPPORTED_FIX)
    if "schema" not in node:
        raise node.problem(f"{what} has no schema", "write the schema")
    return name, node.at("schema")


def object_model(models: Models, schema: Node, what: str) -> str:
    """Return the name of the model of a body.

    Raises:
        Problem: The schema is not an object of components/schemas.
    """
    target = schema.followed()
    name = models.of(target)
    if name is None or "properties" not in target:
        raise schema.problem(
            f"{what} must be an object with properties, defined in components/schemas",
            "move the schema there, and refer to it",
        )
    return name
