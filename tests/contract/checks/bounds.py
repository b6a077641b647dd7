"""Bounds and defaults: what of the parameters is accepted, what refused, and how."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from schemathesis import Case

from codegen.extensions.lists import field_of
from codegen.openapi import Node, schema_of
from codegen.openapi.schemas import default_of

from ..asked import RIGHT, Asked
from ..contract import Operation, contract
from ..interaction import Interaction, again, ask_again, interaction
from ..operation import INTEGER, VALID
from ..pages import shown
from ..under_way import under_way
from .base import StatusNotDue, Violation, check

# Where the fault of a parameter may be.
PLACES = ("path", "query", "header", "cookie", "body")


def one_of(statuses: frozenset[int]) -> str:
    return " or ".join(map(str, sorted(statuses)))


@check
def valid_request_accepted(found: Interaction) -> bool | None:
    """A valid request for what the credentials may read is answered with it."""
    operation, success = found.operation, found.operation.page_status
    due = found.due or frozenset()
    # Who has no access is not told that valid parameters are wrong either.
    if due & operation.refused("access") and found.status in operation.refused("parameters") - due:
        raise StatusNotDue(f"{found.asked.named} was answered with {found.status}, though nothing is invalid")
    if success not in due or due - {success} - operation.refused("state"):
        return True
    if found.status in operation.refused("credentials"):
        return True
    if found.asked.is_seen and found.status in operation.refused("existence", "state"):
        return refuse_to_hide(found)
    if found.status != success and found.status in due:
        return True
    if found.status in operation.not_now:
        if under_way().session.is_out:
            return True
        sending = under_way().sendings.get(found.case.id)
        times = f", {len(sending.transient) + 1} times in a row" if sending else ""
        raise StatusNotDue(
            f"a valid request, {found.asked.query}, was answered with {found.status}{times}, while others were answered"
        )
    if found.status != success:
        raise StatusNotDue(f"a valid request, {found.asked.query}, was answered with {found.status}")
    return None


def readers(path: str) -> list[Operation]:
    """The operations that show what another one at the same path deletes."""
    return [each for each in contract().operations if each.method == "GET" and each.path == path]


def look(found: Interaction, operation: Operation, identifier: str) -> Interaction:
    """Asks another operation, with the same credentials."""
    known = found.case.operation.schema[operation.path][operation.method]
    case: Case[Any] = known.Case(path_parameters={operation.parent: identifier}, headers=dict(found.case.headers))
    return interaction(case.call(), case)


def refuse_to_hide(found: Interaction) -> bool | None:
    """What a list has, before and after it is asked for, is there. Since it was listed, it may have been deleted."""
    operation, key = found.operation, found.asked.parent
    if not operation.is_safe:
        return refuse_to_hide_what_can_be_read(found)
    listed = under_way().latest.get((operation.item_schema, key))
    if listed is None or listed.operation is operation:
        return True
    before, answer, after = ask_again(listed.case), again(found.case), ask_again(listed.case)
    if before and after and key in before.by_key and key in after.by_key and answer.status == found.status:
        raise StatusNotDue(
            f"{found.asked.named} is in what {listed.operation.name} lists, before and after it was answered with "
            f"{found.status}"
        )
    return True


def refuse_to_hide_what_can_be_read(found: Interaction) -> bool | None:
    """The same of what can be read by itself, at the same path."""
    for reader in readers(found.operation.path):
        before = look(found, reader, found.asked.parent)
        answer = again(found.case)
        after = look(found, reader, found.asked.parent)
        if before.status == after.status == reader.page_status and answer.status == found.status:
            raise StatusNotDue(
                f"{reader.name} reads {found.asked.named} before and after it was answered with {found.status}"
            )
    return True


@check
def invalid_parameter_refused(found: Interaction) -> bool | None:
    """An invalid parameter is refused at its stage, before it is looked whether the list exists, say."""
    operation = found.operation
    refused = operation.refused("parameters")
    if not refused & (found.due or set()) or found.status in operation.not_now | operation.refused("credentials"):
        return True
    asked, due = found.asked, found.due or frozenset()
    if found.status not in due:
        if invalid := " and ".join(map(asked.sent, sorted(asked.invalid_parameters))):
            raise StatusNotDue(f"{invalid} is invalid, which is {one_of(refused)}, but the answer is {found.status}")
        raise StatusNotDue(f"{asked.query} must be answered with {one_of(due)} (got {found.status})")
    if found.status in refused and len(asked.invalid_parameters) > 1 and asked.credentials == RIGHT:
        refuse_each(found)
    if found.status == operation.page_status:
        for name, judgement in asked.judgements.items():
            if judgement != VALID and (how := leniency(found, name)):
                under_way().lenient.setdefault(name, set()).add(how)
    return None


class Faults(NamedTuple):
    """Where the body of such a refusal has what is wrong with the parameters, by the contract's schema."""

    entries: str
    """The field with one entry for each fault."""
    place: str
    """The field of an entry that says where: a list of names."""
    value: str
    """The field of an entry that repeats what was refused: of any type. Empty if there is none."""


