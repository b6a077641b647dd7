"""Generates the models with datamodel-code-generator, and reads their names.

The generator gets only the schemas. A class for a schema that is neither an object nor an enum, and one for a union of
objects, is replaced by a type alias.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datamodel_code_generator
import pydantic

from codegen.alternatives import KEYWORDS, Tagged, tagged
from codegen.contract import Contract
from codegen.docstrings import with_rule_messages
from codegen.openapi import Document, Node
from codegen.settings import check_settings, generator_crash, load_settings, settings_problem

_SCHEMAS = "#/components/schemas/"


class Models:
    """The module of the models.

    Attributes:
        source: Its source.
    """

    def __init__(self, contract: Contract, path: Path) -> None:
        """Generate the models.

        Args:
            contract: The contract.
            path: The settings of datamodel-code-generator.

        Raises:
            Problem: A setting is invalid, or the generator does not support the contract.
        """
        schemas, choices = _prepare_schemas(contract)
        source = _generate(contract, schemas, path)
        self._attributes = _attributes(source)
        self.source = _with_aliases(source, choices)

    def of(self, schema: Node) -> str | None:
        """Return the class of an object or an enum of text; None if the schema has none.

        Raises:
            Problem: The schema's name cannot be the name of a class.
        """
        pointer = schema.followed().pointer
        name = pointer.removeprefix(_SCHEMAS)
        if not pointer.startswith(_SCHEMAS) or "/" in name:
            return None
        if name in self._attributes:
            return name
        if "properties" in schema.followed() or "enum" in schema.followed():
            what = f"`{name}` is not a Python class name, so the models would rename it"
            raise schema.followed().problem(what, "write it in CamelCase, such as `TaskPage`")
        return None

    def attributes(self, name: str) -> Mapping[str, str]:
        """Return the attributes of a class, by the names of the properties."""
        return self._attributes[name]


def _attributes(source: str) -> dict[str, dict[str, str]]:
    """Return by class the attributes, by the names of the properties."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not _is_root(node):
            fields = [
                each for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            ]
            found[node.name] = {_alias(each) or each.target.id: each.target.id for each in fields}  # type: ignore[union-attr]
    return found


def _alias(field: ast.AnnAssign) -> str:
    for node in ast.walk(field):
        if isinstance(node, ast.keyword) and node.arg == "alias" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return ""


def _generate(contract: Contract, schemas: dict[str, Any], path: Path) -> str:
    settings = load_settings(path)
    from datamodel_code_generator.config import GenerateConfig

    check_settings(path, settings, GenerateConfig.model_fields)
    document = {**contract.document, "paths": {}, "components": {"schemas": schemas}}
    noise = io.StringIO()
    try:
        # A warning means that something is skipped or guessed, so it is an error.
        with warnings.catch_warnings(), contextlib.redirect_stderr(noise):
            warnings.simplefilter("error")
            source = datamodel_code_generator.generate(document, **settings, custom_file_header=" ")
    except pydantic.ValidationError as error:
        raise settings_problem(path, error) from error
    except (datamodel_code_generator.Error, Warning) as error:
        raise contract.problem((), f"datamodel-code-generator cannot use this: {error}", "correct it") from error
    except Exception as error:  # it has no exception class for some invalid input
        raise generator_crash(contract, "datamodel-code-generator", error) from error
    if noise.getvalue() or not isinstance(source, str):
        message = noise.getvalue().strip()
        raise contract.problem((), f"datamodel-code-generator reports: {message}", "correct what it names")
    return source


# --- input of the generator -----------------------------------------------------------------------------------------


class _TaggedUnion:
    """A named union of objects."""

    def __init__(self, found: Tagged, description: str) -> None:
        self.tagged = found
        self.description = description

    @property
    def classes(self) -> list[str]:
        return list(dict.fromkeys(self.tagged.tags.values()))

    @property
    def placeholder(self) -> dict[str, Any]:
        """A schema whose class is generated after the alternatives; the alias replaces it."""
        properties = {f"p{index}": {"$ref": _SCHEMAS + name} for index, name in enumerate(self.classes)}
        return {"type": "object", "properties": properties}


