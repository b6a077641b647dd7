"""Bounds and defaults: which parameter values are accepted, and how invalid ones are refused."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from schemathesis import Case

from codegen.extensions.lists import field_of
from codegen.openapi import Node, schema_of
from codegen.openapi.schemas import default_of

from ..contract import contract
from ..interaction import Interaction, interaction, resend, resend_for_page
from ..operation import Operation
from ..pages import shorten
from ..parameter import INTEGER, VALID
from ..parsed_request import RIGHT, ParsedRequest
from ..run_state import run_state
from .base import UnexpectedStatus, Violation, check

# Where an invalid parameter can be.
PLACES = ("path", "query", "header", "cookie", "body")


def one_of(statuses: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(statuses)))


@check
def valid_request_accepted(found: Interaction) -> bool | None:
    """A valid request for something that the credentials may read succeeds."""
    operation, success = found.operation, found.operation.page_status
    allowed = found.allowed_statuses or frozenset()
    # Without access, even an invalid parameter must not be reported.
    if allowed & operation.refused("access") and found.status in operation.refused("parameters") - allowed:
        raise UnexpectedStatus(
            f"{found.parsed.subject} with valid parameters: the status must be {one_of(allowed)} (got {found.status})"
        )
    if success not in allowed or allowed - {success} - operation.refused("state"):
        return True
    if found.status in operation.refused("credentials"):
        return True
    if found.parsed.is_discovered and found.status in operation.refused("existence", "state"):
        return require_listed(found)
    if found.status != success and found.status in allowed:
        return True
    if found.status in operation.transient_statuses:
        if run_state().session.is_unavailable:
            return True
        sending = run_state().sendings.get(found.case.id)
        times = f" {len(sending.transient) + 1} times in a row" if sending else ""
        raise UnexpectedStatus(
            f"valid request ({found.parsed.query_text}): the status must be {success} (got {found.status}{times}, "
            "while other requests succeed)"
        )
    if found.status != success:
        raise UnexpectedStatus(
            f"valid request ({found.parsed.query_text}): the status must be {success} (got {found.status})"
        )
    return None


def read_operations(path: str) -> list[Operation]:
    """Return the GET operations at a path: they show whether an item is there."""
    return [each for each in contract().operations if each.method == "GET" and each.path == path]


def read_item(found: Interaction, operation: Operation, identifier: str) -> Interaction:
    """Request an item by another operation, with the same credentials."""
    known = found.case.operation.schema[operation.path][operation.method]
    case: Case[Any] = known.Case(path_parameters={operation.parent: identifier}, headers=dict(found.case.headers))
    return interaction(case.call(), case)


def require_listed(found: Interaction) -> bool | None:
    """An item that a list shows before and after the request must be found. It may have been deleted since it was
    listed."""
    operation, key = found.operation, found.parsed.parent
    if not operation.is_safe:
        return require_readable(found)
    listed = run_state().latest.get((operation.item_schema, key))
    if listed is None or listed.operation is operation:
        return True
    before, answer, after = resend_for_page(listed.case), resend(found.case), resend_for_page(listed.case)
    if before and after and key in before.by_key and key in after.by_key and answer.status == found.status:
        raise UnexpectedStatus(
            f"{found.parsed.subject} is listed by {listed.operation.name}: the status must be {operation.page_status} "
            f"(got {found.status})"
        )
    return True


def require_readable(found: Interaction) -> bool | None:
    """The same for an item that a GET operation at this path reads."""
    for reader in read_operations(found.operation.path):
        before = read_item(found, reader, found.parsed.parent)
        answer = resend(found.case)
        after = read_item(found, reader, found.parsed.parent)
        if before.status == after.status == reader.page_status and answer.status == found.status:
            raise UnexpectedStatus(
                f"{found.parsed.subject} is found by {reader.name}: the status must be {found.operation.page_status} "
                f"(got {found.status})"
            )
    return True


@check
def invalid_parameter_refused(found: Interaction) -> bool | None:
    """An invalid parameter is refused before anything later in `x-judged`, such as whether the list exists."""
    operation = found.operation
    refused = operation.refused("parameters")
    if not refused & (
        found.allowed_statuses or set()
    ) or found.status in operation.transient_statuses | operation.refused("credentials"):
        return True
    parsed, allowed = found.parsed, found.allowed_statuses or frozenset()
    if found.status not in allowed:
        if invalid := " and ".join(map(parsed.sent_text, sorted(parsed.invalid_parameters))):
            raise UnexpectedStatus(f"{invalid} is invalid: the status must be {one_of(refused)} (got {found.status})")
        raise UnexpectedStatus(
            f"request ({parsed.query_text}): the status must be {one_of(allowed)} (got {found.status})"
        )
    if found.status in refused and len(parsed.invalid_parameters) > 1 and parsed.credentials == RIGHT:
        check_each_alone(found)
    if found.status == operation.page_status:
        for name, judgement in parsed.judgements.items():
            if judgement != VALID and (how := describe_variant(found, name)):
                run_state().accepted_variants.setdefault(name, set()).add(how)
    return None


class ErrorFields(NamedTuple):
    """Which fields of a refusal describe the invalid parameters, by the contract's schema."""

    entries: str
    """The field with an entry for each error."""
    place: str
    """The field of an entry with the location: a list of names."""
    value: str
    """The field of an entry with the refused value, of any type; empty if there is none."""


