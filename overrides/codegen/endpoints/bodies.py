"""Request bodies as the templates render them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from openapi_python_client.schema.untrusted_string import UntrustedString

from codegen.alternatives import KEYWORDS, without_null
from codegen.endpoints.common import description_of, json_content, object_model
from codegen.models import Models
from codegen.openapi import Node, Operation


@dataclass(frozen=True)
class Body:
    """A request body.

    Attributes:
        model: The name of its model.
        media_type: The media type.
        required: Whether the body is required.
        description: The description.
        shapes: By the name of each model in it: whether further fields are forbidden, and the optional attributes that
            must not be None. The models accept both, so the client checks them before it sends.
    """

    model: str
    media_type: str
    required: bool
    description: UntrustedString
    shapes: Mapping[str, tuple[bool, Sequence[str]]]

    @property
    def quoted_media_type(self) -> str:
        return repr(self.media_type)


def read_body(operation: Operation, models: Models) -> Body | None:
    """Return the request body of an operation; None if it has none.

    Raises:
        Problem: It is not a JSON object that components/schemas defines.
    """
    if "requestBody" not in operation.node:
        return None
    node = operation.node.at("requestBody").followed()
    media_type, schema = json_content(node, "a request body")
    return Body(
        object_model(models, schema, "a request body"),
        media_type,
        node.at("required").value is True,
        UntrustedString(description_of(node) or "What is sent."),
        dict(_shapes(schema.followed(), models)),
    )


def _shapes(schema: Node, models: Models) -> Iterator[tuple[str, tuple[bool, Sequence[str]]]]:
    """Yield an entry of `Body.shapes` for each model in a schema."""
    waiting, seen = [schema], set[str]()
    while waiting:
        node = waiting.pop().followed()
        if node.pointer in seen:
            continue
        seen.add(node.pointer)
        waiting += [node.at("items")] * ("items" in node)
        waiting += [each for keyword in KEYWORDS for each in node.at(keyword).elements()]
        if isinstance(node.at("additionalProperties").value, dict):
            waiting.append(node.at("additionalProperties"))
        properties = dict(node.at("properties").items())
        waiting += properties.values()
        name = models.of(node)
        if name and properties:
            required = node.at("required").value or []
            attributes = models.attributes(name)
            never_null = [
                attributes[key] for key, each in properties.items() if key not in required and not without_null(each)[1]
            ]
            yield name, (node.at("additionalProperties").value is False, never_null)
