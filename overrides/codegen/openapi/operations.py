"""Operations with their parameters, bodies, responses and credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from codegen.openapi.document import Document, Node, as_document

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Operation:
    """An operation of a document.

    Attributes:
        path: The path, with the names of its parameters.
        method: The method, in lower case.
        item: The path item.
        node: The operation object.
    """

    path: str
    method: str
    item: Node
    node: Node

    @property
    def name(self) -> str:
        """The `operationId`; method and path if there is none."""
        name = self.node.at("operationId").value
        return name if isinstance(name, str) else f"{self.method.upper()} {self.path}"

    @property
    def parameters(self) -> dict[tuple[str, str], Node]:
        """The parameters of the operation and of its path item, by location and name.

        Path parameters have their number from the end of the path as the name, since their name is not sent. Invalid
        parameters have the location `unreadable`, and their pointer as the name.
        """
        numbers = {name: str(index) for index, name in enumerate(re.findall(r"\{([^{}]*)\}", self.path)[::-1])}
        found: dict[tuple[str, str], Node] = {}
        for holder in (self.item, self.node):
            for element in holder.at("parameters").elements():
                node = element.resolved() or element
                where, name = node.at("in").value, node.at("name").value
                if not isinstance(where, str) or not isinstance(name, str):
                    found["unreadable", element.pointer] = element
                elif where == "path":
                    found["path", numbers.get(name, name)] = node
                else:
                    found[where, name.lower() if where == "header" else name] = node
        return found

    @property
    def named_parameters(self) -> dict[tuple[str, str], Node]:
        """The parameters by location and name as the document states them."""
        return {(str(each.at("in").value), str(each.at("name").value)): each for each in self.parameters.values()}

    @property
    def request_body(self) -> Node | None:
        """The request body, references followed; None if there is none."""
        node = self.node.at("requestBody")
        return (node.resolved() or node) if "requestBody" in self.node else None

    @property
    def responses(self) -> dict[str, Node]:
        """The responses by status, range or `default`, references followed."""
        return followed_entries(self.node, "responses")

    @property
    def security(self) -> Node:
        """The `security` of the operation, or that of the document."""
        return self.node.at("security") if "security" in self.node else self.node.document.root.at("security")

    @property
    def credentials(self) -> dict[frozenset[str], str]:
        """The alternatives of `security`, each a set such as {`cookie ks_uat`}, with the pointer of the definition."""
        schemes = self.node.document.root.at("components").at("securitySchemes")
        found: dict[frozenset[str], str] = {}
        for alternative in self.security.elements():
            names = [name for name, _ in alternative.items()]
            carriers = frozenset(_carrier(schemes.at(name), name) for name in names)
            found[carriers] = schemes.at(names[0]).pointer if names else alternative.pointer
        # Without alternatives, no credential is required.
        return found or {frozenset(): self.security.pointer}


def _carrier(scheme: Node, name: str) -> str:
    """Return the header, cookie or parameter of a credential. Clients know that, not the name of the scheme."""
    scheme = scheme.resolved() or scheme
    kind, where, key = (scheme.at(part).value for part in ("type", "in", "name"))
    if kind == "apiKey" and isinstance(where, str) and isinstance(key, str):
        return f"{where} {key.lower() if where == 'header' else key}"
    if kind in ("oauth2", "openIdConnect"):
        return "header authorization"
    if kind == "http":
        word = scheme.at("scheme").value
        if isinstance(word, str):
            return "header authorization" + ("" if word.lower() == "bearer" else f" ({word.lower()})")
    return f"scheme {name}, which is not defined"


def operations(document: Document | Any) -> dict[tuple[str, str], Operation]:
    """Return the operations of a document, by path with `{}` for each parameter and by method.

    Args:
        document: A document, or the JSON value of one.
    """
    found = {}
    for path, item in as_document(document).root.at("paths").items():
        item = item.resolved() or item
        for method in METHODS:
            if isinstance(item.at(method).value, dict):
                found[without_names(path), method] = Operation(path, method, item, item.at(method))
    return found


def without_names(path: str) -> str:
    """Return a path with `{}` for each parameter: the names are not sent."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def followed_entries(holder: Node, key: str) -> dict[str, Node]:
    """Return the entries of a mapping below a node, such as `headers` or `links`, references followed.

    An entry with a dangling reference stays as it is.
    """
    return {name: node.resolved() or node for name, node in holder.at(key).items()}


def schema_of(holder: Node) -> Node:
    """Return the schema of a parameter, a header or a body; the schema `true` if it has none."""
    for _, media in holder.at("content").items():
        holder = media
        break
    return holder.at("schema") if "schema" in holder else Node(holder.document, True, holder.pointer)
