"""Compares responses: statuses, headers and bodies."""

from __future__ import annotations

from codegen.compare.comparison import Comparison, Side
from codegen.compare.extensions import compare_rules
from codegen.compare.links import compare_links
from codegen.compare.requests import media_type
from codegen.compare.schemas import compare_schema
from codegen.openapi.document import Node
from codegen.openapi.operations import schema_of


def compare_responses(comparison: Comparison, old: Node, new: Node) -> None:
    before, after = dict(old.items()), dict(new.items())
    for status, here in before.items():
        # An exact status has precedence over its range, and that over the default.
        there = next((after[key] for key in (status, f"{status[:1]}XX", "default") if key in after), None)
        success = "success" if status.startswith("2") else "status"
        if there is None:
            comparison.note(f"{success}-removed", status, "status removed", here.pointer, new.pointer)
        else:
            compare_response(comparison, status, here.resolved() or here, there.resolved() or there)
    for status, there in after.items():
        if status not in before:
            success = "success" if status.startswith("2") else "status"
            comparison.note(f"{success}-added", status, "status added", old.pointer, there.pointer)


def compare_response(comparison: Comparison, status: str, old: Node, new: Node) -> None:
    if not isinstance(new.value, dict) or "$ref" in new:
        comparison.note("unreadable", status, "not a response", old.pointer, new.pointer)
        return
    if comparison.with_extensions:
        compare_rules(comparison, status, "response", [old], [new], "x-rules")
    before, after = ({name.lower(): node for name, node in at.at("headers").items()} for at in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        here, there = before.get(name), after.get(name)
        place = f"{status} header {name}"
        if here and there:
            compare_header(comparison, place, here.resolved() or here, there.resolved() or there)
        elif here:
            comparison.note("header-removed", place, "header removed", here.pointer, new.pointer)
        elif there:
            needed = (there.resolved() or there).at("required").value is True
            kind = "required-header-added" if needed else "header-added"
            comparison.note(kind, place, "header added", old.pointer, there.pointer)
    compare_links(comparison, status, old, new)
    before, after = ({media_type(name): node for name, node in at.at("content").items()} for at in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        here, there = before.get(name), after.get(name)
        if here and there:
            side: Side = "body" if status.startswith("2") else "response"
            compare_schema(comparison, side, f"{status} body", (schema_of(here),), (schema_of(there),))
        elif here:
            comparison.note("media-removed", status, f"{name} removed", here.pointer, new.pointer)
        elif there:
            comparison.note("media-added", status, f"{name} added", old.pointer, there.pointer)


def compare_header(comparison: Comparison, place: str, old: Node, new: Node) -> None:
    needed = [node.at("required").value is True for node in (old, new)]
    if needed[0] != needed[1]:
        kind = "response-narrower" if needed[1] else "response-wider"
        what = "always sent" if needed[1] else "not always sent"
        comparison.note(kind, place, what, old.at("required").pointer, new.at("required").pointer)
    compare_schema(comparison, "response", place, (schema_of(old),), (schema_of(new),))
