"""What the templates read of an operation, and what of one cannot be rendered: refused by name, line and reason.

openapi-python-client says how an operation and its parameters are called. All else is read here, from the contract
itself: where each part stands decides, never its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import jsonschema_rs
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.schema.untrusted_string import UntrustedString

from codegen.alternatives import without_null
from codegen.contract import Contract
from codegen.models import Models
from codegen.openapi import Node, Operation, operations, without_names

if TYPE_CHECKING:
    from codegen.extensions import Described

# Where their phrase is not what SDKs of other APIs call them, or differs between Pythons.
_OWN_NAMES = {
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    413: "ContentTooLargeError",
    414: "UriTooLongError",
    416: "RangeNotSatisfiableError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}

# What the modules of operations use themselves; a parameter of that name gets its place behind it.
_TAKEN = {
    *("asyncio", "asyncio_detailed", "body", "build_call", "check", "client", "date", "decode", "documented"),
    *("models", "sync", "sync_detailed"),
}

_EXTEND = "leave it out of the contract, or extend overrides/codegen/endpoints.py and overrides/templates/"

# By type and format: the type that a caller gives, and the function of package/_inputs.py that makes text of it.
_SCALARS = {
    ("integer", ""): ("int", "integer"),
    ("number", ""): ("float", "number"),
    ("boolean", ""): ("bool", "boolean"),
    ("string", ""): ("str", "text"),
    ("string", "uuid"): ("UUID | str", "uuid_text"),
    ("string", "date-time"): ("datetime", "moment"),
    ("string", "date"): ("date", "day"),
}
# What `_SCALARS` has, as a header is read: the type, and the function of package/_headers.py.
_READ = {
    ("integer", ""): ("int", "integer"),
    ("number", ""): ("float", "number"),
    ("boolean", ""): ("bool", "boolean"),
    ("string", ""): ("str", "text"),
    ("string", "uuid"): ("UUID", "identifier"),
    ("string", "date-time"): ("datetime", "moment"),
    ("string", "date"): ("date", "day"),
}
# Keywords that a check takes, and what it calls them; as docstrings say them.
_LIMITS = {
    "minimum": ("least", "at least {}"),
    "maximum": ("most", "at most {}"),
    "exclusiveMinimum": ("above", "more than {}"),
    "exclusiveMaximum": ("below", "less than {}"),
    "multipleOf": ("step", "a multiple of {}"),
    "minLength": ("least", "at least {} characters"),
    "maxLength": ("most", "at most {} characters"),
    "pattern": ("pattern", "matching {}"),
    "minItems": ("least", "at least {} items"),
    "maxItems": ("most", "at most {} items"),
}
_OF_TYPE = {
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength", "pattern"),
    "array": ("minItems", "maxItems"),
}


@dataclass(frozen=True)
class Argument:
    """A parameter, as the templates write it.

    Attributes:
        name: As it is sent.
        python_name: As callers give it.
        where: `path`, `query`, `header` or `cookie`.
        annotation: The type that a caller gives, as Python writes it.
        default: What is sent unless told, as Python writes it; None where it has to be given.
        text: Source that makes of the value what is sent: text, of a list a list of it.
        is_list: Whether it is one.
        joined: Whether the texts of a list are sent as one, with commas between them.
        description: What it is for, and what is allowed.
    """

    name: str
    python_name: str
    where: str
    annotation: str
    default: str | None
    text: str
    is_list: bool
    joined: bool
    description: UntrustedString

    @property
    def quoted(self) -> str:
        return repr(self.name)

    @property
    def quoted_title(self) -> str:
        return repr(self.name.title())

    @property
    def quoted_cookie(self) -> str:
        return repr(f"{self.name}=")


@dataclass(frozen=True)
class Header:
    """A header of a success that the contract documents.

    Attributes:
        name: As it is sent.
        python_name: The attribute of the answer.
        annotation: Its type, as Python writes it.
        read: Source of the function that makes the value of its text.
        required: Whether it is always sent.
        description: What it says.
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
class Body:
    """What a request carries.

    Attributes:
        model: The name of its model.
        media_type: What it is sent as.
        required: Whether it has to be given.
        description: What it is.
        shapes: By the name of each model in it: whether that allows no further fields, and which of its attributes may
            not be None, though they may be left out.
    """

    model: str
    media_type: str
    required: bool
    description: UntrustedString
    shapes: Mapping[str, tuple[bool, Sequence[str]]]

    @property
    def quoted_media_type(self) -> str:
        return repr(self.media_type)


