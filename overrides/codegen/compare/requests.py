"""Compares requests: credentials, parameters and bodies."""

from __future__ import annotations

from codegen.compare.comparison import Comparison
from codegen.compare.extensions import compare_selects
from codegen.compare.schemas import compare_default, compare_schema
from codegen.openapi.document import Node
from codegen.openapi.operations import Operation, schema_of
from codegen.openapi.schemas import as_text
from codegen.text import shortened


def compare_credentials(
    comparison: Comparison, old: Operation, new: Operation, credentials_as_parameters: bool
) -> None:
    before, after = old.credentials, new.credentials
    if credentials_as_parameters:
        known = {carrier for alternative in before for carrier in alternative}
        sent = {
            frozenset([" ".join(key)]): node.pointer for key, node in new.parameters.items() if " ".join(key) in known
        }
        after = {alternative: at for alternative, at in after.items() if alternative or not sent} | sent
    for alternative, pointer in before.items():
        if alternative not in after:
            name = " with ".join(sorted(alternative)) or "no credential"
            comparison.note("credential-removed", "credentials", f"{name} removed", pointer, new.security.pointer)
    for alternative, pointer in after.items():
        if alternative not in before:
            name = " with ".join(sorted(alternative)) or "no credential"
            comparison.note("credential-added", "credentials", f"{name} added", old.security.pointer, pointer)


def compare_parameters(comparison: Comparison, old: Operation, new: Operation, credentials_as_parameters: bool) -> None:
    before, after = old.parameters, new.parameters
    carriers = {carrier for alternative in old.credentials for carrier in alternative}
    for key in [*before, *(key for key in after if key not in before)]:
        here, there = before.get(key), after.get(key)
        node = here or there
        assert node is not None
        place = f"{node.at('name').value} ({key[0]})"
        if there and key[0] == "unreadable":
            comparison.note("unreadable", "parameters", "not a parameter", _list(old), there.pointer)
        elif here and there:
            compare_parameter(comparison, place, key[0], here, there)
        elif here:
            # compare_credentials has reported it.
            if not (credentials_as_parameters and " ".join(key) in carriers):
                comparison.note("parameter-removed", place, "parameter removed", here.pointer, _list(new))
        elif there:
            kind = "request-narrower" if there.at("required").value is True else "parameter-added"
            needed = "required" if kind == "request-narrower" else "optional"
            comparison.note(kind, place, f"parameter added, {needed}", _list(old), there.pointer)


def compare_parameter(comparison: Comparison, place: str, where: str, old: Node, new: Node) -> None:
    compare_required(comparison, place, old, new, is_always=where == "path")
    for keyword, default in (("style", "form" if where in ("query", "cookie") else "simple"), ("explode", None)):
        texts = [as_text(node.at(keyword).value if keyword in node else default) for node in (old, new)]
        if texts[0] != texts[1]:
            what = f"{keyword} {shortened(texts[1])} instead of {shortened(texts[0])}"
            comparison.note("request-other", place, what, old.at(keyword).pointer, new.at(keyword).pointer)
    before, after = schema_of(old), schema_of(new)
    compare_default(comparison, place, before, after)
    compare_schema(comparison, "request", place, (before,), (after,), parameter=True)
    compare_selects(comparison, place, old, new)


def compare_bodies(comparison: Comparison, old: Operation, new: Operation) -> None:
    before, after = old.request_body, new.request_body
    place = "request body"
    if before is None or after is None:
        if after is not None:
            is_needed = after.at("required").value is True
            kind, needed = ("request-narrower", "required") if is_needed else ("body-added", "optional")
            comparison.note(kind, place, f"body added, {needed}", old.node.at("requestBody").pointer, after.pointer)
        elif before is not None:
            comparison.note("body-removed", place, "body removed", before.pointer, new.node.pointer)
        return
    if not isinstance(after.value, dict) or "$ref" in after:
        comparison.note("unreadable", place, "not a body", before.pointer, after.pointer)
        return
    compare_required(comparison, place, before, after, is_always=False)
    media = [{media_type(name): node for name, node in each.at("content").items()} for each in (before, after)]
    for name in [*media[0], *(name for name in media[1] if name not in media[0])]:
        here, there = media[0].get(name), media[1].get(name)
        if here and there:
            compare_schema(comparison, "request", place, (schema_of(here),), (schema_of(there),))
        elif here:
            comparison.note("request-narrower", place, f"{name} removed", here.pointer, after.at("content").pointer)
        elif there:
            comparison.note("request-wider", place, f"{name} added", before.at("content").pointer, there.pointer)


def compare_required(comparison: Comparison, place: str, old: Node, new: Node, is_always: bool) -> None:
    needed = [is_always or node.at("required").value is True for node in (old, new)]
    if needed[0] != needed[1]:
        kind = "request-narrower" if needed[1] else "request-wider"
        what = "required" if needed[1] else "optional"
        comparison.note(kind, place, what, old.at("required").pointer, new.at("required").pointer)


def media_type(name: str) -> str:
    """Return a media type without its parameters."""
    return name.partition(";")[0].strip().lower()


def _list(operation: Operation) -> str:
    return operation.node.at("parameters").pointer
