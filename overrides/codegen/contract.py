"""Reads openapi.yaml and refuses, with the line, what the generators would drop, guess or misread.

Both generators are lenient: they skip unknown keywords and operations that they cannot parse, and exit with 0. So this
module lists the supported keywords, and every other one is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

from codegen import Problem, alternatives
from codegen.openapi import Node, Pointer, read
from codegen.openapi.document import joined

# Keywords whose value is a schema, a list of schemas, or a mapping of names to schemas.
_ONE_SCHEMA = {"items", "additionalProperties"}
_SCHEMA_LIST = set(alternatives.KEYWORDS)
_SCHEMA_MAP = {"properties"}
# Keywords that the models support, or that do not concern them.
_PLAIN = {
    *("$ref", "type", "format", "enum", "const", "required", "default", "discriminator"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems"),
    *("title", "description", "example", "examples", "deprecated", "x-rules"),
}


class Contract:
    """openapi.yaml, read and checked.

    Attributes:
        model: The document, with the line of each value.
        document: The content.
        version: `info.version`, the semantic version of the contract.
        extensions: Its `x-rules`, `x-list`, `x-judged` and `x-selects`.
    """

    def __init__(self, path: Path, with_extensions: bool = True) -> None:
        """Read and check the file.

        Args:
            path: The file.
            with_extensions: Whether to read the extensions, too. If not, call `read_extensions` later.

        Raises:
            Problem: The file cannot be read, or has something unsupported.
        """
        self.model = read(path)
        self.document: dict[str, Any] = self.model.value
        self._check_kind()
        self.version = str(self.document["info"]["version"])
        self._check_references(self.model.root)
        self._choices: list[Node] = []
        for pointer, schema in self._schemas():
            self._check_schema(pointer, schema)
        self._check_alternatives()
        for choice in self._choices:
            alternatives.tagged(choice)
        if with_extensions:
            self.read_extensions()

    def read_extensions(self) -> None:
        """Read and check the extensions, and that all other keys are supported.

        Raises:
            Problem: An extension is invalid, or a key is not supported.
        """
        # A local import: it takes as long as everything else here.
        from codegen import claims, extensions

        claims.check(self.model)

        self.extensions = extensions.read(self.model)

    def problem(self, pointer: Pointer, what: str, fix: str) -> Problem:
        """Return a problem at a place of the contract, given by keys and indices."""
        return self.model.problem("#" + joined(pointer), what, fix)

    def _check_kind(self) -> None:
        if not isinstance(self.document, dict) or "openapi" not in self.document:
            raise self.problem((), "not an OpenAPI document: no `openapi` field", "begin it with `openapi: 3.1.0`")
        version = self.document["openapi"]
        if not (isinstance(version, str) and re.fullmatch(r"3\.1\.\d+", version)):
            raise self.problem(("openapi",), f"OpenAPI {version} is not supported", "write the contract as OpenAPI 3.1")
        info = self.document.get("info")
        if not (isinstance(info, dict) and re.fullmatch(r"\d+\.\d+\.\d+", str(info.get("version")))):
            what = "`info.version` must be a semantic version"
            raise self.problem(("info", "version"), what, "write one, such as 1.0.0")
        if not (isinstance(self.document.get("paths"), dict) and self.document["paths"]):
            raise self.problem(("paths",), "the document has no `paths`", "add an operation")

    def _check_references(self, node: Node) -> None:
        for element in node.elements():
            self._check_references(element)
        for key, below in node.items():
            # An example may have any key, also `$ref`.
            if key == "$ref" and isinstance(below.value, str):
                node.followed()
            elif key not in ("example", "examples"):
                self._check_references(below)

    def _check_alternatives(self) -> None:
        """Refuse a schema that is an alternative of itself: it has no meaning, and the generators would not end."""
        done: set[str] = set()
        for _, schema in self.model.root.at("components").at("schemas").items():
            way = [(schema, _alternatives(schema))]
            while way:
                node, rest = way[-1]
                inner = next(rest, None)
                if inner is None:
                    done.add(node.pointer)
                    way.pop()
                elif any(inner.pointer == each.pointer for each, _ in way):
                    raise node.problem("the schema is an alternative of itself", "remove that alternative")
                elif inner.pointer not in done:
                    way.append((inner, _alternatives(inner)))

    def check_parameters(self) -> None:
        """Check that each parameter has a name, a location and a schema.

        Raises:
            Problem: One of them is missing.
        """
        for node in self._parameters():
            if not (isinstance(node.value, dict) and {"name", "in", "schema"} <= node.value.keys()):
                what = "a parameter must have `name`, `in` and `schema`"
                raise node.problem(what, "add what is missing")

    def _parameters(self) -> Iterator[Node]:
        for _, item in self.model.root.at("paths").items():
            for holder in (item.followed(), *(node for _, node in item.followed().items())):
                for element in holder.at("parameters").elements():
                    yield element.followed()

    def _schemas(self) -> Iterator[tuple[Pointer, Any]]:
        """Yield each schema that is not part of another one."""
        for name, schema in _mapping(_mapping(self.document.get("components")).get("schemas")).items():
            yield ("components", "schemas", name), schema
        yield from self._schemas_below((), self.document)

    def _schemas_below(self, pointer: Pointer, value: Any) -> Iterator[tuple[Pointer, Any]]:
        if isinstance(value, dict):
            for key, item in value.items():
                if key == "schema":
                    yield (*pointer, key), item
                elif (*pointer, key) != ("components", "schemas") and key not in ("example", "examples"):
                    yield from self._schemas_below((*pointer, key), item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._schemas_below((*pointer, index), item)

    def _check_schema(self, pointer: Pointer, schema: Any) -> None:
        if not isinstance(schema, dict):
            raise self.problem(pointer, "a schema must be a mapping", "write one with a `type` or a `$ref`")
        if isinstance(reference := schema.get("$ref"), str) and not reference.startswith("#/components/schemas/"):
            what = f"`{reference}` is not a schema of components/schemas"
            raise self.problem((*pointer, "$ref"), what, "move the schema there, and refer to it")
        for keyword, value in schema.items():
            here = (*pointer, keyword)
            if keyword in _ONE_SCHEMA:
                # The only Boolean schemas are those of `additionalProperties`.
                if not (keyword == "additionalProperties" and isinstance(value, bool)):
                    self._check_schema(here, value)
            elif keyword in _SCHEMA_LIST and isinstance(value, list):
                for index, item in enumerate(value):
                    self._check_schema((*here, index), item)
            elif keyword in _SCHEMA_MAP and isinstance(value, dict):
                for name, item in value.items():
                    self._check_schema((*here, name), item)
            elif keyword not in _PLAIN:
                raise self.problem(
                    here,
                    f"schema keyword `{keyword}` is not supported: the generators would ignore it",
                    "correct the spelling, or extend overrides/codegen/contract.py",
                )
        try:
            jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})
        except jsonschema_rs.ValidationError as error:
            raise self.problem(
                (*pointer, *error.instance_path), f"not a valid schema: {error.message}", "correct it"
            ) from error
        for index, name in enumerate(schema.get("required", ())):
            if name not in schema.get("properties", {name: True}):
                raise self.problem(
                    (*pointer, "required", index),
                    f"`{name}` is required, but not a property: the models would not have it",
                    "correct the name, or add the property",
                )
        if schema.keys() & {*alternatives.KEYWORDS, "discriminator"}:
            self._choices.append(Node(self.model, schema, "#" + joined(pointer)))


def _alternatives(schema: Node) -> Iterator[Node]:
    if "$ref" in schema:
        yield schema.followed()
    for keyword in _SCHEMA_LIST:
        yield from schema.at(keyword).elements()


def lint(root: Path) -> int:
    """Check openapi.yaml. Writes nothing."""
    Contract(root / "openapi.yaml")
    print("The contract is valid and supported, and its examples satisfy its rules.")
    return 0


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
