"""Selects the branch of a oneOf or anyOf, by JSON type or by a discriminating property.

Others are refused: the models keep unknown fields, so the first alternative would always match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from codegen.openapi import Node

KEYWORDS = ("anyOf", "oneOf")
_NULL = "null"
_SCHEMAS = "#/components/schemas/"


class Tagged(NamedTuple):
    """A union of objects with a discriminating property.

    Attributes:
        name: The property.
        tags: By its value, the name of the schema in components.
        nullable: Whether null is allowed, too.
    """

    name: str
    tags: Mapping[str, str]
    nullable: bool


def without_null(schema: Node) -> tuple[Node, bool]:
    """Return a schema without null, references followed, and whether it allows null."""
    nullable = False
    while True:
        schema = schema.followed()
        kinds = schema.at("type").value
        rest = [each for each in _elements(schema) if each.followed().at("type").value != _NULL]
        if isinstance(kinds, list) and _NULL in kinds:
            kinds = [kind for kind in kinds if kind != _NULL]
            changed = {**schema.value, "type": kinds[0] if len(kinds) == 1 else kinds}
            schema, nullable = Node(schema.document, changed, schema.pointer), True
        elif len(rest) == 1 and not any(keyword in schema for keyword in ("type", "enum", "const", "properties")):
            nullable = nullable or len(list(_elements(schema))) > 1
            schema = rest[0]
        else:
            return schema, nullable or schema.at("type").value == _NULL


def tagged(schema: Node) -> Tagged | None:
    """Return the union of objects that a schema is; None if it is not one.

    Raises:
        Problem: The alternatives cannot be distinguished, or the discriminator contradicts them.
    """
    discriminator = schema.at("discriminator")
    written = [keyword for keyword in KEYWORDS if keyword in schema]
    if not written:
        if "discriminator" in schema:
            raise discriminator.problem("a `discriminator` needs `oneOf` or `anyOf`", "write the alternatives")
        return None
    if len(written) > 1:
        raise schema.at(written[1]).problem("`anyOf` beside `oneOf` is not supported", "use one of them")
    places = [each for each in _elements(schema) if each.followed().at("type").value != _NULL]
    nullable = len(places) < len(list(_elements(schema)))
    if len(places) < 2:
        return None
    of_kind: dict[str, Node] = {}
    objects = []
    for place in places:
        for kind in sorted(_kinds(place)):
            if kind != "object" and kind in of_kind:
                first = of_kind[kind].line
                what = f"this and the alternative in line {first} cannot be distinguished: both may be {kind}"
                raise place.problem(what, "remove one, or merge the two")
            of_kind[kind] = place
            if kind == "object":
                objects.append(place)
    if len(objects) < 2:
        if "discriminator" in schema:
            raise discriminator.problem("a `discriminator` needs at least two objects (got one)", "remove it")
        return None
    if len(objects) < len(places):
        what = "several objects beside other types are not supported as alternatives"
        raise schema.at(written[0]).problem(what, "move the objects to a schema of their own in components/schemas")
    if "properties" in schema:
        what = "`properties` beside alternatives is not supported"
        raise schema.at("properties").problem(what, "write them in each alternative")
    names = [_component(place) for place in objects]
    if "discriminator" in schema:
        name, tags = _by_discriminator(discriminator, objects, names)
    else:
        name, tags = _by_constants(schema.at(written[0]), objects, names)
    return Tagged(name, tags, nullable)


def _elements(schema: Node) -> Iterator[Node]:
    for keyword in KEYWORDS:
        yield from schema.at(keyword).elements()


def _kinds(place: Node) -> set[str]:
    """Return the JSON types of an alternative; `integer` counts as `number`."""
    schema = place.followed()
    kinds = schema.at("type").value
    if kinds is None:
        values = (
            schema.at("enum").value if "enum" in schema else [schema.at("const").value] if "const" in schema else []
        )
        kinds = [_kind(value) for value in values] or (["object"] if "properties" in schema else [])
    if not kinds:
        raise place.problem("an alternative must have a `type`", "write its `type`")
    return {"number" if kind == "integer" else kind for kind in ([kinds] if isinstance(kinds, str) else kinds)}


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), _NULL)


def _component(place: Node) -> str:
    target = place.followed().pointer
    name = target.removeprefix(_SCHEMAS)
    if not target.startswith(_SCHEMAS) or "/" in name:
        what = "an object among several alternatives must be a named schema"
        raise place.problem(what, "move it to components/schemas, and refer to it")
    return name


def _constants(schema: Node, name: str) -> list[str]:
    """Return the possible texts of a property; empty if any text is possible, or the property is optional."""
    each = schema.at("properties").at(name).followed()
    values = [each.at("const").value] if "const" in each else each.at("enum").value or []
    required = name in (schema.at("required").value or [])
    return values if required and all(isinstance(value, str) for value in values) else []


def _by_discriminator(discriminator: Node, objects: list[Node], names: list[str]) -> tuple[str, dict[str, str]]:
    name = discriminator.at("propertyName").value
    if not isinstance(name, str):
        raise discriminator.problem("a `discriminator` must have a `propertyName`", "name the property")
    mapped: dict[str, tuple[str, Node]] = {}
    for tag, node in discriminator.at("mapping").items():
        target = str(node.value).removeprefix(_SCHEMAS)
        if target not in names:
            raise node.problem(f"`{node.value}` is not one of the alternatives", "name one: #/components/schemas/...")
        mapped[tag] = (target, node)
    tags: dict[str, str] = {}
    for place, component in zip(objects, names, strict=True):
        schema = place.followed()
        holder = schema.at("properties").at(name).followed()
        if name not in (schema.at("required").value or []) or holder.at("type").value not in ("string", None):
            what = f"`{name}` must be a required text of `{component}` to discriminate it"
            raise place.problem(what, "add it there")
        own = _constants(schema, name)
        by_mapping = [tag for tag, (target, _) in mapped.items() if target == component]
        for tag in by_mapping if own else ():
            if tag not in own:
                what = f"`{tag}` is mapped to `{component}`, but its `{name}` cannot be `{tag}`"
                raise mapped[tag][1].problem(what, "correct one of the two")
        for tag in own or by_mapping or [component]:
            if tag in tags or (tag in mapped and mapped[tag][0] != component):
                other = tags.get(tag) or mapped[tag][0]
                raise place.problem(f"`{name}: {tag}` selects both `{component}` and `{other}`", "make them differ")
            tags[tag] = component
    return name, tags


def _by_constants(keyword: Node, objects: list[Node], names: list[str]) -> tuple[str, dict[str, str]]:
    schemas = [place.followed() for place in objects]
    for name in schemas[0].at("properties").value or ():
        texts = [_constants(schema, name) for schema in schemas]
        flat = [text for each in texts for text in each]
        if all(texts) and len(set(flat)) == len(flat):
            return name, {text: component for component, each in zip(names, texts, strict=True) for text in each}
    raise keyword.problem(
        "these objects cannot be distinguished: the first would always match",
        "give each a required property with a `const` of its own, or add a `discriminator`",
    )
