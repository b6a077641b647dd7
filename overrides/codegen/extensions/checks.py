"""Validates the extension keys. Reports one problem at a time, with file, line and fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from codegen.cel import RuleError, Shape, check_text_arguments, check_types, field_name, parts, protobuf_types, shape
from codegen.extensions.examples import check_examples
from codegen.extensions.model import Described, Listing, Rule, describe, rules_of, schema_variables
from codegen.extensions.objects import KEYS, SpecObject, objects
from codegen.openapi import Document, Node, operations, parse, schema_of
from codegen.openapi.document import joined

# Maximum length of a list whose loop may contain another loop.
MAX_INNER_ITEMS = 20

SCHEMA = Path(__file__).with_name("schema.yaml")


def check(document: Document) -> None:
    """Validate the extension keys and the links of a document.

    Raises:
        Problem: One of them is invalid.
    """
    found = list(objects(document))
    for part in found:
        check_keys(part)
    described = [describe(operation) for operation in operations(document).values()]
    for each in described:
        # Reading validates them.
        _ = each.links
    if not any(key in part.node for part in found for key in KEYS):
        return
    check_ids(found)
    for each in described:
        check_list(each)
        check_judged(each)
        check_operation_rules(each)
    for part in found:
        if part.kind == "schema":
            for rule in rules_of(part.node, "x-rules", "schema"):
                check_rule(rule, schema_variables(part.node))
    check_examples(document)


# --- keys -------------------------------------------------------------------------------------------------------------


def check_keys(part: SpecObject) -> None:
    """Check the spelling, the place and the content of the keys of an object."""
    for key, node in part.node.items():
        if key not in KEYS:
            if intended := _intended_key(key):
                raise node.problem(f"there is no key `{key}`", f"if `{intended}` is meant, write that; else rename it")
        elif part.kind not in KEYS[key]:
            where = " or ".join(_article(kind) for kind in KEYS[key])
            raise node.problem(f"`{key}` has no meaning here: it belongs to {where}", "move it there, or remove it")
        else:
            check_content(key, node)


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeio" else f"a {noun}"


def _intended_key(key: str) -> str | None:
    plain = re.sub(r"[-_ ]+", "-", key.lower())
    if not plain.startswith("x-"):
        return None
    close = difflib.get_close_matches(plain, KEYS, n=1, cutoff=0.75)
    return close[0] if close else None


def check_content(key: str, node: Node) -> None:
    """Check the value of a key against schema.yaml."""
    errors = list(_validator().iter_errors({key: node.value}))
    if not errors:
        return
    # A misspelt key usually also causes the error that a key is missing.
    error = next((each for each in errors if hasattr(each.kind, "unexpected")), errors[0])
    at = Node(node.document, node.value, node.pointer + joined(tuple(error.instance_path[1:])))
    unknown = list(getattr(error.kind, "unexpected", ()))
    if unknown:
        at = Node(at.document, None, at.pointer + joined((unknown[0],)))
        known = _allowed_properties(list(error.schema_path))
        raise at.problem(f"`{key}` has no `{unknown[0]}`", _suggestion(unknown[0], known))
    message = error.message
    if message.startswith("False schema"):
        message = f"`{error.instance_path[-1]}` is not allowed with the other keys"
    raise at.problem(f"`{key}` is invalid: {message}", f"see overrides/codegen/extensions/{SCHEMA.name}")


def is_valid(key: str, value: Any) -> bool:
    """True if schema.yaml allows a value for a key."""
    return bool(_validator().is_valid({key: value}))


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_schema())


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = parse(SCHEMA.read_text(encoding="utf-8"), SCHEMA.name).value
    return schema


def _allowed_properties(schema_path: list[str | int]) -> list[str]:
    """Return the properties that schema.yaml allows where an error occurred."""
    value: Any = _schema()
    for part in schema_path[:-1]:
        value = value[part]
        while isinstance(value, str):
            # A reference: the rest of the path continues in its target.
            value = _schema()["$defs"][value.rpartition("/")[2]]
    return list(value.get("properties", ()))


def check_ids(found: Iterable[SpecObject]) -> None:
    """Check that the ids of rules are unique."""
    seen: dict[str, Node] = {}
    for part in found:
        holders = [part.node.at(key) for key in ("x-rules", "x-selects")] + [part.node.at("x-list").at("at_most")]
        for node in (entry.at("id") for holder in holders for entry in holder.elements()):
            first = seen.setdefault(node.value, node)
            if first is not node:
                line = f" on line {first.line}" if first.line else ""
                raise node.problem(f"the id `{node.value}` is already used{line}", "give the rule an id of its own")


# --- x-list and x-judged ----------------------------------------------------------------------------------------------


_KIND_WORDS = {"list": "an array", "int": "an integer", "string": "text"}


def check_list(described: Described) -> None:
    """Check that the parameters and fields that `x-list` names exist."""
    node = described.operation.node.at("x-list")
    if node.value is None:
        return
    listing = described.listing
    if listing is None:
        raise node.problem("`x-list` needs a success with a body", "document the body, or remove `x-list`")
    for key, kind in (("limit", "int"), ("offset", "int"), ("cursor", "string")):
        if name := getattr(listing, key):
            _check_parameter(described, node.at(key), name, kind)
    for name, field in listing.echoes.items():
        _check_parameter(described, node.at("echoes").at(name), name)
        _check_field(node.at("echoes").at(name), listing.body, field)
    _check_field(node.at("items"), listing.body, listing.items, "list")
    if listing.total:
        _check_field(node.at("total"), listing.body, listing.total, "int")
    if listing.next_cursor:
        _check_next_cursor(node.at("next_cursor"), listing)
    if listing.key:
        _check_field(node.at("key"), listing.item, listing.key)


def _check_parameter(described: Described, node: Node, name: str, kind: str = "") -> None:
    names = [known for place, known in described.parameters if place == "query"]
    if name not in names:
        what = f"the operation has no query parameter `{name}`"
        raise node.problem(what, _suggestion(name, names))
    parameter = described.parameters["query", name]
    if kind and shape(schema_of(parameter)).kind not in (kind, "any"):
        raise node.problem(f"`{name}` must be {_KIND_WORDS[kind]}", "name another parameter, or correct its schema")
    if kind and parameter.at("required").value is True:
        what = f"`{name}` must be optional: the request for the first page does not have it"
        raise node.problem(what, "remove `required` from the parameter")


def _check_next_cursor(node: Node, listing: Listing) -> None:
    """Check that the field can name a next page and can be absent: without the latter, a list would have no end."""
    _check_field(node, listing.body, listing.next_cursor, "string")
    holders, _, name = listing.next_cursor.rpartition(".")
    for each in parts(listing.body, map(field_name, filter(None, holders.split(".")))):
        is_optional = name not in (each.node.at("required").value or ())
        if name in each.names.values() and not (is_optional or shape(each.node.at("properties").at(name)).nullable):
            what = f"`{listing.next_cursor}` must be optional or nullable: without that, no page can be the last"
            raise node.problem(what, "allow null: `type: [string, 'null']`, or remove it from `required`")


def _check_field(node: Node, schema: Node, name: str, kind: str = "") -> None:
    at = [schema]
    for part in name.split("."):
        found = [below for each in at for below in parts(each, [field_name(part)])]
        if not found:
            raise node.problem(*_no_field([shape(each) for each in at], part))
        at = [each.node for each in found]
    if kind and not any(shape(each).kind in (kind, "any") for each in at):
        raise node.problem(f"`{name}` must be {_KIND_WORDS[kind]}", "name another field, or correct its schema")


def check_judged(described: Described) -> None:
    """Check that the statuses and parameters that `x-judged` names exist, and that each error status has a stage."""
    node = described.operation.node.at("x-judged")
    if node.value is None:
        return
    responses = described.operation.responses
    names = [name for _, name in described.parameters]
    placed = set()
    for stage in described.judged:
        for status in stage.statuses:
            found = described.response(status)
            if found is None:
                what = f"the operation has no response {status}"
                others = ", ".join(key for key in responses if not key.startswith("2"))
                raise stage.node.at("status").problem(what, f"add it, or use one of these: {others}")
            if 200 <= status < 300:
                what = f"{status} is a success: it is the status of a request that passes all stages"
                raise stage.node.at("status").problem(what, "remove it")
            placed.add(found[0])
        if stage.parameter and stage.parameter not in names:
            what = f"the operation has no parameter `{stage.parameter}`"
            raise stage.node.at("parameter").problem(what, _suggestion(stage.parameter, names))
    left = [key for key in responses if key not in placed and not key.startswith("2")]
    if left:
        what = f"`x-judged` has no stage for {' and '.join(left)}"
        raise node.problem(what, "add one; `any` if any request may get that status")


# --- rules ------------------------------------------------------------------------------------------------------------


def check_operation_rules(described: Described) -> None:
    """Check the rules at the responses, parameters and list of an operation."""
    for key, rules in described.answers.items():
        for rule in rules:
            check_rule(rule, described.variables(described.operation.responses[key]))
    listing = described.listing
    if listing is not None:
        for each in listing.at_most:
            check_rule(each.where, {"self": listing.item})
    for name, rules in described.selects.items():
        for rule in rules:
            if listing is None:
                raise rule.node.problem(f"`x-selects` at `{name}` needs `x-list` at the operation", "add it")
            check_rule(rule, described.selection_variables(name))


def check_rule(rule: Rule, variables: Mapping[str, Node]) -> None:
    """Check that a rule compiles, that its fields and values exist, and that its evaluation is bounded.

    Raises:
        Problem: The rule is invalid.
    """
    try:
        uses = rule.program.uses
        for path in uses.selects:
            _check_selection(rule, variables[path[0]], path[1:])
        check_types(rule.source, *protobuf_types(variables))
        for literal in uses.literals:
            _check_literal(rule, parts(variables[literal.path[0]], literal.path[1:]), literal.text)
        check_text_arguments(uses)
    except RuleError as error:
        raise _condition_node(rule).problem(f"the rule `{rule.id}` cannot be used: {error}", "correct it") from None
    for loop in uses.loops:
        if all(_is_short(each) for each in parts(variables[loop.outer[0]], loop.outer[1:])):
            continue
        name = ".".join(loop.path)
        raise _condition_node(rule).problem(
            f"the rule `{rule.id}` loops over `{name}` once for each element of another list",
            f"rewrite it, or give `{'.'.join(loop.outer)}` a `maxItems` of at most {MAX_INNER_ITEMS}; "
            "`key` of `x-list` states that keys are unique",
        )


def _is_short(found: Shape) -> bool:
    most = found.node.at("maxItems").value
    return found.kind == "list" and isinstance(most, int) and most <= MAX_INNER_ITEMS


def _condition_node(rule: Rule) -> Node:
    return rule.node.at("where" if rule.place == "at_most" else "rule")


def _check_selection(rule: Rule, schema: Node, path: tuple[str, ...]) -> None:
    for length in range(len(path)):
        if not parts(schema, path[: length + 1]):
            what, fix = _no_field(parts(schema, path[:length]), path[length])
            raise _condition_node(rule).problem(f"the rule `{rule.id}`: {what}", fix)


def _check_literal(rule: Rule, found: list[Shape], text: str) -> None:
    if not found or not all(each.values is not None for each in found):
        return
    values = [str(value) for each in found for value in each.values or ()]
    if text not in values:
        what = f"the rule `{rule.id}` compares with '{text}', which is not a value of {found[0].name}"
        raise _condition_node(rule).problem(what, _suggestion(text, values))


def _no_field(holders: list[Shape], name: str) -> tuple[str, str]:
    """Return problem and fix for a field that a schema lacks."""
    names = [known for each in holders for known in each.fields]
    owner = holders[0].name if holders else "it"
    if not names:
        return f"{owner} has no fields, so no `{name}`", "correct the rule, or the schema"
    return f"{owner} has no field `{name}`", _suggestion(name, names, _owners_of(holders[0].node, name))


def _owners_of(node: Node, name: str) -> list[str]:
    schemas = node.document.root.at("components").at("schemas").items()
    return [owner for owner, schema in schemas if name in map(field_name, schema.at("properties").value or ())]


def _suggestion(name: str, known: Iterable[str], owners: Iterable[str] = ()) -> str:
    known = list(dict.fromkeys(known))
    if close := difflib.get_close_matches(name, known, n=1):
        return f"write `{close[0]}`, if that is meant"
    if owners := list(owners):
        return f"`{name}` is a field of {' and '.join(owners)}: select it there, or move the rule there"
    return f"use one of these: {', '.join(known)}" if known else "remove it"