@dataclass(frozen=True)
class Refusal:
    """A status that is no success, over all operations.

    Attributes:
        status: The status.
        error: The class that is raised for it.
        descriptions: What it means, and by which operations, each written as docstrings have it.
        models: The names of the models of its bodies.
        faults: The type of each fault in them, as Python writes it; empty where they have none.
    """

    status: int
    error: str
    descriptions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    models: Sequence[str] = ()
    faults: str = ""


@dataclass(frozen=True)
class Said:
    """How the body of a refusal is read: by the attributes of its model.

    Attributes:
        detail: That with a sentence; empty where there is none.
        faults: That with a list of faults; empty where there is none.
        item: The type of a fault, as Python writes it.
        loc: The attribute of a fault that says where it is, a list; empty where there is none.
        msg: The attribute of a fault that says what is wrong; empty where a fault is text itself.
        kind: The field of a fault that says so for a program: its second text.
    """

    detail: str = ""
    faults: str = ""
    item: str = ""
    loc: str = ""
    msg: str = ""
    kind: str = ""


@dataclass(frozen=True)
class View:
    """An operation, as the templates read it.

    Attributes:
        arguments: Its parameters: those of the path in their order there, then query, headers, cookies.
        path: Source of the path, an f-string without its quotes.
        body: What it carries; None for nothing.
        successes: The statuses of a success.
        model: The name of the model of a success; None where that has no body.
        headers: The documented headers of a success.
        refusals: The name of the model of the body, by status; None where it has no body.
        promised: What the contract promises in keys of our own, as paragraphs of a docstring.
    """

    arguments: Sequence[Argument]
    path: str
    body: Body | None
    successes: Sequence[int]
    model: str | None
    headers: Sequence[Header]
    refusals: Mapping[int, str | None]
    promised: Sequence[UntrustedString]

    def at(self, *places: str) -> list[Argument]:
        """Returns the parameters of some places."""
        return [argument for argument in self.arguments if argument.where in places]