@cache
def error_fields(name: str) -> ErrorFields | None:
    """Return the error fields of an operation; None if its refusals have none."""
    operation = next(each for each in contract().operations if each.name == name)
    for status in operation.refused("parameters"):
        found = operation.described.response(status)
        for name, entries in fields(schema_of(found[1])) if found else ():
            entry = fields(followed(entries).at("items"))
            places = [field for field, node in entry if "string" in types(followed(node).at("items"))]
            values = [field for field, node in entry if not types(node)]
            if places:
                return ErrorFields(name, places[0], values[0] if values else "")
    return None


def followed(node: Node) -> Node:
    return node.resolved() or node


def fields(schema: Node) -> list[tuple[str, Node]]:
    return list(followed(schema).at("properties").items())


def types(schema: Node) -> list[str]:
    stated = followed(schema).at("type").value
    return [stated] if isinstance(stated, str) else stated or []


def read_faults(found: Interaction) -> list[tuple[list[Any], Any]] | None:
    """Return location and value of each error in a refusal; None if the body cannot be read."""
    known = error_fields(found.operation.name)
    entries = field_of(found.json, known.entries) if known else None
    if known is None or not isinstance(entries, list):
        return None
    read = [(field_of(entry, known.place), field_of(entry, known.value)) for entry in entries]
    return read if all(isinstance(place, list) for place, _ in read) else None


def check_each_alone(found: Interaction) -> None:
    """Resend each invalid parameter that the refusal does not name, alone: a server may name only the first error."""
    parsed, case = found.parsed, found.case
    named = {part for place, _ in read_faults(found) or () for part in place if isinstance(part, str)}
    for name in sorted(parsed.invalid_parameters - named):
        # The other given parameters get their defaults.
        others = {other: value for other, value in found.operation.defaults.items() if other in case.query}
        alone = case.derive(keep_auth=True, query={**others, name: case.query[name]} if name in case.query else {})
        parent = found.operation.parent
        if name != parent and parent:
            alone.path_parameters = {parent: run_state().target.ids_of(found.operation).readable[0]}
        answer = resend(alone)
        if (
            answer.allowed_statuses
            and answer.status not in answer.allowed_statuses | found.operation.transient_statuses
        ):
            refused = one_of(found.operation.refused("parameters"))
            raise UnexpectedStatus(
                f"{parsed.sent_text(name)} alone is invalid: the status must be {refused} (got {answer.status})"
            )


def describe_variant(found: Interaction, name: str) -> str:
    """Describe how the accepted text differs from the contract; empty if it does not."""
    operation, parsed = found.operation, found.parsed
    if name == operation.parent:
        return "without dashes"
    if name == operation.cursor_name or name not in parsed.texts:
        # Cursors are opaque, and a body has no spelling.
        return ""
    texts = parsed.texts[name]
    if len(texts) > 1:
        return "given twice"
    return "" if INTEGER.fullmatch(texts[0]) else f"'{texts[0]}'"


@check
def invalid_parameter_named(found: Interaction) -> bool | None:
    """A refusal names parameters that are invalid, or that a server may refuse, and no others."""
    parsed = found.parsed
    is_refused = found.status in found.operation.refused("parameters")
    if not is_refused or set(parsed.judgements.values()) == {VALID} or parsed.credentials != RIGHT:
        return True
    faults = read_faults(found)
    if faults is None:
        return True
    if wrong := naming_error(parsed.judgements, [place for place, _ in faults]):
        raise Violation(f"the body of the {found.status} {wrong}")
    for place, value in faults:
        check_location(found, place, value)
    return None


def naming_error(judgements: Mapping[str, str], places: list[list[Any]]) -> str:
    """Describe what is wrong with the parameters that a refusal names; empty if nothing is."""
    faulty = {name for name, judgement in judgements.items() if judgement != VALID}
    named = {name for place in places for name in judgements if name in place}
    if named and named <= faulty:
        return ""
    wrong = " and ".join(sorted(named - faulty)) or shorten(places) if places else "nothing"
    return f"must name {' or '.join(sorted(faulty))} (got {wrong})"


def check_location(found: Interaction, place: list[Any], refused: Any) -> None:
    """The location and the value in an error are those of the refused parameter."""
    parsed: ParsedRequest = found.parsed
    name = next((name for name in parsed.judgements if name in place), "")
    where = "query" if name in found.operation.query else "path" if name in found.operation.in_path else "body"
    if place and place[0] in PLACES and (not name or place[0] != where):
        raise Violation(
            f"the body of the {found.status} reports an error at {shorten(place)}, where nothing is invalid"
        )
    sent = parsed.texts.get(name, ())
    if len(sent) != 1 or not sent[0] or not sent[0].isascii() or not isinstance(refused, str):
        return
    # The value may be cut where parsing stopped.
    if not sent[0].strip().lower().startswith(unquote(refused).strip().lower()):
        raise Violation(
            f"the body of the {found.status} must report the value that was sent, {parsed.sent_text(name)} (got "
            f"'{shorten(refused)}')"
        )


@check
def defaults_applied(found: Interaction) -> bool | None:
    """A parameter that is not given has its default, and the page echoes it."""
    if found.page is None or all(each.is_given for each in found.parsed.integers.values()):
        return True
    operation = found.operation
    for name, field in operation.listing.echoes.items() if operation.listing else ():
        echoed, default = found.integer_at(field), operation.defaults.get(name)
        if (
            name in operation.defaults
            and not found.parsed.integers[name].is_given
            and echoed is not None
            and echoed != default
        ):
            stated = default_of(schema_of(operation.described.parameters["query", name]))
            pointer = stated.pointer if stated else ""
            raise Violation(f"no {name} was given: the page must echo its default, {default} (got {echoed})", pointer)
    return None
