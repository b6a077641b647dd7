"""Compares `x-rules`, `x-selects` and `x-list`.

Rules are matched by id. Invalid values are differences, never exceptions: documents may be untrusted.
"""

from __future__ import annotations

import re

from codegen.cel import compare_conditions, field_name
from codegen.compare.comparison import Comparison
from codegen.extensions.checks import is_valid
from codegen.extensions.model import VARIABLES
from codegen.extensions.objects import KEYS, objects
from codegen.openapi import Document, Node
from codegen.openapi.schemas import Schema, as_text
from codegen.text import shortened

_CHANGED = {"tighter": "rule-tightened", "looser": "rule-loosened", "undecided": "rule-undecided"}
_OPPOSITE = {"tighter": "looser", "looser": "tighter"}


def has_extensions(document: Document) -> bool:
    """True if a document has any extension key."""
    return any(key in part.node for part in objects(document) for key in KEYS)


def changed_pair(comparison: Comparison, place: str, old: Node, new: Node, key: str) -> tuple[Node, Node] | None:
    """Return the values of a key in both; None if they are equal, or cannot be compared.

    The value of a missing key is None.
    """
    here, there = old.at(key), new.at(key)
    if not comparison.with_extensions or as_text(here.value) == as_text(there.value):
        return None
    if not all(node.value is None or is_valid(key, node.value) for node in (here, there)):
        comparison.note("unreadable", place, f"{key} is invalid", here.pointer, there.pointer)
        return None
    return here, there


def compare_presence(comparison: Comparison, kind: str, place: str, here: Node, there: Node) -> bool:
    """Compare the presence of a key. Return whether both have it."""
    if here.value is None:
        comparison.note(f"{kind}-added", place, "added", here.pointer, there.pointer)
    elif there.value is None:
        comparison.note(f"{kind}-removed", place, "removed", here.pointer, there.pointer)
    return None not in (here.value, there.value)


def compare_schema_rules(comparison: Comparison, place: str, old: Schema, new: Schema) -> None:
    """Compare the rules of all schemas that a value must satisfy."""
    if comparison.with_extensions:
        compare_rules(comparison, place, "schema", _holders(comparison, old), _holders(comparison, new), "x-rules")


def _holders(comparison: Comparison, schema: Schema) -> list[Node]:
    """Return a schema and all schemas that it combines, references followed."""
    queue, found = list(schema), dict[str, Node]()
    while queue:
        comparison.canonical.step()
        node = queue.pop()
        if node.pointer not in found:
            found[node.pointer] = node
            queue += [each for key in ("allOf", "anyOf", "oneOf") for each in node.at(key).elements()]
            if "$ref" in node and (target := node.resolved()):
                queue.append(target)
    return list(found.values())


def compare_rules(comparison: Comparison, place: str, kind: str, old: list[Node], new: list[Node], key: str) -> None:
    """Compare the rules of the old schemas, responses or lists with those of the new ones.

    Args:
        comparison: The comparison.
        place: The place, in words.
        kind: The kind of place, a key of VARIABLES.
        old: The objects of the first document that have the rules.
        new: Those of the second.
        key: The key of the rules.
    """
    before = _rules(comparison, place, old, key)
    after = _rules(comparison, place, new, key)
    if before is None or after is None:
        return
    removed = {name: entry for name, entry in before.items() if name not in after}
    added = {name: entry for name, entry in after.items() if name not in before}
    for name, entry in removed.items():
        twin = next((each for each in added if _is_same(comparison, kind, entry, added[each])), None)
        if twin:
            what = f"rule renamed to {twin}"
            comparison.note("rule-renamed", f"{place} rule {name}", what, entry.pointer, added.pop(twin).pointer)
        else:
            what = f"rule removed: {_one_line(entry.at('message'))}"
            comparison.note("rule-removed", f"{place} rule {name}", what, entry.pointer, new[-1].at(key).pointer)
    for name, entry in added.items():
        what = f"rule added: {_one_line(entry.at('message'))}"
        comparison.note("rule-added", f"{place} rule {name}", what, old[-1].at(key).pointer, entry.pointer)
    for name in (each for each in before if each in after):
        compare_rule(comparison, f"{place} rule {name}", kind, before[name], after[name])