class Endpoints:
    """All operations, as the templates read them.

    Attributes:
        refusals: The statuses that are no success, in their order.
        said: How their bodies are read, by the name of the model.
        usual: The name of the model that most refusals have as their body.
    """

    def __init__(self, contract: Contract, models: Models) -> None:
        contract.check_parameters()
        self._models = models
        self._operations = operations(contract.model)
        self._views: dict[tuple[str, str], View] = {}
        self._modules: dict[tuple[str, str], Operation] = {}
        self._bodies: dict[int, dict[str, list[Node]]] = {}
        self._meanings: dict[int, dict[str, list[str]]] = {}
        self.said: dict[str, Said] = {}

    def add(self, endpoint: Endpoint, described: Mapping[tuple[str, str], Described]) -> None:
        """Takes an operation in.

        Raises:
            Problem: Something of it cannot be rendered.
        """
        operation = self._operation(endpoint)
        module = (str(endpoint.tags[0]), str(endpoint.name))
        if module in self._modules:
            first = self._modules[module].node
            what = f"`{operation.name}` has the module of the operation in line {first.line}: {'/'.join(module)}.py"
            raise operation.node.at("operationId").problem(what, "give each an `operationId` of its own")
        self._modules[module] = operation
        arguments = self._arguments(endpoint, operation)
        body = self._body(operation)
        successes, model, headers, refusals = self._responses(operation)
        from codegen.docstrings import promised

        found = described.get(key_of(endpoint))
        self._views[key_of(endpoint)] = View(
            arguments=arguments,
            path=_path(operation, arguments),
            body=body,
            successes=successes,
            model=model,
            headers=headers,
            refusals=refusals,
            promised=[UntrustedString(paragraph) for paragraph in promised(found)] if found else [],
        )

    def __call__(self, endpoint: Endpoint) -> View:
        return self.view(key_of(endpoint))

    def view(self, key: tuple[str, str]) -> View:
        """Returns an operation by its key among those of the contract."""
        return self._views[key]

    @property
    def refusals(self) -> list[Refusal]:
        found = []
        for status, bodies in sorted(self._bodies.items()):
            faults = dict.fromkeys(self.said[name].item for name in bodies if self.said[name].faults)
            found.append(Refusal(status, error_name(status), self._meanings[status], list(bodies), " | ".join(faults)))
        return found

    @property
    def usual(self) -> str:
        counts: dict[str, int] = {}
        for bodies in self._bodies.values():
            for name, places in bodies.items():
                if self.said[name].detail:
                    counts[name] = counts.get(name, 0) + len(places)
        return max(counts, key=counts.__getitem__, default="")

    def _operation(self, endpoint: Endpoint) -> Operation:
        return self._operations[key_of(endpoint)]

    # --- parameters ---

    def _arguments(self, endpoint: Endpoint, operation: Operation) -> list[Argument]:
        written = operation.named_parameters
        found: list[Argument] = []
        names: dict[str, str] = {}
        for where, parameters in {
            "path": endpoint.path_parameters,
            "query": endpoint.query_parameters,
            "header": endpoint.header_parameters,
            "cookie": endpoint.cookie_parameters,
        }.items():
            for parameter in parameters:
                name = parameter.name.get_untrusted_value()
                node = written[where, name]
                python_name = str(parameter.python_name)
                if python_name in _TAKEN:
                    python_name = f"{python_name}_{where}"
                if python_name in names:
                    what = f"parameter `{name}` would be called `{python_name}` in Python, as `{names[python_name]}` is"
                    raise node.problem(what, "rename one of them")
                names[python_name] = name
                found.append(self._argument(node, name, python_name, where))
        return found

    def _argument(self, node: Node, name: str, python_name: str, where: str) -> Argument:
        schema, _ = without_null(node.at("schema"))
        required = node.at("required").value is True
        is_list = schema.at("type").value == "array"
        element = schema
        if is_list:
            element, nullable = without_null(schema.at("items"))
            if where != "query" or nullable:
                element = schema
        kind = self._scalar(element)
        if kind is None:
            wanted = "an integer, a number, a Boolean, text, an enum of text, a UUID, a date-time"
            wanted += " or a list of these" if where == "query" else ""
            raise node.problem(f"parameter `{name}` is not supported: in the {where} it has to be {wanted}", _EXTEND)
        annotation, check, limits = kind
        said = [
            (_LIMITS[keyword][1].format(schema.at(keyword).value))
            for keyword in _OF_TYPE.get(str(schema.at("type").value), ())
            if keyword in schema
        ]
        if is_list:
            said += [f"each {text}" for text in _told(element)]
        elif "enum" in element:
            said.append(f"one of {', '.join(_known(element))}")
        format_ = schema.at("format").value
        if format_ and not any(format_ == known for _, known in _SCALARS):
            said.append(f"format {format_}")
        default = None if required else "UNSET"
        if "default" in schema and schema.at("default").value is not None:
            value = schema.at("default").value
            if not jsonschema_rs.is_valid(_plain(schema), value) if not is_list else not isinstance(value, list):
                raise schema.at("default").problem(
                    f"the default of `{name}` is not what its schema allows", "correct it"
                )
            if annotation in ("int", "float", "bool", "str") or "Literal[" in annotation:
                default = repr(value) if not is_list else default
            if default in (None, "UNSET"):
                default = "UNSET"
                said.append(f"by default {value}")
        quoted = repr(name)
        value = "_each" if is_list else python_name
        text = f"_inputs.{check}({quoted}, {value}{limits})"
        if check == "integer":
            text = f"str({text})"
        if where == "path" and check in ("text", "choice"):
            text = f"_inputs.segment({quoted}, {text})"
        elif where == "header":
            text = f"_inputs.header({quoted}, {text if check != 'text' or limits else value})"
        elif where == "cookie":
            text = f"_inputs.credential({quoted}, {text if check != 'text' or limits else value})"
        if where in ("header", "cookie") and check == "text" and limits:
            # What is secret is in no error.
            text = text.replace(f"{limits})", f"{limits}, secret=True)", 1)
        joined = node.at("explode").value is False
        if is_list:
            annotation = f"Sequence[{annotation}]"
            bounds = _arguments_of(schema)
            text = f"[{text} for _each in _inputs.items({quoted}, {python_name}{bounds})]"
        if not required or default is not None:
            annotation += " | None | Unset"
        words = _words(node)
        description = f"{words} ({', '.join(said)})".lstrip() if said else words
        return Argument(
            name, python_name, where, annotation, default, text, is_list, joined, UntrustedString(description)
        )

    def _scalar(self, schema: Node) -> tuple[str, str, str] | None:
        """Returns type, check and further arguments of the check for a schema; None where there is none."""
        kind, format_ = schema.at("type").value, str(schema.at("format").value or "")
        if "enum" in schema or "const" in schema:
            known = _known(schema)
            if kind not in ("string", None) or not known:
                return None
            literal = f"Literal[{', '.join(map(repr, known))}]"
            name = self._models.of(schema)
            return f"models.{name} | {literal}" if name else literal, "choice", f", {tuple(known)!r}"
        if not isinstance(kind, str):
            return None
        found = _SCALARS.get((kind, format_)) or _SCALARS.get((kind, "")) if kind != "array" else None
        return None if found is None else (*found, _arguments_of(schema))

    # --- bodies ---

    def _body(self, operation: Operation) -> Body | None:
        if "requestBody" not in operation.node:
            return None
        node = operation.node.at("requestBody").followed()
        media_type, schema = self._json(node, "a request body")
        model = self._model(schema, "a request body")
        words = _words(node)
        return Body(
            model,
            media_type,
            node.at("required").value is True,
            UntrustedString(words or "What is sent."),
            dict(self._shapes(schema.followed())),
        )

    def _shapes(self, schema: Node) -> Iterator[tuple[str, tuple[bool, Sequence[str]]]]:
        """Yields each model below a schema, with what its class does not hold a caller to."""
        waiting, seen = [schema], set[str]()
        while waiting:
            node = waiting.pop().followed()
            if node.pointer in seen:
                continue
            seen.add(node.pointer)
            waiting += [node.at("items")] * ("items" in node)
            waiting += [each for keyword in ("anyOf", "oneOf") for each in node.at(keyword).elements()]
            if isinstance(node.at("additionalProperties").value, dict):
                waiting.append(node.at("additionalProperties"))
            properties = dict(node.at("properties").items())
            waiting += properties.values()
            name = self._models.of(node)
            if name and properties:
                required = node.at("required").value or []
                attributes = self._models.attributes(name)
                firm = [
                    attributes[key]
                    for key, each in properties.items()
                    if key not in required and not _may_be_null(each)
                ]
                yield name, (node.at("additionalProperties").value is False, firm)

    def _json(self, holder: Node, what: str) -> tuple[str, Node]:
        """Returns the media type and the schema of a body."""
        media = list(holder.at("content").items())
        if len(media) != 1:
            names = " and ".join(name for name, _ in media) or "none"
            raise holder.problem(f"{what} needs exactly one media type, JSON (it has {names})", _EXTEND)
        [(name, node)] = media
        if not re.fullmatch(r"application/([\w.-]+\+)?json", name.partition(";")[0].strip()):
            raise node.problem(f"{what} of {name} is not supported: it has to be JSON", _EXTEND)
        if "schema" not in node:
            raise node.problem(f"{what} without a schema is not supported", "write the schema")
        return name, node.at("schema")

    def _model(self, schema: Node, what: str) -> str:
        """Returns the name of the model of a schema."""
        target = schema.followed()
        name = self._models.of(target)
        if name is None or "properties" not in target:
            raise schema.problem(
                f"{what} has to be an object with properties, which components/schemas names",
                "put the schema there, and refer to it",
            )
        return name

    # --- answers ---

    def _responses(self, operation: Operation) -> tuple[list[int], str | None, list[Header], dict[int, str | None]]:
        found: list[tuple[int, Node, str | None, list[Header]]] = []
        refusals: dict[int, str | None] = {}
        for status, node in self._statuses(operation):
            if status < 200:
                raise node.problem(f"status {status} is no answer, but a step to one", "leave it out")
            if status < 300:
                found.append((status, node, *self._success(operation, status, node)))
            else:
                refusals[status] = self._refusal(operation, status, node)
        if not found:
            raise operation.node.problem("an operation needs a 2xx response", "document what a success is")
        _, first, model, headers = found[0]
        for status, node, other, further in found[1:]:
            if other != model or further != headers:
                what = f"{status} has another body, or other headers, than {found[0][0]} in line {first.line}"
                raise node.problem(f"{what}: a call returns one type", "give all successes the same, or leave one out")
        return [status for status, *_ in found], model, headers, refusals

    def _statuses(self, operation: Operation) -> Iterator[tuple[int, Node]]:
        for written, node in operation.node.at("responses").items():
            if written == "default":
                raise node.problem(
                    "a `default` response is not supported: each status has an error of its own", _EXTEND
                )
            if re.fullmatch("[1-5]XX", written):
                raise node.problem("a range of statuses is not supported: each has an error of its own", _EXTEND)
            if written.startswith("x-"):
                continue
            if written not in {str(status.value) for status in HTTPStatus}:
                what = f"status {written} has no class of error: HTTP has no such status"
                raise node.problem(what, "take one that `http.HTTPStatus` has")
            yield int(written), node.followed()

    def _success(self, operation: Operation, status: int, node: Node) -> tuple[str | None, list[Header]]:
        headers = []
        names = set[str]()
        for name, entry in node.at("headers").items():
            if name.lower() == "content-type":
                continue  # OpenAPI has it ignored
            header = self._header(name, entry.followed())
            if header.python_name in names:
                raise entry.problem(f"header `{name}` has the Python name of another one", "rename one of them")
            names.add(header.python_name)
            headers.append(header)
        if "content" not in node:
            return None, headers
        if status in (204, 205) or operation.method == "head":
            what = (
                f"an answer of {status} has no body" if operation.method != "head" else "HEAD has answers without body"
            )
            raise node.at("content").problem(what, "leave `content` out")
        _, schema = self._json(node, f"the body of {status}")
        return self._model(schema, f"the body of {status}"), headers

    def _header(self, name: str, node: Node) -> Header:
        schema, _ = without_null(node.at("schema"))
        kind, format_ = str(schema.at("type").value), str(schema.at("format").value or "")
        found = _READ.get((kind, format_)) or _READ.get((kind, ""))
        if found is None:
            wanted = "an integer, a number, a Boolean, text, an enum of text, a UUID or a date-time"
            raise node.problem(f"header `{name}` is not supported: it has to be {wanted}", _EXTEND)
        annotation, read = found
        if "enum" in schema and (model := self._models.of(schema)):
            annotation, read = f"models.{model}", f"models.{model}"
        else:
            read = f"_headers.{read}"
        python_name = re.sub(r"\W+", "_", name).strip("_").lower()
        if python_name in ("status_code", "content", "headers", "parsed"):
            python_name += "_header"
        if not python_name.isidentifier():
            python_name = f"field_{python_name}"
        words = _words(node)
        return Header(name, python_name, annotation, read, node.at("required").value is True, UntrustedString(words))

    def _refusal(self, operation: Operation, status: int, node: Node) -> str | None:
        words = _words(node)
        self._meanings.setdefault(status, {}).setdefault(words, []).append(operation.name)
        bodies = self._bodies.setdefault(status, {})
        if "content" not in node:
            return None
        what = f"the body of {status}"
        _, schema = self._json(node, what)
        name = self._model(schema, what)
        if name not in self.said:
            self.said[name] = self._said(schema, name, what)
        bodies.setdefault(name, []).append(node)
        return name

    def _said(self, place: Node, name: str, what: str) -> Said:
        """Returns how a refusal is read: the first required text is its sentence, the first such list its faults."""
        schema = place.followed()
        detail = next((key for key, each in _required(schema) if _is_words(each)), "")
        attributes = self._models.attributes(name)
        for key, each in _required(schema):
            listed = each.followed()
            if listed.at("type").value != "array":
                continue
            item = listed.at("items").followed()
            if _is_words(item):
                return Said(attributes.get(detail, ""), attributes[key], "str")
            fault = self._models.of(item)
            msg, kind = [*(key for key, each in _required(item) if _is_words(each)), "", ""][:2]
            if fault and msg:
                loc = next((key for key, each in _required(item) if each.followed().at("type").value == "array"), "")
                of_fault = self._models.attributes(fault)
                return Said(
                    attributes.get(detail, ""),
                    attributes[key],
                    f"models.{fault}",
                    of_fault.get(loc, ""),
                    of_fault[msg],
                    kind,
                )
        if not detail:
            raise place.problem(
                f"{what} is not supported: nothing in it says what is wrong, in a required text or a required list of "
                "texts or of objects with one",
                "require the field that does",
            )
        return Said(attributes[detail])


