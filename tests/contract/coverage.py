"""Coverage, counted in promises: which of them each response had to keep, and which checks judged it.

A response judges a promise if one of the promise's checks (claims.py) judged the response, and the response reached the
promise: its status came, the body had such a value, the request broke the bound. `reached_by` computes what a response
reaches when it arrives; `Coverage.note` counts what was judged when Schemathesis reports which checks ran.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from typing import Any, NamedTuple

import schemathesis
from schemathesis import Case, HookContext, Response

from codegen.cel import MISSING
from codegen.extensions import model
from codegen.openapi import Node, schema_of
from codegen.openapi.operations import followed_entries
from codegen.openapi.schemas import default_of

from .claims import REFUSAL_CHECKS, RESPONSE_CHECKS, Line, ledger
from .contract import contract
from .interaction import Interaction, interaction
from .operation import Operation
from .parameter import INVALID, Parameter, exact_values
from .parsed_request import RIGHT, sent_value
from .run_state import run_state
from .schema_coverage import Observed, Schema, SchemaCoverage

# The check that applies others to transient responses, after which the request was sent again.
TRANSIENT = "transient_answers"


class ReachedPromises(NamedTuple):
    """Pointers of the promises that one request and its response are about."""

    requested: frozenset[str]
    """Promises about what was sent, and about the operation."""
    refused: frozenset[str]
    """Promises that the request breaks."""
    answered: frozenset[str]
    """Promises that the response has to keep."""
    before: frozenset[str]
    """Promises that earlier transient responses had to keep."""
    values: frozenset[tuple[str, str]]
    """Seen values of enumerations."""

    def by(self, check: str) -> frozenset[str]:
        """Return the promises that a check can have judged."""
        if check == TRANSIENT:
            return self.before
        return (
            self.refused if check in REFUSAL_CHECKS else self.answered if check in RESPONSE_CHECKS else self.requested
        )


@dataclass
class Coverage:
    """The promises that a run has judged."""

    judged: dict[str, Counter[str]] = field(default_factory=dict)
    """Judged responses, by pointer and check."""
    reached: set[str] = field(default_factory=set)
    values: set[tuple[str, str]] = field(default_factory=set)

    def note(self, reached: ReachedPromises, checks: Iterable[str]) -> None:
        """Count what the checks judged of one response."""
        self.values |= reached.values
        self.reached.update(reached.requested, reached.refused, reached.answered, reached.before)
        for check in checks:
            names = RESPONSE_CHECKS if check == TRANSIENT else (check,)
            for name in names:
                for pointer in reached.by(check) & claimed_by().get(name, frozenset()):
                    self.judged.setdefault(pointer, Counter())[name] += 1


@cache
def lines() -> tuple[Line, ...]:
    """Return the ledger of the contract under test."""
    return tuple(ledger(contract().promised.document))


@cache
def claimed_by() -> dict[str, frozenset[str]]:
    """Return the pointers of the promises that each check judges."""
    found: dict[str, set[str]] = {}
    for line in lines():
        for check in line.checks:
            found.setdefault(check, set()).add(line.promise.node.pointer)
    return {check: frozenset(pointers) for check, pointers in found.items()}


@cache
def schema_coverage() -> SchemaCoverage:
    return SchemaCoverage(contract().promised.document, (line.promise.node.pointer for line in lines()))


def violated_promises(
    reached: ReachedPromises | None, recorded: str, check: str, keywords: Iterable[str] = ()
) -> list[str]:
    """Return the pointers of the promises that a failed check reports broken.

    Args:
        reached: What the response reached; None if unknown.
        recorded: The check that Schemathesis recorded.
        check: The check that failed: the same, or one that was applied to a transient response.
        keywords: Ends of pointers of the broken keyword, the most specific first.
    """
    found = reached.by(recorded) & claimed_by().get(check, frozenset()) if reached else frozenset()
    for keyword in keywords:
        if narrowed := [pointer for pointer in found if pointer.endswith(keyword)]:
            return sorted(narrowed)
    specific = [pointer for pointer in found if kinds()[pointer] in ("keyword", "required", "extension")]
    return sorted(specific or found)


@cache
def kinds() -> dict[str, str]:
    return {line.promise.node.pointer: line.promise.kind for line in lines()}


def promises_at(pointer: str) -> frozenset[str]:
    """Return the promises at and below a pointer."""
    return frozenset(each for each in kinds() if each == pointer or each.startswith(f"{pointer}/"))


@cache
def operation_promises(pointer: str) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """Return the promises that every request for an operation is about, and those about one stage only, by stage.

    The former are the operation itself and what `x-` keys say of it; their own checks judge them.
    """
    others = {each.described.operation.node.pointer for each in contract().operations} - {pointer}
    stated = [line.promise.node for line in lines() if line.promise.kind == "extension"]
    found = [each for each in stated if not any(each.pointer.startswith(f"{other}/") for other in others)]
    stages: dict[str, set[str]] = {}
    for each in found:
        if isinstance(stage := each.at("stage").value, str):
            stages.setdefault(stage, set()).add(each.pointer)
    always = {pointer, *(each.pointer for each in found)}.difference(*stages.values())
    return frozenset(always), {stage: frozenset(pointers) for stage, pointers in stages.items()}


def fails_at(found: Interaction, stage: str, transient: list[frozenset[str]]) -> bool:
    """True if the request tests a stage of `x-judged`."""
    requested, operation = found.parsed, found.operation
    ids = run_state().target.ids_of(operation)
    match stage:
        case "credentials":
            return requested.credentials != RIGHT
        case "parameters":
            return bool(requested.invalid_parameters)
        case "existence":
            return requested.parent not in ids.readable
        case "access":
            return requested.parent in ids.foreign
        case model.ANY:
            return bool(transient) or found.status in operation.transient_statuses
    return True


def reached_by(found: Interaction, transient: Iterable[Response] = ()) -> ReachedPromises:
    """Return what a request and its response are about.

    Args:
        found: The request and its response.
        transient: The transient responses before it.
    """
    operation, seen = found.operation, Observed()
    always, stages = operation_promises(operation.described.operation.node.pointer)
    before = [answer_promises(operation, each, body_of(each), seen) for each in transient]
    always = always.union(*(pointers for stage, pointers in stages.items() if fails_at(found, stage, before)))
    requested, refused = set(always), set(always)
    if found.is_own_method:
        note_request(found, requested, refused)
    answered = answer_promises(operation, found.response, found.json, seen) if found.is_own_method else frozenset()
    return ReachedPromises(
        frozenset(requested), frozenset(refused), answered, frozenset().union(*before), frozenset(seen.values)
    )


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    state = run_state()
    if not state.target.has_reports:
        # Only reports show coverage.
        return
    sending = state.sendings.get(case.id)
    before = [Response.from_requests(each, verify=True) for each in (sending.transient if sending else ())]
    state.reached[case.id] = reached_by(interaction(response, case), before)


def body_of(response: Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return MISSING


# --- requests ---------------------------------------------------------------------------------------------------------


def note_request(found: Interaction, requested: set[str], refused: set[str]) -> None:
    """Add what the request uses, and what it breaks."""
    operation = found.operation
    for each in parameters_of(operation.name):
        note_parameter(found, each, requested, refused)
    for credential in operation.credentials:
        # Wrong credentials do not show that the right ones are sufficient.
        is_given = credential.variable in run_state().target.secrets
        if is_given and sent_value(found.response.request, credential) is not None:
            requested |= scheme_promises(operation.name, credential.scheme)
    for links in operation.links.values() if found.parsed.is_discovered else ():
        requested.update(link.node.pointer for link in links)
    if operation.request_body is not None:
        note_body(found, requested, refused)


class SentParameter(NamedTuple):
    """A parameter in a path or a query, and its pointers in the contract."""

    parameter: Parameter
    pointer: str
    required: str
    default: str
    schema: Node
    is_in_path: bool


@cache
def parameters_of(name: str) -> list[SentParameter]:
    """Return the parameters of an operation."""
    operation, found = operation_named(name), []
    for (place, name), node in operation.described.parameters.items():
        parameter = {"path": operation.in_path, "query": operation.query}.get(place, {}).get(name)
        if parameter is not None:
            schema = schema_of(node)
            default = default_of(schema)
            places = node.pointer, f"{node.pointer}/required", default.pointer if default else ""
            found.append(SentParameter(parameter, *places, schema.resolved() or schema, place == "path"))
    return found


def operation_named(name: str) -> Operation:
    return next(each for each in contract().operations if each.name == name)


def note_parameter(found: Interaction, sent: SentParameter, requested: set[str], refused: set[str]) -> None:
    texts = found.parsed.texts.get(sent.parameter.name)
    if texts is None:
        (refused if sent.parameter.is_required else requested).add(sent.required)
        requested.update({sent.default} - {""})
        return
    if sent.is_in_path:
        requested.add(sent.required)
    if found.parsed.judgements.get(sent.parameter.name) != INVALID:
        requested.add(sent.pointer)
        return
    refused.add(sent.pointer)
    refused.update(broken_keywords(sent.schema, sent.parameter, texts))


def broken_keywords(schema: Node, parameter: Parameter, texts: tuple[str, ...]) -> Iterator[str]:
    """Yield the keywords that a parameter's value breaks."""
    if parameter.element is not None:
        values = [parameter.value(texts)]
    else:
        # The last meaning of a text is the most specific: a number rather than a text.
        values = [list(exact_values(text, parameter.is_number))[-1] for text in texts]
    for value in values:
        yield from broken_in_schema(schema, parameter.validators[0], value)


