"""Parameters as the templates render them: annotation, default, and the source that checks and serializes a value."""

from __future__ import annotations

import re
from dataclasses import dataclass

import jsonschema_rs
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.schema.untrusted_string import UntrustedString

from codegen.alternatives import without_null
from codegen.endpoints.common import UNSUPPORTED_FIX, description_of
from codegen.models import Models
from codegen.openapi import Node, Operation

# Names that the operation modules use themselves. A parameter of such a name gets its location as a suffix.
_RESERVED_NAMES = {
    *("asyncio", "asyncio_detailed", "body", "build_call", "check", "client", "date", "decode", "documented"),
    *("models", "sync", "sync_detailed"),
}

# By type and format: the annotation, and the function of package/_inputs.py that checks and serializes the value.
_TYPES = {
    ("integer", ""): ("int", "integer"),
    ("number", ""): ("float", "number"),
    ("boolean", ""): ("bool", "boolean"),
    ("string", ""): ("str", "text"),
    ("string", "uuid"): ("UUID | str", "uuid_text"),
    ("string", "date-time"): ("datetime", "moment"),
    ("string", "date"): ("date", "day"),
}
# By keyword: the argument of the check, and the words for docstrings.
_BOUNDS = {
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
_BOUNDS_OF_TYPE = {
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength", "pattern"),
    "array": ("minItems", "maxItems"),
}


@dataclass(frozen=True)
class Argument:
    """A parameter.

    Attributes:
        name: The name in the request.
        python_name: The name of the argument.
        where: `path`, `query`, `header` or `cookie`.
        annotation: The type annotation.
        default: Source of the default; None if the argument is required.
        text: Source that checks and serializes the value: a string, or a list of strings for a list.
        is_list: Whether the parameter is a list.
        joined: Whether a list is sent as one value, joined by commas.
        description: The description, with the bounds.
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


def read_arguments(endpoint: Endpoint, operation: Operation, models: Models) -> list[Argument]:
    """Return the parameters of an operation: path, query, headers, cookies.

    Raises:
        Problem: A parameter cannot be rendered, or two have the same Python name.
    """
    nodes = operation.named_parameters
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
            node = nodes[where, name]
            python_name = str(parameter.python_name)
            if python_name in _RESERVED_NAMES:
                python_name = f"{python_name}_{where}"
            if python_name in names:
                what = f"the parameters `{names[python_name]}` and `{name}` have the same Python name, `{python_name}`"
                raise node.problem(what, "rename one of them")
            names[python_name] = name
            found.append(_argument(node, name, python_name, where, models))
    return found


def _argument(node: Node, name: str, python_name: str, where: str, models: Models) -> Argument:
    schema, _ = without_null(node.at("schema"))
    is_list = schema.at("type").value == "array"
    element = schema
    if is_list:
        element, nullable = without_null(schema.at("items"))
        if where != "query" or nullable:
            element = schema
    scalar = _scalar(element, models)
    if scalar is None:
        expected = "an integer, a number, a Boolean, text, an enum of text, a UUID, a date-time"
        expected += " or a list of these" if where == "query" else ""
        raise node.problem(
            f"parameter `{name}` is not supported: in the {where} it must be {expected}", UNSUPPORTED_FIX
        )
    annotation, check, bounds = scalar
    default, default_words = _default(schema, name, annotation, is_list, node.at("required").value is True)
    text = _serializer(name, "_each" if is_list else python_name, where, check, bounds)
    if is_list:
        annotation = f"Sequence[{annotation}]"
        text = f"[{text} for _each in _inputs.items({name!r}, {python_name}{_bound_arguments(schema)})]"
    if default is not None:
        annotation += " | None | Unset"
    words = [*_schema_words(schema, element if is_list else None), *default_words]
    description = description_of(node)
    description = f"{description} ({', '.join(words)})".lstrip() if words else description
    joined = node.at("explode").value is False
    return Argument(name, python_name, where, annotation, default, text, is_list, joined, UntrustedString(description))


def _scalar(schema: Node, models: Models) -> tuple[str, str, str] | None:
    """Return annotation, check and further arguments of the check for a scalar schema; None for any other."""
    kind, format_ = schema.at("type").value, str(schema.at("format").value or "")
    if "enum" in schema or "const" in schema:
        values = _enum_values(schema)
        if kind not in ("string", None) or not values:
            return None
        literal = f"Literal[{', '.join(map(repr, values))}]"
        name = models.of(schema)
        return f"models.{name} | {literal}" if name else literal, "choice", f", {tuple(values)!r}"
    if not isinstance(kind, str) or kind == "array":
        return None
    found = _TYPES.get((kind, format_)) or _TYPES.get((kind, ""))
    return None if found is None else (*found, _bound_arguments(schema))


def _default(schema: Node, name: str, annotation: str, is_list: bool, required: bool) -> tuple[str | None, list[str]]:
    """Return the source of the default, and the words for one that the source cannot state."""
    default = None if required else "UNSET"
    value = schema.at("default").value
    if value is None:
        return default, []
    is_valid = isinstance(value, list) if is_list else jsonschema_rs.is_valid(_without_extensions(schema), value)
    if not is_valid:
        raise schema.at("default").problem(f"the schema of `{name}` does not allow its default", "correct it")
    if not is_list and (annotation in ("int", "float", "bool", "str") or "Literal[" in annotation):
        return repr(value), []
    return "UNSET", [f"by default {value}"]


def _serializer(name: str, value: str, where: str, check: str, bounds: str) -> str:
    """Return the source that checks a value and makes it the text to send."""
    quoted = repr(name)
    text = f"_inputs.{check}({quoted}, {value}{bounds})"
    if check == "integer":
        text = f"str({text})"
    if where == "path" and check in ("text", "choice"):
        return f"_inputs.segment({quoted}, {text})"
    if where in ("header", "cookie"):
        if check == "text":
            # `secret` keeps the value out of errors.
            text = f"_inputs.text({quoted}, {value}{bounds}, secret=True)" if bounds else value
        return f"_inputs.{'header' if where == 'header' else 'credential'}({quoted}, {text})"
    return text


def _schema_words(schema: Node, element: Node | None) -> list[str]:
    """Return the bounds of a parameter in words; `element` is the schema of a list's elements."""
    words = _bounds_in_words(schema)
    if element is not None:
        words += [
            f"each {text}" for text in ([_enum_words(element)] if "enum" in element else _bounds_in_words(element))
        ]
    elif "enum" in schema:
        words.append(_enum_words(schema))
    format_ = schema.at("format").value
    if format_ and not any(format_ == known for _, known in _TYPES):
        words.append(f"format {format_}")
    return words


def _enum_words(schema: Node) -> str:
    return f"one of {', '.join(_enum_values(schema))}"


def _enum_values(schema: Node) -> list[str]:
    """Return the values of an enum of text; empty for any other."""
    values = schema.at("enum").value if "enum" in schema else [schema.at("const").value]
    found = [value for value in values if value is not None]
    return found if all(isinstance(value, str) for value in found) else []


def _bounds_in_words(schema: Node) -> list[str]:
    keywords = _BOUNDS_OF_TYPE.get(str(schema.at("type").value), ())
    return [_BOUNDS[keyword][1].format(schema.at(keyword).value) for keyword in keywords if keyword in schema]


def _bound_arguments(schema: Node) -> str:
    """Return the bounds of a schema as further arguments of its check."""
    keywords = _BOUNDS_OF_TYPE.get(str(schema.at("type").value), ())
    if schema.at("format").value in ("uuid", "date-time", "date"):
        return ""
    found = [(_BOUNDS[keyword][0], schema.at(keyword)) for keyword in keywords if keyword in schema]
    for argument, node in found:
        if argument == "pattern":
            try:
                re.compile(node.value)
            except re.error as error:
                raise node.problem(f"Python cannot use the pattern: {error}", "rewrite it") from error
    return "".join(f", {argument}={node.value!r}" for argument, node in found)


def _without_extensions(schema: Node) -> dict[str, object]:
    return {key: value for key, value in schema.value.items() if not key.startswith("x-")}