def error_name(status: int) -> str:
    """Returns the name of the class that is raised for a status."""
    words = HTTPStatus(status).name.split("_")
    return _OWN_NAMES.get(status) or "".join(word.title() for word in words if word != "ERROR") + "Error"


def key_of(endpoint: Endpoint) -> tuple[str, str]:
    """Returns an operation's key among those of the contract (`codegen.openapi.operations`)."""
    return without_names(endpoint.path.get_untrusted_value()), endpoint.method


def _words(node: Node) -> str:
    """Returns what the contract says of something, in one line."""
    return " ".join(str(node.at("description").value or "").split())


def _path(operation: Operation, arguments: Iterable[Argument]) -> str:
    by_name = {argument.name: argument for argument in arguments if argument.where == "path"}
    parts = re.split(r"(\{[^{}]*\})", operation.path)
    return " + ".join(by_name[part[1:-1]].text if part.startswith("{") else repr(part) for part in parts if part)


def _known(schema: Node) -> list[str]:
    """Returns the values of an enum of text; nothing where it is another one."""
    values = schema.at("enum").value if "enum" in schema else [schema.at("const").value]
    found = [value for value in values if value is not None]
    return found if all(isinstance(value, str) for value in found) else []


def _arguments_of(schema: Node) -> str:
    """Returns the bounds of a schema as further arguments of its check."""
    keywords = _OF_TYPE.get(str(schema.at("type").value), ())
    if schema.at("format").value in ("uuid", "date-time", "date"):
        return ""
    found = [(_LIMITS[keyword][0], schema.at(keyword)) for keyword in keywords if keyword in schema]
    for word, node in found:
        if word == "pattern":
            try:
                re.compile(node.value)
            except re.error as error:
                raise node.problem(f"Python cannot use the pattern: {error}", "write it otherwise") from error
    return "".join(f", {word}={node.value!r}" for word, node in found)


def _told(schema: Node) -> list[str]:
    if "enum" in schema:
        return [f"one of {', '.join(_known(schema))}"]
    keywords = _OF_TYPE.get(str(schema.at("type").value), ())
    return [_LIMITS[keyword][1].format(schema.at(keyword).value) for keyword in keywords if keyword in schema]


def _plain(schema: Node) -> dict[str, object]:
    return {key: value for key, value in schema.value.items() if not key.startswith("x-")}


def _may_be_null(schema: Node) -> bool:
    return without_null(schema)[1]


def _required(schema: Node) -> Iterator[tuple[str, Node]]:
    """Yields the required properties of a schema, in the order in which they are written."""
    required = schema.at("required").value or []
    yield from ((key, each) for key, each in schema.at("properties").items() if key in required)


def _is_words(schema: Node) -> bool:
    """Whether a schema is free text, as for a person."""
    schema = schema.followed()
    return schema.at("type").value == "string" and not any(
        key in schema for key in ("enum", "const", "format", "pattern")
    )