def broken_in_schema(schema: Node, validator: Any, value: Any, within: int = 0) -> Iterator[str]:
    """Yield the keywords that a value breaks in a schema, which is `within` levels below that of the validator."""
    for error in validator.iter_errors(value):
        node: Node | None = schema
        # The keywords that lead to it are broken as well: `items`, the property.
        for part in error.evaluation_path[within:]:
            node = node.resolved() if node and part == "$ref" else node.at(part) if node else None
            if node is not None:
                yield node.pointer
        for element in node.elements() if node and node.pointer.endswith("/required") else ():
            if element.value not in error.instance:
                yield element.pointer


def note_body(found: Interaction, requested: set[str], refused: set[str]) -> None:
    request_body, body = found.operation.request_body, found.parsed.body
    assert request_body is not None
    place, judgement = request_body.node.pointer, found.parsed.judgements.get("body")
    if body is MISSING:
        (refused if request_body.is_required else requested).add(f"{place}/required")
    chosen = refused if judgement == INVALID else requested
    chosen.update([place, *(node.pointer for node in followed_entries(request_body.node, "content").values())])
    schema = schema_of(request_body.node)
    if judgement != INVALID and body is not MISSING:
        seen = Observed()
        schema_coverage().schema(schema).note(body, seen)
        requested |= seen.pointers
    elif body is not MISSING:
        # In the validator it is the one element of `allOf`.
        refused.update(broken_in_schema(schema, request_body.validator, body, within=2))


