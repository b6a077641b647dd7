"""The ledger: each promise of the contract, who implements it, and its checks. `make promises` prints it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from codegen import ROOT
from codegen.claims import honoured_by
from codegen.contract import Contract
from codegen.openapi import Document, Node, operations
from codegen.openapi.promises import Promise, promises
from codegen.text import escaped

from .checks import CLASSES
from .checks.classes import CURSOR_CHECKS, WRITE_CHECKS

REFUSAL_CHECKS = ("invalid_parameter_refused", "invalid_parameter_named")
# These judge the response, whatever was requested.
RESPONSE_CHECKS = (
    *("documented_status", "response_schema_conformance", "response_headers_conformance"),
    *("json_content_type", "retry_after_readable"),
)
# Checks by kind of promise.
BY_KIND: dict[str, tuple[str, ...]] = {
    "operation": ("valid_request_accepted", "unsupported_method", "one_list", "allow_header_conformance"),
    "parameter": ("valid_request_accepted", *REFUSAL_CHECKS),
    "response": ("documented_status", "response_schema_conformance"),
    "header": ("response_headers_conformance", "retry_after_readable"),
    "security": ("credentials_required", "credentials_accepted", "kept_from_shared_caches"),
    "property": ("response_schema_conformance",),
    "required": ("response_schema_conformance",),
    "link": ("valid_request_accepted",),
    "body": ("valid_request_accepted", *REFUSAL_CHECKS),
}
# Checks by entry of `x-list`; rules and `at_most` are judged under their own ids.
BY_LIST_ENTRY: dict[str, tuple[str, ...]] = {
    "style": ("number_of_items", *CURSOR_CHECKS),
    "limit": ("number_of_items",),
    "offset": ("number_of_items", "pages_fit_together"),
    "items": ("number_of_items", "pages_fit_together", *CURSOR_CHECKS),
    "total": ("same_total", "number_of_items", "one_list"),
    "echoes": ("limit_and_offset_echoed",),
    "key": ("unique_ids", "pages_fit_together", "items_do_not_go_back", "one_list", *CURSOR_CHECKS),
    "order": ("one_order", *CURSOR_CHECKS),
    "cursor": CURSOR_CHECKS,
    "next_cursor": CURSOR_CHECKS,
}
BY_STAGE: dict[str, tuple[str, ...]] = {
    # Its status has no other use.
    "credentials": ("credentials_required", "credentials_accepted"),
    "parameters": ("invalid_parameter_refused",),
    # Also where it hides items of other tenants.
    "existence": ("unknown_id_not_found", "foreign_id_hidden"),
    # The second one, if parameters are refused instead.
    "access": ("foreign_id_hidden", "valid_request_accepted"),
    # Only the state of deleted items is known.
    "state": tuple(check for check in WRITE_CHECKS if check == "deleted_is_gone"),
    "any": ("unavailability_passes", "valid_request_accepted"),
}
# These judge what HTTP and JSON require, or the run itself.
WITHOUT_PROMISE = {
    *("strict_json", "connection_kept", "no_answer", "reached"),
    *("answers_kept_apart", "head_changes_nothing"),
}
# Keywords that only describe notation, or are for readers.
UNJUDGED = {"deprecated": "for readers", "explode": "how values are written", "style": "how values are written"}
# Everything in a URL is text, and any parameter may be repeated: no invalid value exists.
ALWAYS_TEXT = "whatever is sent there is text, or a list of texts"
# Accepted reasons for a promise without checks.
KNOWN_REASONS = {*UNJUDGED.values(), ALWAYS_TEXT}


class Line(NamedTuple):
    """A promise, what implements it, its checks, and the reason if there are none."""

    promise: Promise
    honoured: str
    checks: tuple[str, ...]
    reason: str


def _is_credential(promise: Promise) -> bool:
    """True if it is about a header or cookie parameter: these are sent as credentials only."""
    found = re.match(r"#/.*?/parameters/[^/]+", promise.node.pointer)
    parameter = promise.node.document.find(found[0]) if found else None
    return parameter is not None and parameter.at("in").value in ("header", "cookie")


def _is_always_kept(promise: Promise) -> bool:
    """True if it says that a value in a URL is text, or a list."""
    is_sent_as_text = promise.kind == "keyword" and promise.name == "type" and "/parameters/" in promise.node.pointer
    types = promise.node.value
    return is_sent_as_text and bool({"string", "array"}.intersection(types if isinstance(types, list) else [types]))


def judged_by(promise: Promise, in_request: bool, in_answer: bool = False) -> tuple[str, ...]:
    """Return the checks that judge a promise.

    Args:
        promise: The promise.
        in_request: True if it is about requests.
        in_answer: True if it is also about responses. If not about requests, it is about responses.
    """
    if promise.name in UNJUDGED and promise.kind == "keyword":
        return ()
    if _is_credential(promise):
        return BY_KIND["security"]
    if promise.kind in ("keyword", "property", "required") and in_request and in_answer:
        return tuple(dict.fromkeys((*judged_by(promise, True), *judged_by(promise, False))))
    if promise.kind == "keyword":
        if in_request:
            return judges_of_sent_keyword(promise)
        if "/" in promise.name:
            return ("json_content_type",)
        return BY_KIND["header"] if "/headers/" in promise.node.pointer else ("response_schema_conformance",)
    if promise.kind in ("property", "required") and in_request:
        return BY_KIND["body"]
    if promise.kind == "extension":
        key, _, name = promise.name.partition(" ")
        tables = {"x-list": BY_LIST_ENTRY, "x-judged": BY_STAGE}
        entry = name.removeprefix("at_most ")
        return tables.get(key, {}).get(name, (entry,) if any(entry in names for names in CLASSES.values()) else ())
    return BY_KIND.get(promise.kind, ())


def judges_of_sent_keyword(promise: Promise) -> tuple[str, ...]:
    """Return the checks that judge a keyword about requests."""
    if _is_always_kept(promise):
        return ()
    if promise.name == "default":
        return ("defaults_applied",)
    # Valid values are accepted, invalid ones refused.
    return BY_KIND["body"]


def schemas_of(holders: Iterable[Node]) -> set[str]:
    """Return the pointers of the schemas of parameters, bodies and responses, and of all schemas that they refer to."""
    queue = [media.at("schema") for holder in holders for _, media in holder.at("content").items()]
    queue += [holder.at("schema") for holder in holders]
    found: set[str] = set()
    while queue:
        node = queue.pop()
        if node.pointer in found or not isinstance(node.value, dict | list):
            continue
        found.add(node.pointer)
        queue += [below for _, below in node.items()] if isinstance(node.value, dict) else list(node.elements())
        if "$ref" in node and (target := node.resolved()) is not None:
            queue.append(target)
    return found


def ledger(document: Document | None = None) -> list[Line]:
    """Return a line for each promise of a contract, in its order; by default of openapi.yaml."""
    document = document or Contract(ROOT / "openapi.yaml").model
    found = list(operations(document).values())
    bodies = [each.request_body for each in found if each.request_body is not None]
    sent = schemas_of([*bodies, *(node for each in found for node in each.parameters.values())])
    answered = schemas_of([node for each in found for node in each.responses.values()])
    lines = []
    for promise in promises(document):
        pointer = promise.node.pointer
        holder = pointer.rpartition("/")[0]
        in_request = (
            pointer in sent or holder in sent or any(part in pointer for part in ("/parameters/", "/requestBod"))
        )
        checks = judged_by(promise, in_request, pointer in answered or holder in answered)
        reason = "" if checks else UNJUDGED.get(promise.name, "no check claims it")
        reason = ALWAYS_TEXT if not checks and _is_always_kept(promise) else reason
        lines.append(Line(promise, honoured_by(promise), checks, reason))
    return lines


def unclaimed(document: Document | None = None) -> list[Line]:
    """Return the promises that no check judges, for the verdict."""
    return [line for line in ledger(document) if not line.checks]


def main() -> int:
    lines = ledger()
    for line in lines:
        promise = line.promise
        place = f"openapi.yaml:{promise.node.line}"
        print(escaped(f"{place:18} {promise.kind} {promise.name}  {promise.node.pointer}", 400))
        print(f"{'':18} honoured by {line.honoured or 'nobody'}; judged by {', '.join(line.checks) or 'none'}")
    left = [line for line in lines if not line.checks]
    print(f"\n{len(lines)} promises, {len(left)} not judged")
    for line in left:
        print(escaped(f"  openapi.yaml:{line.promise.node.line} {line.promise.name}: {line.reason}", 400))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