def _rules(comparison: Comparison, place: str, holders: list[Node], key: str) -> dict[str, Node] | None:
    found: dict[str, Node] = {}
    for node in (holder.at(key) for holder in holders):
        if key == "x-rules" and node.value is not None and not is_valid(key, node.value):
            comparison.note("unreadable", place, f"{key} is invalid", node.pointer, node.pointer)
            return None
        found |= {str(entry.at("id").value): entry for entry in node.elements()}
    return found


def compare_rule(comparison: Comparison, place: str, kind: str, old: Node, new: Node) -> None:
    """Compare two rules with the same id."""
    here, there = (_condition(kind, entry) for entry in (old, new))
    before, after = (_with_new_names(comparison, kind, each) for each in (here, there))
    change = compare_conditions(before, after, VARIABLES[kind])
    if change != "same":
        # Fewer items satisfy a tighter condition, so the limit is looser.
        found = _OPPOSITE.get(change, change) if kind == "at_most" else change
        name = "selection-changed" if kind == "query parameter" else _CHANGED[found]
        comparison.note(name, place, f"{_one_line(there)} instead of {_one_line(here)}", here.pointer, there.pointer)
    limits = [entry.at("count") for entry in (old, new)]
    if limits[0].value != limits[1].value:
        name = "rule-tightened" if limits[1].value < limits[0].value else "rule-loosened"
        what = f"at most {limits[1].value} instead of {limits[0].value}"
        comparison.note(name, place, what, limits[0].pointer, limits[1].pointer)


def _condition(kind: str, entry: Node) -> Node:
    return entry.at("where" if kind == "at_most" else "rule")


def _with_new_names(comparison: Comparison, kind: str, condition: Node) -> str:
    """Return a condition with the new names of path parameters. Names are not sent, so renaming changes nothing."""
    text = str(condition.value)
    if kind != "response" or not comparison.renamed:
        return text
    names = {field_name(old): field_name(new) for old, new in comparison.renamed.items()}
    known = rf"\brequest\.path\.({'|'.join(map(re.escape, names))})\b"
    return re.sub(known, lambda found: f"request.path.{names[found[1]]}", text)


def _is_same(comparison: Comparison, kind: str, old: Node, new: Node) -> bool:
    texts = [_with_new_names(comparison, kind, _condition(kind, entry)) for entry in (old, new)]
    same = compare_conditions(texts[0], texts[1], VARIABLES[kind]) == "same"
    return same and old.at("count").value == new.at("count").value


def compare_selects(comparison: Comparison, place: str, old: Node, new: Node) -> None:
    """Compare `x-selects`: a query parameter selects the items that satisfy all rules."""
    pair = changed_pair(comparison, place, old, new, "x-selects")
    if pair is None or not compare_presence(comparison, "selection", f"{place} x-selects", *pair):
        return
    before, after = ({entry.at("id").value: entry for entry in each.elements()} for each in pair)
    for name in [*before, *(name for name in after if name not in before)]:
        here, there = before.get(name), after.get(name)
        if here and there:
            compare_rule(comparison, f"{place} rule {name}", "query parameter", here, there)
        else:
            what = "rule removed" if here else "rule added"
            at = (here or pair[0]).pointer, (there or pair[1]).pointer
            comparison.note("selection-changed", f"{place} rule {name}", what, *at)


def compare_list(comparison: Comparison, old: Node, new: Node) -> None:
    """Compare `x-list`."""
    pair = changed_pair(comparison, "x-list", old, new, "x-list")
    if pair is None or not compare_presence(comparison, "list", "x-list", *pair):
        return
    here, there = pair
    for name in ("echoes", *{**here.value, **there.value}.keys() - {"echoes", "at_most"}):
        parts = [each.at(name) for each in pair]
        if name != "echoes":
            _compare_entry(comparison, name, *parts)
            continue
        for parameter in {**(parts[0].value or {}), **(parts[1].value or {})}:
            _compare_entry(comparison, f"echoes {parameter}", *(each.at(parameter) for each in parts))
    compare_rules(comparison, "x-list", "at_most", [here], [there], "at_most")


def _compare_entry(comparison: Comparison, name: str, here: Node, there: Node) -> None:
    if here.value != there.value:
        change = "added" if here.value is None else "removed" if there.value is None else "changed"
        shown = [_one_line(each) if each.value is not None else f"no {name}" for each in (here, there)]
        what = f"{shown[1]} instead of {shown[0]}"
        comparison.note(f"list-{change}", f"x-list {name}", what, here.pointer, there.pointer)


def _one_line(node: Node) -> str:
    return shortened(" ".join(str(node.value).split()))