@cache
def scheme_promises(name: str, scheme: str) -> frozenset[str]:
    """Return the pointers about a credential of an operation."""
    operation = operation_named(name)
    described = operation.described.operation
    found = {each.pointer for each in described.security.elements() if scheme in each}
    found.add(described.node.document.root.at("components").at("securitySchemes").at(scheme).followed().pointer)
    credential = next(each for each in operation.credentials if each.scheme == scheme)
    for (place, name), node in operation.described.parameters.items():
        if (place, name.lower()) == (credential.place, credential.name.lower()):
            found |= promises_at(node.pointer)
    return frozenset(found)


# --- responses -----------------------------------------------------------------------------------------------------


class DocumentedResponse(NamedTuple):
    """A response in the contract."""

    pointer: str
    headers: list[tuple[str, bool, frozenset[str], frozenset[str]]]
    """Name, whether it is required, promises about its presence, promises about its value."""
    media: dict[str, tuple[str, Schema]]
    """Pointer and schema by media type."""


@cache
def documented_response(name: str, status: int) -> DocumentedResponse | None:
    """Return what the contract has for a status of an operation."""
    stated = operation_named(name).described.response(status)
    if stated is None:
        return None
    headers = []
    for key, header in followed_entries(stated[1], "headers").items():
        required, of_text = header.at("required"), promises_at(schema_of(header).pointer)
        headers.append((key.lower(), required.value is True, frozenset([header.pointer, required.pointer]), of_text))
    media = followed_entries(stated[1], "content")
    schemas = {key.lower(): (each.pointer, schema_coverage().schema(each.at("schema"))) for key, each in media.items()}
    return DocumentedResponse(stated[1].pointer, headers, schemas)


def answer_promises(operation: Operation, response: Response, body: Any, seen: Observed) -> frozenset[str]:
    """Return the promises that a response has to keep; empty if the contract does not have its status."""
    stated = documented_response(operation.name, response.status_code)
    if stated is None:
        return frozenset()
    here = Observed(parts={frozenset([stated.pointer])}, values=seen.values)
    for name, is_required, always, of_text in stated.headers:
        texts = response.headers.get(name)
        if texts or is_required:
            here.parts.add(always)
            here.parts.add(of_text if texts else frozenset())
    kind = Message()
    kind["Content-Type"] = ", ".join(response.headers.get("content-type") or [])
    known = stated.media.get(kind.get_content_type())
    for pointer, schema in [known] if known else stated.media.values():
        here.parts.add(frozenset([pointer]))
        if body is not MISSING:
            schema.note(body, here)
    return here.pointers & schema_coverage().promised
