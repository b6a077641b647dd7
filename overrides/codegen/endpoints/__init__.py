"""Operations as the templates render them. What cannot be rendered is refused, with line and reason.

    parameters.py  parameters
    bodies.py      request bodies
    responses.py   successes and errors
    common.py      helpers of these

openapi-python-client chooses the Python names of operations and parameters. Everything else comes from the contract
itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.schema.untrusted_string import UntrustedString

from codegen.contract import Contract
from codegen.endpoints.bodies import Body, read_body
from codegen.endpoints.common import description_of, json_content, object_model
from codegen.endpoints.parameters import Argument, read_arguments
from codegen.endpoints.responses import (
    ErrorFields,
    Header,
    Refusal,
    error_name,
    read_error_fields,
    read_successes,
    statuses,
)
from codegen.models import Models
from codegen.openapi import Node, Operation, operations, without_names

if TYPE_CHECKING:
    from codegen.extensions import Described

__all__ = ["Argument", "Body", "Endpoints", "ErrorFields", "Header", "Refusal", "View", "error_name", "key_of"]


@dataclass(frozen=True)
class View:
    """An operation, as the templates read it.

    Attributes:
        arguments: The parameters: path, query, headers, cookies.
        path: Source of the path.
        body: The request body; None without one.
        successes: The statuses of a success.
        model: The model of a success's body; None without a body.
        headers: The documented headers of a success.
        refusals: By error status, the model of the body; None without a body.
        promises: What the extensions promise, as paragraphs of a docstring.
    """

    arguments: Sequence[Argument]
    path: str
    body: Body | None
    successes: Sequence[int]
    model: str | None
    headers: Sequence[Header]
    refusals: Mapping[int, str | None]
    promises: Sequence[UntrustedString]

    def at(self, *places: str) -> list[Argument]:
        """Return the parameters of some locations, such as `query`."""
        return [argument for argument in self.arguments if argument.where in places]


class Endpoints:
    """All operations, as the templates read them.

    Attributes:
        refusals: The error statuses, in ascending order.
        error_fields: By model of an error body, its fields.
        usual_error_model: The model that most error responses have; empty if there is none.
    """

    def __init__(self, contract: Contract, models: Models) -> None:
        contract.check_parameters()
        self._models = models
        self._operations = operations(contract.model)
        self._views: dict[tuple[str, str], View] = {}
        self._modules: dict[tuple[str, str], Operation] = {}
        self._bodies: dict[int, dict[str, list[Node]]] = {}
        self._descriptions: dict[int, dict[str, list[str]]] = {}
        self.error_fields: dict[str, ErrorFields] = {}

    def add(self, endpoint: Endpoint, described: Mapping[tuple[str, str], Described]) -> None:
        """Add an operation.

        Raises:
            Problem: It cannot be rendered.
        """
        key = key_of(endpoint)
        operation = self._operations[key]
        module = (str(endpoint.tags[0]), str(endpoint.name))
        if module in self._modules:
            first = self._modules[module].node
            what = (
                f"`{operation.name}` and the operation in line {first.line} have the same module, {'/'.join(module)}.py"
            )
            raise operation.node.at("operationId").problem(what, "give each an `operationId` of its own")
        self._modules[module] = operation
        arguments = read_arguments(endpoint, operation, self._models)
        body = read_body(operation, self._models)
        refusals = {
            status: self._refusal(operation, status, node) for status, node in statuses(operation) if status >= 300
        }
        successes = read_successes(operation, self._models)
        from codegen.docstrings import promise_paragraphs

        found = described.get(key)
        self._views[key] = View(
            arguments=arguments,
            path=_path(operation, arguments),
            body=body,
            successes=successes.statuses,
            model=successes.model,
            headers=successes.headers,
            refusals=refusals,
            promises=[UntrustedString(paragraph) for paragraph in promise_paragraphs(found)] if found else [],
        )

    def __call__(self, endpoint: Endpoint) -> View:
        return self.view(key_of(endpoint))

    def view(self, key: tuple[str, str]) -> View:
        """Return an operation by its key in `codegen.openapi.operations`."""
        return self._views[key]

    @property
    def refusals(self) -> list[Refusal]:
        found = []
        for status, bodies in sorted(self._bodies.items()):
            faults = dict.fromkeys(self.error_fields[name].item for name in bodies if self.error_fields[name].faults)
            descriptions = self._descriptions[status]
            found.append(Refusal(status, error_name(status), descriptions, list(bodies), " | ".join(faults)))
        return found

    @property
    def usual_error_model(self) -> str:
        counts: dict[str, int] = {}
        for bodies in self._bodies.values():
            for name, nodes in bodies.items():
                if self.error_fields[name].detail:
                    counts[name] = counts.get(name, 0) + len(nodes)
        return max(counts, key=counts.__getitem__, default="")

    def _refusal(self, operation: Operation, status: int, node: Node) -> str | None:
        self._descriptions.setdefault(status, {}).setdefault(description_of(node), []).append(operation.name)
        bodies = self._bodies.setdefault(status, {})
        if "content" not in node:
            return None
        what = f"the body of {status}"
        _, schema = json_content(node, what)
        name = object_model(self._models, schema, what)
        if name not in self.error_fields:
            self.error_fields[name] = read_error_fields(schema, name, what, self._models)
        bodies.setdefault(name, []).append(node)
        return name


def key_of(endpoint: Endpoint) -> tuple[str, str]:
    """Return the key of an operation in `codegen.openapi.operations`."""
    return without_names(endpoint.path.get_untrusted_value()), endpoint.method


def _path(operation: Operation, arguments: Iterable[Argument]) -> str:
    by_name = {argument.name: argument for argument in arguments if argument.where == "path"}
    parts = re.split(r"(\{[^{}]*\})", operation.path)
    return " + ".join(by_name[part[1:-1]].text if part.startswith("{") else repr(part) for part in parts if part)