def _prepare_schemas(contract: Contract) -> tuple[dict[str, Any], dict[str, _TaggedUnion]]:
    """Return the schemas for the generator, and the unions that it must not render."""
    model = contract.model
    document = Document(with_rule_messages(model), model.name, model.lines, model.aliases)
    root = document.root.at("components").at("schemas")
    choices: dict[str, _TaggedUnion] = {}
    taken = set(root.value or ())
    schemas = {name: _without_choices(node, name, choices, taken) for name, node in root.items()}
    return {**schemas, **{name: choice.placeholder for name, choice in choices.items()}}, choices


def _without_choices(schema: Node, name: str, choices: dict[str, _TaggedUnion], taken: set[str]) -> Any:
    """Return a schema in which a reference replaces each union of objects. `name` is the name for the next union."""
    if not isinstance(schema.value, dict):
        return schema.value
    found = tagged(schema)
    if found is not None:
        return _named_choice(schema, name, found, choices, taken)
    result = dict(schema.value)
    for key, below in schema.items():
        if key == "properties":
            result[key] = {
                each: _without_choices(node, name + _pascal(each), choices, taken) for each, node in below.items()
            }
        elif key in ("items", "additionalProperties"):
            result[key] = _without_choices(below, name + ("Item" if key == "items" else "Value"), choices, taken)
        elif key in KEYWORDS:
            result[key] = [_without_choices(node, name, choices, taken) for node in below.elements()]
    return result


def _named_choice(
    schema: Node, name: str, found: Tagged, choices: dict[str, _TaggedUnion], taken: set[str]
) -> dict[str, Any]:
    description = str(schema.at("description").value or "")
    is_component = schema.pointer == _SCHEMAS + name
    if is_component and found.nullable:
        raise schema.problem("a named union of objects must not have null", "allow null where the schema is used")
    if not is_component and name in taken:
        what = f"the name for these alternatives, `{name}`, is already used"
        raise schema.problem(what, "move them to components/schemas under another name")
    taken.add(name)
    choices[name] = _TaggedUnion(found, description)
    if is_component:
        return {}
    reference = {"$ref": _SCHEMAS + name, **({"description": description} if description else {})}
    return {"anyOf": [reference, {"type": "null"}]} if found.nullable else reference


def _pascal(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", name))


# --- output of the generator ----------------------------------------------------------------------------------------


def _with_aliases(source: str, choices: Mapping[str, _TaggedUnion]) -> str:
    """Return the source with aliases in place of root models and of placeholders for unions."""
    lines = source.splitlines()
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    named = [node for node in classes.values() if node.name in choices or _is_root(node)]
    if not named:
        return source
    for node in reversed(named):
        if node.name in choices:
            choice = choices[node.name]
            union = " | ".join([*choice.classes, "Unknown"])
            is_forward = any(classes[each].lineno > node.lineno for each in choice.classes)
            union = repr(union) if is_forward else union
            type_ = f"Annotated[{union}, OneOf({choice.tagged.name!r}, {dict(choice.tagged.tags)!r})]"
            written = [f"{node.name}: TypeAlias = {type_}", *_docstring(choice.description)]
        else:
            root = next(each for each in node.body if isinstance(each, ast.AnnAssign))
            used = {each.id for each in ast.walk(root.annotation) if isinstance(each, ast.Name)}
            type_ = ast.unparse(root.annotation)
            is_forward = any(classes[each].lineno > node.lineno for each in used & classes.keys())
            texts = [ast.get_docstring(node) or "", *(_text(each) for each in node.body)]
            written = [
                f"{node.name}: TypeAlias = {repr(type_) if is_forward else type_}",
                *_docstring(next((each for each in texts if each), "")),
            ]
        lines[node.lineno - 1 : node.end_lineno] = written
    head = next(index for index, line in enumerate(lines) if line.startswith("from __future__"))
    imports = ["from typing import Annotated, TypeAlias", "from ._bases import OneOf, Unknown"]
    lines[head + 1 : head + 1] = imports
    # Aliases need no rebuild.
    rebuilt = {f"{node.name}.model_rebuild()" for node in named}
    return "\n".join(line for line in lines if line not in rebuilt) + "\n"


def _is_root(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).partition("[")[0] == "RootModel" for base in node.bases)


def _text(node: ast.stmt) -> str:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return str(node.value.value) if is_text else ""  # type: ignore[attr-defined]


def _docstring(text: str) -> list[str]:
    escaped = text.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return [f'"""{escaped}{" " if escaped.endswith(chr(34)) else ""}"""'] if escaped else []