@cache
def faults_of_contract(name: str) -> Faults | None:
    """Of the operation of that name."""
    operation = next(each for each in contract().operations if each.name == name)
    for status in operation.refused("parameters"):
        found = operation.described.response(status)
        for name, entries in fields(schema_of(found[1])) if found else ():
            entry = fields(followed(entries).at("items"))
            places = [field for field, node in entry if "string" in types(followed(node).at("items"))]
            values = [field for field, node in entry if not types(node)]
            if places:
                return Faults(name, places[0], values[0] if values else "")
    return None


def followed(node: Node) -> Node:
    return node.resolved() or node


def fields(schema: Node) -> list[tuple[str, Node]]:
    return list(followed(schema).at("properties").items())


def types(schema: Node) -> list[str]:
    stated = followed(schema).at("type").value
    return [stated] if isinstance(stated, str) else stated or []


def read_faults(found: Interaction) -> list[tuple[list[Any], Any]] | None:
    """The place and the value of each fault that the body of a refusal lists; None if it cannot be read."""
    known = faults_of_contract(found.operation.name)
    entries = field_of(found.json, known.entries) if known else None
    if known is None or not isinstance(entries, list):
        return None
    read = [(field_of(entry, known.place), field_of(entry, known.value)) for entry in entries]
    return read if all(isinstance(place, list) for place, _ in read) else None


def refuse_each(found: Interaction) -> None:
    """A server may name the first fault only: then the others are asked for by themselves."""
    asked, case = found.asked, found.case
    named = {part for place, _ in read_faults(found) or () for part in place if isinstance(part, str)}
    for name in sorted(asked.invalid_parameters - named):
        # The others that are given are right then.
        others = {other: value for other, value in found.operation.defaults.items() if other in case.query}
        alone = case.derive(keep_auth=True, query={**others, name: case.query[name]} if name in case.query else {})
        parent = found.operation.parent
        if name != parent and parent:
            alone.path_parameters = {parent: under_way().target.ids_of(found.operation).readable[0]}
        answer = again(alone)
        if answer.due and answer.status not in answer.due | found.operation.not_now:
            refused = one_of(found.operation.refused("parameters"))
            raise StatusNotDue(
                f"{asked.sent(name)} is invalid by itself, which is {refused}, but the answer is {answer.status}"
            )


def leniency(found: Interaction, name: str) -> str:
    """In what the spelling breaks the contract's letter; empty if it does not."""
    operation, asked = found.operation, found.asked
    if name == operation.parent:
        return "without dashes"
    if name == operation.cursor_name or name not in asked.texts:
        # Where one may begin is for the server to say; a body has no spelling.
        return ""
    texts = asked.texts[name]
    if len(texts) > 1:
        return "given twice"
    return "" if INTEGER.fullmatch(texts[0]) else f"'{texts[0]}'"


@check
def invalid_parameter_named(found: Interaction) -> bool | None:
    """The refusal names a parameter that is invalid, or in a spelling that a server may refuse; and no other."""
    asked = found.asked
    is_refused = found.status in found.operation.refused("parameters")
    if not is_refused or set(asked.judgements.values()) == {VALID} or asked.credentials != RIGHT:
        return True
    faults = read_faults(found)
    if faults is None:
        return True
    if wrong := misnamed(asked.judgements, [place for place, _ in faults]):
        raise Violation(f"the {found.status} {wrong}")
    for place, value in faults:
        require_right_place(found, place, value)
    return None


def misnamed(judgements: Mapping[str, str], places: list[list[Any]]) -> str:
    """What is wrong with the parameters that a refusal names, by how each is judged; empty if nothing."""
    faulty = {name for name, judgement in judgements.items() if judgement != VALID}
    named = {name for place in places for name in judgements if name in place}
    if named and named <= faulty:
        return ""
    wrong = " and ".join(sorted(named - faulty)) or shown(places) if places else "nothing"
    return f"must name {' or '.join(sorted(faulty))}, but it names {wrong}"


def require_right_place(found: Interaction, place: list[Any], refused: Any) -> None:
    """What a fault says of its parameter is so: where it stands, and which value was refused."""
    asked: Asked = found.asked
    name = next((name for name in asked.judgements if name in place), "")
    where = "query" if name in found.operation.query else "path" if name in found.operation.in_path else "body"
    if place and place[0] in PLACES and (not name or place[0] != where):
        raise Violation(f"the {found.status} says that the fault is at {shown(place)}, where nothing is wrong")
    sent = asked.texts.get(name, ())
    if len(sent) != 1 or not sent[0] or not sent[0].isascii() or not isinstance(refused, str):
        return
    # As it was sent, or as it was read so far.
    if not sent[0].strip().lower().startswith(unquote(refused).strip().lower()):
        raise Violation(
            f"the {found.status} says that {name}='{shown(refused)}' was refused, but {asked.sent(name)} was sent"
        )


@check
def defaults_applied(found: Interaction) -> bool | None:
    """What is not given is its default, and a page says so."""
    if found.page is None or all(each.is_given for each in found.asked.integers.values()):
        return True
    operation = found.operation
    for name, field in operation.listing.echoes.items() if operation.listing else ():
        said, default = found.said(field), operation.defaults.get(name)
        if (
            name in operation.defaults
            and not found.asked.integers[name].is_given
            and said is not None
            and said != default
        ):
            stated = default_of(schema_of(operation.described.parameters["query", name]))
            pointer = stated.pointer if stated else ""
            raise Violation(f"no {name} was given, which means {default}, but the page says {said}", pointer)
    return None
