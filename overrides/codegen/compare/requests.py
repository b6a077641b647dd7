"""What differs in what is asked: credentials, parameters and the request body."""

from __future__ import annotations

from codegen.compare.comparison import Comparison
from codegen.compare.extensions import compare_selects
from codegen.compare.schemas import compare_schema
from codegen.openapi.document import Node
from codegen.openapi.operations import Operation, schema_of
from codegen.openapi.schemas import as_text, default_of, shortened


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
            name = " with ".join(sorted(alternative)) or "nothing at all"
            comparison.note(
                "credential-removed", "credentials", f"{name} does not suffice", pointer, new.security.pointer
            )
    for alternative, pointer in after.items():
        if alternative not in before:
            name = " with ".join(sorted(alternative)) or "nothing at all"
            comparison.note("credential-added", "credentials", f"{name} suffices too", old.security.pointer, pointer)


def compare_parameters(comparison: Comparison, old: Operation, new: Operation, credentials_as_parameters: bool) -> None:
    before, after = old.parameters, new.parameters
    carriers = {carrier for alternative in old.credentials for carrier in alternative}
    for key in [*before, *(key for key in after if key not in before)]:
        here, there = before.get(key), after.get(key)
        node = here or there
        assert node is not None
        place = f"{node.at('name').value} ({key[0]})"
        if there and key[0] == "unreadable":
            comparison.note("unreadable", "parameters", "this is no parameter", _list(old), there.pointer)
        elif here and there:
            compare_parameter(comparison, place, key[0], here, there)
        elif here:
            # Whether the credential is accepted has been said.
            if not (credentials_as_parameters and " ".join(key) in carriers):
                comparison.note("parameter-removed", place, "there is no such parameter", here.pointer, _list(new))
        elif there:
            kind = "request-narrower" if there.at("required").value is True else "parameter-added"
            needed = "required" if kind == "request-narrower" else "optional"
            comparison.note(kind, place, f"a further parameter, {needed}", _list(old), there.pointer)


def compare_parameter(comparison: Comparison, place: str, where: str, old: Node, new: Node) -> None:
    needed = [where == "path" or node.at("required").value is True for node in (old, new)]
    if needed[0] != needed[1]:
        kind = "request-narrower" if needed[1] else "request-wider"
        what = "it is required" if needed[1] else "it is optional"
        comparison.note(kind, place, what, old.at("required").pointer, new.at("required").pointer)
    for keyword, default in (("style", "form" if where in ("query", "cookie") else "simple"), ("explode", None)):
        texts = [as_text(node.at(keyword).value if keyword in node else default) for node in (old, new)]
        if texts[0] != texts[1]:
            what = f"{keyword} {shortened(texts[1])} instead of {shortened(texts[0])}"
            comparison.note("request-other", place, what, old.at(keyword).pointer, new.at(keyword).pointer)
    before, after = schema_of(old), schema_of(new)
    compare_default(comparison, place, before, after)
    compare_schema(comparison, "request", place, (before,), (after,), parameter=True)
    compare_selects(comparison, place, old, new)


def compare_default(comparison: Comparison, place: str, old: Node, new: Node) -> None:
    before, after = default_of(old), default_of(new)
    # Nothing is sent for null, so it is what happens anyway.
    texts = [None if node is None or node.value is None else as_text(node.value) for node in (before, after)]
    if texts[0] != texts[1]:
        kind = "default-removed" if texts[1] is None else "default-added" if texts[0] is None else "default-changed"
        shown = [shortened(text) if text is not None else "none" for text in texts]
        what = f"default {shown[1]} instead of {shown[0]}"
        comparison.note(kind, place, what, (before or old).pointer, (after or new).pointer)


def compare_bodies(comparison: Comparison, old: Operation, new: Operation) -> None:
    before, after = old.node.at("requestBody"), new.node.at("requestBody")
    if as_text(before.value) != as_text(after.value):
        comparison.note("request-other", "request body", "it is another one", before.pointer, after.pointer)


def _list(operation: Operation) -> str:
    return operation.node.at("parameters").pointer
