"""The ledger: each promise of the contract, who honours it, and which checks judge it. `make promises` prints it."""

from __future__ import annotations

import re
from typing import NamedTuple

from codegen import ROOT
from codegen.claims import honoured_by
from codegen.contract import Contract
from codegen.openapi import Document, operations, schema_of
from codegen.openapi.promises import Promise, promises
from codegen.text import escaped

from .checks import CLASSES
from .checks.classes import OF_CHANGES, OF_CURSORS

REFUSED = ("invalid_parameter_refused", "invalid_parameter_named")
# By the kind of a promise.
KINDS: dict[str, tuple[str, ...]] = {
    "operation": ("valid_request_accepted", "unsupported_method", "allow_header_conformance", "one_list"),
    "parameter": ("valid_request_accepted", *REFUSED),
    "response": ("documented_status", "response_schema_conformance"),
    "header": ("response_headers_conformance", "retry_after_readable"),
    "security": ("credentials_required", "credentials_accepted"),
    "property": ("response_schema_conformance",),
    "required": ("response_schema_conformance",),
    "link": ("valid_request_accepted",),
    "body": ("valid_request_accepted", *REFUSED),
}
# By the entry of `x-list`; rules and what is at most are judged under their own ids.
LIST: dict[str, tuple[str, ...]] = {
    "style": ("number_of_items",),
    "limit": ("number_of_items",),
    "offset": ("number_of_items",),
    "items": ("number_of_items",),
    "total": ("same_total",),
    "echoes": ("limit_and_offset_echoed",),
    "key": ("unique_ids", "pages_fit_together", "runs_do_not_go_back"),
    "order": ("one_order",),
    "cursor": OF_CURSORS,
    "next_cursor": OF_CURSORS,
}
JUDGED: dict[str, tuple[str, ...]] = {
    "credentials": ("credentials_required",),
    "parameters": ("invalid_parameter_refused",),
    "existence": ("unknown_definition_not_found",),
    "access": ("foreign_definition_hidden",),
    # What was deleted is in another state; what else may be is not known.
    "state": tuple(check for check in OF_CHANGES if check == "deleted_is_gone"),
    "any": ("unavailability_passes",),
}
# What these judge is promised by HTTP and JSON, or is about the run itself.
GENERAL = {"strict_json", "connection_kept", "no_answer", "reached"}
# Keywords that only say how a value is written, or that are for readers.
UNJUDGED = {"deprecated": "for readers", "explode": "how values are written", "style": "how values are written"}


class Line(NamedTuple):
    """A promise, by whom it is honoured, by which checks it is judged, and if by none, why."""

    promise: Promise
    honoured: str
    checks: tuple[str, ...]
    reason: str


def _is_credential(promise: Promise) -> bool:
    """Whether it is about a parameter in a header or a cookie: these are sent as credentials, and only so."""
    found = re.match(r"#/.*?/parameters/[^/]+", promise.node.pointer)
    parameter = promise.node.document.find(found[0]) if found else None
    return parameter is not None and parameter.at("in").value in ("header", "cookie")


def judged_by(promise: Promise, in_request: bool) -> tuple[str, ...]:
    """Returns the checks that judge a promise.

    Args:
        promise: The promise.
        in_request: Whether it is about what is sent.
    """
    if promise.name in UNJUDGED and promise.kind == "keyword":
        return ()
    if _is_credential(promise):
        return KINDS["security"]
    if promise.kind == "keyword":
        if "/" in promise.name:
            return ("json_content_type",)
        if "/headers/" in promise.node.pointer:
            return KINDS["header"]
        if not in_request:
            return ("response_schema_conformance",)
        return ("defaults_applied",) if promise.name == "default" else REFUSED
    if promise.kind == "extension":
        key, _, name = promise.name.partition(" ")
        tables = {"x-list": LIST, "x-judged": JUDGED}
        entry = name.removeprefix("at_most ")
        return tables.get(key, {}).get(name, (entry,) if any(entry in names for names in CLASSES.values()) else ())
    return KINDS.get(promise.kind, ())


def ledger(document: Document | None = None) -> list[Line]:
    """Returns a line for each promise of a contract, in its order; of openapi.yaml unless another one is given."""
    document = document or Contract(ROOT / "openapi.yaml").model
    sent = {
        (schema.resolved() or schema).pointer
        for operation in operations(document).values()
        for schema in map(schema_of, operation.parameters.values())
    }
    lines = []
    for promise in promises(document):
        pointer = promise.node.pointer
        in_request = "/parameters/" in pointer or any(pointer.startswith(f"{each}/") for each in sent)
        checks = judged_by(promise, in_request)
        reason = "" if checks else UNJUDGED.get(promise.name, "no check claims it")
        lines.append(Line(promise, honoured_by(promise), checks, reason))
    return lines


def unclaimed(document: Document | None = None) -> list[Line]:
    """Returns the promises that no check judges, for the verdict."""
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
