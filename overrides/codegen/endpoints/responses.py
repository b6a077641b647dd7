"""Responses as the templates render them: the body and headers of a success, and errors by status."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from openapi_python_client.schema.untrusted_string import UntrustedString

from codegen.alternatives import without_null
from codegen.endpoints.common import UNSUPPORTED_FIX, description_of, json_content, object_model
from codegen.models import Models
from codegen.openapi import Node, Operation

# Names that SDKs use instead of the phrase of HTTP, and phrases that differ between versions of Python.
_ERROR_NAMES = {
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    413: "ContentTooLargeError",
    414: "UriTooLongError",
    416: "RangeNotSatisfiableError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}

# By type and format of a header: the annotation, and the function of package/_headers.py that parses the text.
_HEADER_TYPES = {
    ("integer", ""): ("int", "integer"),
    ("number", ""): ("float", "number"),
    ("boolean", ""): ("bool", "boolean"),
    ("string", ""): ("str", "text"),
    ("string", "uuid"): ("UUID", "identifier"),
    ("string", "date-time"): ("datetime", "moment"),
    ("string", "date"): ("date", "day"),
}


@dataclass(frozen=True)
class Header:
    """A documented header of a success.

    Attributes:
        name: The name in the response.
        python_name: The attribute of the response object.
        annotation: The type annotation.
        read: Source of the function that parses the text.
        required: Whether it is always sent.
        description: The description.
    """

    name: str
    python_name: str
    annotation: str
    read: str
    required: bool
    description: UntrustedString

    @property
    def quoted(self) -> str:
        return repr(self.name)


@dataclass(frozen=True)
class Refusal:
    """A status that is not a success, over all operations.

    Attributes:
        status: The status.
        error: The name of the exception class.
        descriptions: By description, the operations that have it.
        models: The models of its bodies.
        faults: The annotation of a fault in these bodies; empty if they have none.
    """

    status: int
    error: str
    descriptions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    models: Sequence[str] = ()
    faults: str = ""


@dataclass(frozen=True)
class ErrorFields:
    """The attributes of an error body's model that say what is wrong; empty where there is none.

    Attributes:
        detail: The attribute with a sentence.
        faults: The attribute with a list of faults.
        item: The annotation of a fault.
        loc: The attribute of a fault with its location, a list.
        msg: The attribute of a fault with the message; empty if a fault is text.
        kind: The field of a fault with a code, its second text.
    """

    detail: str = ""
    faults: str = ""
    item: str = ""
    loc: str = ""
    msg: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Successes:
    """The success responses of an operation. All have the same body and headers.

    Attributes:
        statuses: The statuses.
        model: The model of the body; None without a body.
        headers: The documented headers.
    """

    statuses: Sequence[int]
    model: str | None
    headers: Sequence[Header]


def read_successes(operation: Operation, models: Models) -> Successes:
    """Return the success responses of an operation.

    Raises:
        Problem: There is none, one cannot be rendered, or their bodies or headers differ.
    """
    found: list[tuple[int, Node, str | None, list[Header]]] = []
    for status, node in statuses(operation):
        if status < 300:
            found.append((status, node, *_success(operation, status, node, models)))
    if not found:
        raise operation.node.problem("an operation must have a 2xx response", "document the success")
    _, first, model, headers = found[0]
    for status, node, other, other_headers in found[1:]:
        if other != model or other_headers != headers:
            what = f"{status} has another body, or other headers, than {found[0][0]} in line {first.line}"
            raise node.problem(f"{what}: a call returns one type", "give all successes the same, or remove one")
    return Successes([status for status, *_ in found], model, headers)


def statuses(operation: Operation) -> Iterator[tuple[int, Node]]:
    """Yield the final statuses of an operation with their responses, references followed.

    Raises:
        Problem: A status is 1xx, a range, `default`, or unknown to HTTP.
    """
    for key, node in operation.node.at("responses").items():
        if key == "default":
            raise node.problem(
                "a `default` response is not supported: each status has an error of its own", UNSUPPORTED_FIX
            )
        if re.fullmatch("[1-5]XX", key):
            raise node.problem("a range of statuses is not supported: each has an error of its own", UNSUPPORTED_FIX)
        if key.startswith("x-"):
            continue
        if key not in {str(status.value) for status in HTTPStatus}:
            raise node.problem(f"HTTP has no status {key}", "use a status of Python's `http.HTTPStatus`")
        if key.startswith("1"):
            raise node.problem(f"status {key} is not a final response", "remove it")
        yield int(key), node.followed()


def _success(operation: Operation, status: int, node: Node, models: Models) -> tuple[str | None, list[Header]]:
    headers = []
    names = set[str]()
    for name, entry in node.at("headers").items():
        if name.lower() == "content-type":
            continue  # OpenAPI says to ignore it
        header = _header(name, entry.followed(), models)
        if header.python_name in names:
            what = f"header `{name}` has the same Python name as another one, `{header.python_name}`"
            raise entry.problem(what, "rename one of them")
        names.add(header.python_name)
        headers.append(header)
    if "content" not in node:
        return None, headers
    if status in (204, 205) or operation.method == "head":
        what = "a response to HEAD" if operation.method == "head" else f"a {status} response"
        raise node.at("content").problem(f"{what} has no body", "remove `content`")
    _, schema = json_content(node, f"the body of {status}")
    return object_model(models, schema, f"the body of {status}"), headers


def _header(name: str, node: Node, models: Models) -> Header:
    schema, _ = without_null(node.at("schema"))
    kind, format_ = str(schema.at("type").value), str(schema.at("format").value or "")
    found = _HEADER_TYPES.get((kind, format_)) or _HEADER_TYPES.get((kind, ""))
    if found is None:
        expected = "an integer, a number, a Boolean, text, an enum of text, a UUID or a date-time"
        raise node.problem(f"header `{name}` is not supported: it must be {expected}", UNSUPPORTED_FIX)
    annotation, read = found
    if "enum" in schema and (model := models.of(schema)):
        annotation, read = f"models.{model}", f"models.{model}"
    else:
        read = f"_headers.{read}"
    python_name = re.sub(r"\W+", "_", name).strip("_").lower()
    if python_name in ("status_code", "content", "headers", "parsed"):
        python_name += "_header"
    if not python_name.isidentifier():
        python_name = f"field_{python_name}"
    required = node.at("required").value is True
    return Header(name, python_name, annotation, read, required, UntrustedString(description_of(node)))


def read_error_fields(place: Node, name: str, what: str, models: Models) -> ErrorFields:
    """Return the fields of an error body: the first required text is its sentence, the first required list of texts or
    of objects with a required text its faults.

    Args:
        place: The schema of the body.
        name: The name of its model.
        what: How to name the body in messages.
        models: The models.

    Raises:
        Problem: It has neither.
    """
    schema = place.followed()
    detail = next((key for key, each in _required(schema) if _is_free_text(each)), "")
    attributes = models.attributes(name)
    for key, each in _required(schema):
        listed = each.followed()
        if listed.at("type").value != "array":
            continue
        item = listed.at("items").followed()
        if _is_free_text(item):
            return ErrorFields(attributes.get(detail, ""), attributes[key], "str")
        fault = models.of(item)
        msg, kind = [*(key for key, each in _required(item) if _is_free_text(each)), "", ""][:2]
        if fault and msg:
            loc = next((key for key, each in _required(item) if each.followed().at("type").value == "array"), "")
            of_fault = models.attributes(fault)
            return ErrorFields(
                detail=attributes.get(detail, ""),
                faults=attributes[key],
                item=f"models.{fault}",
                loc=of_fault.get(loc, ""),
                msg=of_fault[msg],
                kind=kind,
            )
    if not detail:
        raise place.problem(
            f"{what} must have a required text, or a required list of texts or of objects with a required text",
            "require the field that says what is wrong",
        )
    return ErrorFields(attributes[detail])


def error_name(status: int) -> str:
    """Return the name of the exception class for a status."""
    words = HTTPStatus(status).name.split("_")
    return _ERROR_NAMES.get(status) or "".join(word.title() for word in words if word != "ERROR") + "Error"


def _required(schema: Node) -> Iterator[tuple[str, Node]]:
    """Yield the required properties of a schema, in document order."""
    required = schema.at("required").value or []
    yield from ((key, each) for key, each in schema.at("properties").items() if key in required)


def _is_free_text(schema: Node) -> bool:
    """True for a string without an enum, a constant, a format or a pattern."""
    schema = schema.followed()
    return schema.at("type").value == "string" and not any(
        key in schema for key in ("enum", "const", "format", "pattern")
    )
