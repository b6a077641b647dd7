"""Compares what an operation promises in two documents: the core of `breaking` and of `drift`.

Meaning is compared, not text. Local `$ref`s and `allOf` are merged into what refers to them; null in a list of types,
in an `anyOf` and as 3.0's `nullable` are one; so are `const` and an enumeration of one value, and of an integer
`exclusiveMinimum: 0` and `minimum: 1`. Titles, descriptions, examples and names of components mean nothing here.

The documents may be anybody's: nothing is fetched, cycles end, and what is nested too deeply or takes too long to
compare is a Problem. What is not as OpenAPI has it is a difference, never an exception.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from codegen import Problem

# Beyond these a document is hostile, or no document of this operation.
STEPS = 50_000
FORMS = 500
HOPS = 50

Side = Literal["request", "response"]
KINDS = ("null", "boolean", "number", "string", "array", "object")
ANNOTATIONS = {
    *("title", "description", "summary", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"),
    *("$comment", "$schema", "$id", "$anchor", "$defs", "definitions", "externalDocs", "xml", "discriminator"),
}


@dataclass(frozen=True)
class Rule:
    """What a kind of difference does.

    Attributes:
        breaks: Whom, if the second document takes the place of the first: who keeps to the first no longer fits.
        promise: What the second document promises, measured by the first.
        why: In words, as said of a change.
    """

    breaks: Literal["", "clients", "servers", "clients and servers"]
    promise: Literal["less", "more", "otherwise"]
    why: str


CLOSED = "the client of this repository keeps what it does not know; a client that refuses it (a closed one) breaks"

# Narrower: fewer requests are allowed, or fewer answers. Wider: more. Other: neither contains the other.
RULES = {
    "request-narrower": Rule("clients and servers", "less", "a request that was allowed has to be refused now"),
    "request-wider": Rule("servers", "more", "a server has to accept what it had to refuse"),
    "request-other": Rule("clients and servers", "otherwise", "other requests are allowed than before"),
    "response-narrower": Rule(
        "servers", "more", "a server may no longer send all that it could; who read it still can"
    ),
    "response-wider": Rule("clients", "less", "a client has to expect what could not come before"),
    "response-other": Rule("clients and servers", "otherwise", "other answers are allowed than before"),
    "value-added": Rule("", "less", CLOSED),
    "opened": Rule("", "less", CLOSED),
    "field-added": Rule("", "more", CLOSED),
    "required-field-added": Rule("servers", "more", f"a server has to send more; {CLOSED}"),
    "field-removed": Rule("clients", "less", "who reads the field finds it no more"),
    "status-added": Rule("", "more", CLOSED),
    "success-added": Rule("clients", "otherwise", "a success that no client expects"),
    "status-removed": Rule("servers", "less", "a server may no longer answer with it; who handles it still can"),
    "success-removed": Rule("clients and servers", "less", "the answer that clients wait for is gone"),
    "header-added": Rule("", "more", "who does not know the header ignores it"),
    "required-header-added": Rule("servers", "more", "a server has to send more"),
    "header-removed": Rule("clients", "less", "who reads the header finds it no more"),
    "media-added": Rule("", "more", "a client gets what its Accept header asks for"),
    "media-removed": Rule("clients and servers", "less", "who asks for this type gets it no more"),
    "parameter-added": Rule(
        "servers", "more", "a server has to honour one more parameter; who does not send it need not"
    ),
    "parameter-removed": Rule("clients", "less", "who sends it is not understood any more"),
    "default-added": Rule("servers", "more", "a server has to keep to the default"),
    "default-changed": Rule("clients and servers", "otherwise", "who leaves it out gets something else"),
    "default-removed": Rule("clients", "less", "who leaves it out no longer knows what comes"),
    "credential-added": Rule("servers", "more", "a server has to accept one more kind of credentials"),
    "credential-removed": Rule("clients and servers", "less", "who presents it is refused"),
    "operation-added": Rule("servers", "more", "a server has to offer one more operation"),
    "operation-removed": Rule("clients", "less", "who calls it finds it no more"),
    "unreadable": Rule("clients and servers", "otherwise", "it cannot be read, so nothing is promised"),
}


@dataclass(frozen=True)
class Difference:
    """One difference between two documents.

    Attributes:
        kind: A key of RULES.
        place: Where, in words, such as `200 body.items[].status`; of a component that is used in several, the first.
        what: The difference, in words.
        old: JSON pointer into the first document; where it has nothing, to what would hold it.
        new: The same for the second document.
    """

    kind: str
    place: str
    what: str
    old: str
    new: str


@dataclass(frozen=True)
class Node:
    """A value, where it stands, and the document that it is part of."""

    root: Any
    value: Any
    pointer: str = "#"

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def at(self, key: str | int) -> Node:
        """Returns what is below a key; None as value if there is nothing."""
        pointer = f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if isinstance(self.value, dict):
            return Node(self.root, self.value.get(key), pointer)
        if isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
            return Node(self.root, self.value[key], pointer)
        return Node(self.root, None, pointer)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yields the entries of a mapping; a YAML file may have statuses that are integers."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield str(key), self.at(key)

    def elements(self) -> Iterator[Node]:
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self.at(index)

    def resolved(self) -> Node | None:
        """Returns what local `$ref`s lead to; None if that is nothing, a circle, or out of the document."""
        node = self
        for _ in range(HOPS):
            if "$ref" not in node:
                return node
            reference = node.value["$ref"]
            if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
                return None
            node = Node(self.root, self.root)
            for part in reference.split("/")[1:]:
                part = unquote(part).replace("~1", "/").replace("~0", "~")
                if isinstance(node.value, list) and re.fullmatch(r"[0-9]{1,9}", part, re.ASCII):
                    node = node.at(int(part))
                elif part in node:
                    node = node.at(part)
                else:
                    return None
        return None


# A schema is what all of these nodes say together.
Schema = tuple[Node, ...]


@dataclass
class Form:
    """What a schema allows of one JSON type.

    Attributes:
        kind: The JSON type; integer is a part of number.
        pointer: The schema that says so.
        limits: By keyword the value and where it stands, in canonical form (`_limits`).
        properties: Of an object, by name.
        items: Of an array; what holds for the fields of an object that have no name here; empty for anything.
    """

    kind: str
    pointer: str
    limits: dict[str, tuple[Any, str]] = field(default_factory=dict)
    properties: dict[str, Schema] = field(default_factory=dict)
    items: Schema = ()

    def limit(self, keyword: str) -> Any:
        return self.limits[keyword][0] if keyword in self.limits else None

    def place(self, keyword: str) -> str:
        return self.limits[keyword][1] if keyword in self.limits else self.pointer


@dataclass(frozen=True)
class Operation:
    """An operation of a document.

    Attributes:
        path: As the document has it.
        item: The path item.
        node: The operation itself.
    """

    path: str
    item: Node
    node: Node

    @property
    def parameters(self) -> dict[tuple[str, str], Node]:
        """By place and name; those of the path by their number from its end, since their name is not sent."""
        names = re.findall(r"\{([^{}]*)\}", self.path)[::-1]
        found: dict[tuple[str, str], Node] = {}
        for holder in (self.item, self.node):
            for element in holder.at("parameters").elements():
                node = element.resolved() or element
                where, name = node.at("in").value, node.at("name").value
                if not isinstance(where, str) or not isinstance(name, str):
                    found["unreadable", element.pointer] = element
                elif where == "path":
                    found["path", str(names.index(name)) if name in names else name] = node
                else:
                    found[where, name.lower() if where == "header" else name] = node
        return found

    @property
    def credentials(self) -> dict[frozenset[str], str]:
        """The alternatives of `security`, each a set such as {`cookie ks_uat`}, and where they are defined."""
        root = Node(self.node.root, self.node.root)
        stated = self.node.at("security") if "security" in self.node else root.at("security")
        schemes = root.at("components").at("securitySchemes")
        found: dict[frozenset[str], str] = {}
        for alternative in stated.elements():
            names = [name for name, _ in alternative.items()]
            carriers = frozenset(_carrier(schemes.at(name), name) for name in names)
            found[carriers] = schemes.at(names[0]).pointer if names else alternative.pointer
        # Without any, nobody has to present anything.
        return found or {frozenset(): stated.pointer}


def _carrier(scheme: Node, name: str) -> str:
    """Names how a credential travels: it is that, not the name of the scheme, which a client has to know."""
    scheme = scheme.resolved() or scheme
    kind, where, key = (scheme.at(part).value for part in ("type", "in", "name"))
    if kind == "apiKey" and isinstance(where, str) and isinstance(key, str):
        return f"{where} {key.lower() if where == 'header' else key}"
    if kind in ("oauth2", "openIdConnect"):
        return "header authorization"
    if kind == "http":
        word = scheme.at("scheme").value
        if isinstance(word, str):
            return "header authorization" + ("" if word.lower() == "bearer" else f" ({word.lower()})")
    return f"scheme {name}, which is not defined"


def operations(document: Any) -> dict[tuple[str, str], Operation]:
    """Returns the operations of a document, by path with `{}` for each parameter and by method."""
    found = {}
    for path, item in Node(document, document).at("paths").items():
        item = item.resolved() or item
        for method in ("get", "put", "post", "delete", "options", "head", "patch", "trace"):
            if isinstance(item.at(method).value, dict):
                found[re.sub(r"\{[^{}]*\}", "{}", path), method] = Operation(path, item, item.at(method))
    return found


def differences(old: Operation, new: Operation, credentials_as_parameters: bool = False) -> list[Difference]:
    """Compares two operations.

    Args:
        old: What is measured by.
        new: What is measured.
        credentials_as_parameters: Whether a credential counts as stated where only a parameter says so, and no
            parameter is missed where a security scheme says it. FastAPI knows both ways.

    Raises:
        Problem: A document is nested too deeply, or too large.
    """
    comparison = _Comparison()
    try:
        comparison.operation(old, new, credentials_as_parameters)
    except RecursionError as error:
        raise _too_much() from error
    return list(comparison.found.values())


def _too_much() -> Problem:
    return Problem("the document is too large to compare, or nested too deeply", "look at it: is it the right one?")


class _Comparison:
    def __init__(self) -> None:
        # By all but the place: a component is used in several, and is told of once.
        self.found: dict[tuple[str, str, str, str], Difference] = {}
        self.unreadable: list[tuple[str, str]] = []
        self.steps = 0
        # Pairs of schemas that are compared already, or right now: how a cycle ends.
        self.seen: set[tuple[Side, tuple[str, ...], tuple[str, ...]]] = set()

    def note(self, kind: str, place: str, what: str, old: str, new: str) -> None:
        self.found.setdefault((kind, what, old, new), Difference(kind, place, what, old, new))

    def step(self) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise _too_much()

    # --- the operation ----------------------------------------------------------------------------------------------

    def operation(self, old: Operation, new: Operation, credentials_as_parameters: bool) -> None:
        self.credentials(old, new, credentials_as_parameters)
        self.parameters(old, new, credentials_as_parameters)
        before, after = old.node.at("requestBody"), new.node.at("requestBody")
        if as_text(before.value) != as_text(after.value):
            self.note("request-other", "request body", "it is another one", before.pointer, after.pointer)
        self.responses(old.node.at("responses"), new.node.at("responses"))

    def credentials(self, old: Operation, new: Operation, credentials_as_parameters: bool) -> None:
        before, after = old.credentials, new.credentials
        if credentials_as_parameters:
            known = {carrier for alternative in before for carrier in alternative}
            sent = {
                frozenset([" ".join(key)]): node.pointer
                for key, node in new.parameters.items()
                if " ".join(key) in known
            }
            after = {alternative: at for alternative, at in after.items() if alternative or not sent} | sent
        for alternative, pointer in before.items():
            if alternative not in after:
                name = " with ".join(sorted(alternative)) or "nothing at all"
                self.note("credential-removed", "credentials", f"{name} does not suffice", pointer, _security(new))
        for alternative, pointer in after.items():
            if alternative not in before:
                name = " with ".join(sorted(alternative)) or "nothing at all"
                self.note("credential-added", "credentials", f"{name} suffices too", _security(old), pointer)

    def parameters(self, old: Operation, new: Operation, credentials_as_parameters: bool) -> None:
        before, after = old.parameters, new.parameters
        carriers = {carrier for alternative in old.credentials for carrier in alternative}
        for key in [*before, *(key for key in after if key not in before)]:
            here, there = before.get(key), after.get(key)
            node = here or there
            assert node is not None
            place = f"{node.at('name').value} ({key[0]})"
            if there and key[0] == "unreadable":
                self.note("unreadable", "parameters", "this is no parameter", _list(old), there.pointer)
            elif here and there:
                self.parameter(place, key[0], here, there)
            elif here:
                # Whether the credential is accepted has been said.
                if not (credentials_as_parameters and " ".join(key) in carriers):
                    self.note("parameter-removed", place, "there is no such parameter", here.pointer, _list(new))
            elif there:
                kind = "request-narrower" if there.at("required").value is True else "parameter-added"
                needed = "required" if kind == "request-narrower" else "optional"
                self.note(kind, place, f"a further parameter, {needed}", _list(old), there.pointer)

    def parameter(self, place: str, where: str, old: Node, new: Node) -> None:
        needed = [where == "path" or node.at("required").value is True for node in (old, new)]
        if needed[0] != needed[1]:
            kind = "request-narrower" if needed[1] else "request-wider"
            what = "it is required" if needed[1] else "it is optional"
            self.note(kind, place, what, old.at("required").pointer, new.at("required").pointer)
        for keyword, default in (("style", "form" if where in ("query", "cookie") else "simple"), ("explode", None)):
            texts = [as_text(node.at(keyword).value if keyword in node else default) for node in (old, new)]
            if texts[0] != texts[1]:
                what = f"{keyword} {_short(texts[1])} instead of {_short(texts[0])}"
                self.note("request-other", place, what, old.at(keyword).pointer, new.at(keyword).pointer)
        before, after = _schema_of(old), _schema_of(new)
        self.default(place, before, after)
        self.schema("request", place, (before,), (after,), parameter=True)

    def default(self, place: str, old: Node, new: Node) -> None:
        before, after = _default(old), _default(new)
        # Nothing is sent for null, so it is what happens anyway.
        texts = [None if node is None or node.value is None else as_text(node.value) for node in (before, after)]
        if texts[0] != texts[1]:
            kind = "default-removed" if texts[1] is None else "default-added" if texts[0] is None else "default-changed"
            shown = [_short(text) if text is not None else "none" for text in texts]
            what = f"default {shown[1]} instead of {shown[0]}"
            self.note(kind, place, what, (before or old).pointer, (after or new).pointer)

    def responses(self, old: Node, new: Node) -> None:
        before, after = dict(old.items()), dict(new.items())
        for status, here in before.items():
            # The exact status counts before its range, and that before the default.
            there = next((after[key] for key in (status, f"{status[:1]}XX", "default") if key in after), None)
            success = "success" if status.startswith("2") else "status"
            if there is None:
                self.note(f"{success}-removed", status, "this status is not there", here.pointer, new.pointer)
            else:
                self.response(status, here.resolved() or here, there.resolved() or there)
        for status, there in after.items():
            if status not in before:
                success = "success" if status.startswith("2") else "status"
                self.note(f"{success}-added", status, "a further status", old.pointer, there.pointer)

    def response(self, status: str, old: Node, new: Node) -> None:
        if not isinstance(new.value, dict) or "$ref" in new:
            self.note("unreadable", status, "this is no response", old.pointer, new.pointer)
            return
        before, after = ({name.lower(): node for name, node in at.at("headers").items()} for at in (old, new))
        for name in [*before, *(name for name in after if name not in before)]:
            here, there = before.get(name), after.get(name)
            place = f"{status} header {name}"
            if here and there:
                self.header(place, here.resolved() or here, there.resolved() or there)
            elif here:
                self.note("header-removed", place, "this header is not there", here.pointer, new.pointer)
            elif there:
                needed = (there.resolved() or there).at("required").value is True
                kind = "required-header-added" if needed else "header-added"
                self.note(kind, place, "a further header", old.pointer, there.pointer)
        before, after = (
            {name.partition(";")[0].strip().lower(): node for name, node in at.at("content").items()}
            for at in (old, new)
        )
        for name in [*before, *(name for name in after if name not in before)]:
            here, there = before.get(name), after.get(name)
            if here and there:
                self.schema("response", f"{status} body", (_schema_of(here),), (_schema_of(there),))
            elif here:
                self.note("media-removed", status, f"there is no {name}", here.pointer, new.pointer)
            elif there:
                self.note("media-added", status, f"{name} is possible too", old.pointer, there.pointer)

    def header(self, place: str, old: Node, new: Node) -> None:
        needed = [node.at("required").value is True for node in (old, new)]
        if needed[0] != needed[1]:
            kind = "response-narrower" if needed[1] else "response-wider"
            what = "it is always sent" if needed[1] else "it is not always sent"
            self.note(kind, place, what, old.at("required").pointer, new.at("required").pointer)
        self.schema("response", place, (_schema_of(old),), (_schema_of(new),))

    # --- schemas ----------------------------------------------------------------------------------------------------

    def schema(self, side: Side, place: str, old: Schema, new: Schema, parameter: bool = False) -> None:
        pair = (side, tuple(node.pointer for node in old), tuple(node.pointer for node in new))
        if pair in self.seen:
            return
        self.seen.add(pair)
        at, there = _pointer(old), _pointer(new)
        before = self.forms(old)
        for pointer, what in self.unreadable:
            self.note("unreadable", place, what, pointer, there)
        self.unreadable = []
        after = self.forms(new)
        for pointer, what in self.unreadable:
            self.note("unreadable", place, what, at, pointer)
        self.unreadable = []
        if parameter:
            # No parameter can be null: it is left out, which `required` tells.
            before, after = ([form for form in forms if form.kind != "null"] or forms for forms in (before, after))
        at, there = (forms[0].pointer if forms else pointer for forms, pointer in ((before, at), (after, there)))
        self.kinds(side, place, before, after, f"{at}/type", f"{there}/type")
        for kind in ("boolean", "number", "integer", "string", "array", "object"):
            # Integers may be compared with numbers.
            ours = [form for form in before if form.kind == kind]
            theirs = [form for form in after if form.kind == kind]
            if kind == "integer" and not (ours and theirs):
                ours, theirs = ([f for f in forms if f.kind in ("integer", "number")] for forms in (before, after))
                if {form.kind for form in ours} == {form.kind for form in theirs}:
                    continue
            self.match(side, place, ours, theirs)

    def kinds(self, side: Side, place: str, old: list[Form], new: list[Form], at: str, there: str) -> None:
        before, after = ({form.kind for form in forms} for forms in (old, new))
        gone = {kind for kind in before - after if not (kind == "integer" and "number" in after)}
        added = {kind for kind in after - before if not (kind == "integer" and "number" in before)}
        if not gone and not added:
            return
        effect = "other" if (gone and added) or not after else "narrower" if gone else "wider"
        if effect == "wider" and added == {"null"}:
            what = "it may be null"
        elif effect == "narrower" and gone == {"null"}:
            what = "it is never null"
        else:
            what = f"{_kinds(after)} instead of {_kinds(before)}"
        self.note(f"{side}-{effect}", place, what, at, there)

    def match(self, side: Side, place: str, old: list[Form], new: list[Form]) -> None:
        """Compares the forms of one type: those that are the same first, the rest in their order."""
        if not old or not new:
            return
        rest = list(new)
        unmatched = []
        for form in old:
            same = next((other for other in rest if len(old) + len(new) > 2 and self.same(side, form, other)), None)
            if same is None:
                unmatched.append(form)
            else:
                rest.remove(same)
        for form, other in zip(unmatched, rest, strict=False):
            self.form(side, place, form, other)
        if len(unmatched) != len(rest):
            effect = "wider" if len(unmatched) < len(rest) else "narrower"
            what = f"{len(new)} alternatives that are of type {new[0].kind} instead of {len(old)}"
            self.note(f"{side}-{effect}", place, what, old[0].pointer, new[0].pointer)

    def same(self, side: Side, old: Form, new: Form) -> bool:
        trial = _Comparison()
        trial.steps, trial.seen = self.steps, set(self.seen)
        trial.form(side, "", old, new)
        self.steps = trial.steps
        return not trial.found

    def form(self, side: Side, place: str, old: Form, new: Form) -> None:
        """Compares what two schemas say of one type."""
        self.step()
        for keyword in sorted(old.limits.keys() | new.limits.keys()):
            self.limit(side, place, keyword, old, new)
        if old.kind == "array":
            self.schema(side, f"{place}[]", _any(old.items, old), _any(new.items, new))
        if old.kind == "object":
            self.fields(side, place, old, new)

    def limit(self, side: Side, place: str, keyword: str, old: Form, new: Form) -> None:
        before, after = old.limit(keyword), new.limit(keyword)
        if before == after:
            return
        effect = "other"
        if keyword in ("minimum", "maximum") or keyword.startswith(("min", "max")):
            shown = [
                f"{value[1]} {_short(as_text(value[0]))}" if value else f"no {keyword}" for value in (before, after)
            ]
            if before is None or after is None:
                effect = "narrower" if before is None else "wider"
            else:
                tighter = _tighter(keyword, before, after)
                effect = "narrower" if tighter == after else "wider"
            what = f"{shown[1]} instead of {shown[0]}"
        elif keyword == "values":
            self.values(side, place, old, new)
            return
        elif keyword == "closed":
            effect = "narrower" if after else "wider"
            what = "no further fields are allowed" if after else "further fields are not ruled out"
            if side == "response" and effect == "wider":
                self.note("opened", place, what, old.place(keyword), new.place(keyword))
                return
        elif keyword == "required":
            # By field, in `fields`.
            return
        else:
            before, after = before or frozenset(), after or frozenset()
            if keyword == "other":
                # Not understood, so nobody knows what it allows.
                effect = "other"
            elif before < after:
                effect = "narrower"
            elif after < before:
                effect = "wider"
            name = "" if keyword == "other" else f"{keyword} "
            shown = [
                name + _short(", ".join(sorted(value))) if value else f"no {name or 'such rule'}".strip()
                for value in (before, after)
            ]
            what = f"{shown[1]} instead of {shown[0]}"
        self.note(f"{side}-{effect}", place, what, old.place(keyword), new.place(keyword))

    def values(self, side: Side, place: str, old: Form, new: Form) -> None:
        before, after = old.limit("values"), new.limit("values")
        at, there = old.place("values"), new.place("values")
        if after is None:
            self.note(f"{side}-wider", place, f"any {new.kind} instead of {_values(before)}", at, there)
        elif before is None:
            self.note(f"{side}-narrower", place, f"only {_values(after)} instead of any {old.kind}", at, there)
        else:
            if added := after - before:
                kind = "value-added" if side == "response" else "request-wider"
                self.note(kind, place, f"{_values(added)} in addition", at, there)
            if gone := before - after:
                self.note(f"{side}-narrower", place, f"without {_values(gone)}", at, there)

    def fields(self, side: Side, place: str, old: Form, new: Form) -> None:
        needed, needs = (form.limit("required") or frozenset() for form in (old, new))
        for name in [*old.properties, *(name for name in new.properties if name not in old.properties)]:
            here = f"{place}.{name}"
            before, after = old.properties.get(name), new.properties.get(name)
            at = _pointer(before) if before else old.pointer
            there = _pointer(after) if after else new.pointer
            if before and after:
                self.schema(side, here, before, after)
                if (name in needed) != (name in needs):
                    effect = "narrower" if name in needs else "wider"
                    what = "it is required" if name in needs else "it is not required"
                    self.note(f"{side}-{effect}", here, what, old.place("required"), new.place("required"))
            elif before and side == "response":
                self.note("field-removed", here, "this field is not there", at, there)
            elif before:
                effect = "other" if name in needed else "narrower" if new.limit("closed") else "wider"
                self.note(f"request-{effect}", here, "this field is not there", at, there)
            else:
                kind = "required-field-added" if name in needs else "field-added"
                if side == "request":
                    kind = "request-narrower" if name in needs else "request-wider"
                word = "required" if name in needs else "optional"
                self.note(kind, here, f"a further field, {word}", at, there)
        # Those without a schema of their own.
        for name in sorted((needed ^ needs) - old.properties.keys() - new.properties.keys()):
            effect = "narrower" if name in needs else "wider"
            what = "it is required" if name in needs else "it is not required"
            self.note(f"{side}-{effect}", f"{place}.{name}", what, old.place("required"), new.place("required"))
        if not old.limit("closed") and not new.limit("closed"):
            self.schema(side, f"{place}.*", _any(old.items, old), _any(new.items, new))

    # --- the canonical form of a schema -----------------------------------------------------------------------------

    def forms(self, schema: Schema, inside: frozenset[tuple[str, bool]] = frozenset()) -> list[Form]:
        """Returns what a schema allows, one or more forms for each type; nothing else is allowed.

        `inside` are the choices that it is part of: one that leads back to itself adds nothing.
        """
        self.step()
        plain: list[Node] = []
        choices: list[list[Node]] = []
        queue, queued = list(schema), set[tuple[str, bool]]()
        while queue:
            self.step()
            node = queue.pop()
            nullable = node.at("nullable").value is True
            if (node.pointer, nullable) in inside:
                return []
            if node.value is True or (node.pointer, nullable) in queued:
                continue
            queued.add((node.pointer, nullable))
            if node.value is False:
                return []
            if not isinstance(node.value, dict):
                self.unreadable.append((node.pointer, "this is no schema"))
            elif nullable:
                # 3.0 has null so, as one type more than what stands beside it, a `$ref` included.
                rest = {key: value for key, value in node.value.items() if key != "nullable"}
                null = Node(node.root, {"type": "null"}, node.at("nullable").pointer)
                choices.append([Node(node.root, rest, node.pointer), null])
            else:
                if "$ref" in node:
                    target = node.resolved()
                    if target is None:
                        what = f"$ref {_short(as_text(node.value['$ref']))} leads nowhere in this document"
                        self.unreadable.append((node.pointer, what))
                    else:
                        queue.append(target)
                queue += node.at("allOf").elements()
                for word in ("anyOf", "oneOf"):
                    if isinstance(node.at(word).value, list):
                        choices.append(list(node.at(word).elements()))
                if node.value.keys() - ANNOTATIONS - {"$ref", "allOf", "anyOf", "oneOf"}:
                    plain.append(node)
        forms = [Form(kind, _pointer(schema)) for kind in KINDS]
        for node in plain:
            forms = self.merged(forms, _plain_forms(node))
        for choice in choices:
            forms = self.merged(forms, [form for node in choice for form in self.forms((node,), inside | queued)])
        return _joined([_integral(form) for form in forms])

    def merged(self, forms: list[Form], others: list[Form]) -> list[Form]:
        """Returns what both allow."""
        self.steps += len(forms) * len(others)
        self.step()
        found = []
        for form in forms:
            for other in others:
                kinds = {form.kind, other.kind}
                if len(kinds) == 1 or kinds == {"integer", "number"}:
                    merged = _merge("integer" if len(kinds) > 1 else form.kind, form, other)
                    if merged is not None:
                        found.append(merged)
        if len(found) > FORMS:
            raise _too_much()
        return found


def _plain_forms(node: Node) -> list[Form]:
    """Returns what the keywords of one schema allow, without those that hold further alternatives."""
    stated = node.at("type").value
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else KINDS
    kinds = [name for name in names if name in (*KINDS, "integer")] if all(isinstance(n, str) for n in names) else []
    values = node.value.get("enum", [node.value["const"]] if "const" in node else None)
    forms = []
    for kind in kinds:
        form = Form(kind, node.pointer, _limits(node, kind))
        if isinstance(values, list):
            fitting = frozenset(as_text(value) for value in values if _is(value, kind))
            if not fitting:
                continue
            if kind != "null":
                form.limits["values"] = (fitting, node.at("enum" if "enum" in node else "const").pointer)
        if kind == "array" and "items" in node:
            form.items = (node.at("items"),)
        if kind == "object":
            form.properties = {name: (value,) for name, value in node.at("properties").items()}
            if "additionalProperties" in node and not isinstance(node.at("additionalProperties").value, bool):
                form.items = (node.at("additionalProperties"),)
        forms.append(form)
    return forms


# By type, the keywords that bound it, and by which names they are compared.
_BOUNDS = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_SETS = {"string": ("pattern", "format"), "number": ("multipleOf", "format"), "integer": ("multipleOf", "format")}
_KNOWN = {
    *("type", "enum", "const", "nullable", "$ref", "allOf", "anyOf", "oneOf", "properties", "required", "items"),
    *("additionalProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
}


def _limits(node: Node, kind: str) -> dict[str, tuple[Any, str]]:
    """Returns what limits values of one type, each keyword in one canonical form; what is not understood is `other`."""
    limits: dict[str, tuple[Any, str]] = {}
    other = {key for key in node.value if key not in _KNOWN | ANNOTATIONS and not str(key).startswith("x-")}
    if kind in ("number", "integer"):
        for keyword, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            bound, strict = node.at(keyword), node.at(exclusive)
            found = []
            if keyword in node:
                # 3.0 has a Boolean beside the bound, 3.1 a bound of its own.
                found.append((bound, strict.value is True))
            if exclusive in node and not isinstance(strict.value, bool):
                found.append((strict, True))
            for place, is_strict in found:
                if not _is_number(place.value):
                    other.add(place.pointer.rpartition("/")[2])
                    continue
                made = ((place.value, exclusive if is_strict else keyword), place.pointer)
                limits[keyword] = made if keyword not in limits else _tighter_limit(keyword, limits[keyword], made)
    for keyword in _BOUNDS.get(kind, ()):
        value = node.at(keyword).value
        if keyword in node and not _is_number(value):
            other.add(keyword)
        elif keyword in node and not (keyword.startswith("min") and value == 0):
            limits[keyword] = ((value, keyword), node.at(keyword).pointer)
    for keyword in _SETS.get(kind, ()):
        if keyword in node:
            value = node.at(keyword).value
            limits[keyword] = (
                frozenset([value if isinstance(value, str) else as_text(value)]),
                node.at(keyword).pointer,
            )
    if kind == "array" and node.at("uniqueItems").value is True:
        limits["uniqueItems"] = (frozenset(["true"]), node.at("uniqueItems").pointer)
    if kind == "object":
        if node.at("additionalProperties").value is False:
            limits["closed"] = (True, node.at("additionalProperties").pointer)
        if "required" in node:
            names = node.at("required").value
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                limits["required"] = (frozenset(names), node.at("required").pointer)
            else:
                other.add("required")
        if "properties" in node and not isinstance(node.at("properties").value, dict):
            other.add("properties")
    for keyword, expected in (("enum", list), ("allOf", list), ("anyOf", list), ("oneOf", list), ("type", (str, list))):
        if keyword in node and not isinstance(node.at(keyword).value, expected):
            other.add(keyword)
    if other:
        texts = frozenset(f"{keyword} {as_text(node.value.get(keyword))}" for keyword in other)
        limits["other"] = (texts, node.pointer)
    return limits


def _merge(kind: str, form: Form, other: Form) -> Form | None:
    """Returns what both forms of a type allow; None if that is nothing."""
    limits = dict(form.limits)
    for keyword, (value, place) in other.limits.items():
        if keyword not in limits:
            limits[keyword] = (value, place)
        elif keyword == "values":
            limits[keyword] = (limits[keyword][0] & value, place)
            if not limits[keyword][0]:
                return None
        elif keyword == "closed":
            pass
        elif isinstance(value, frozenset):
            limits[keyword] = (limits[keyword][0] | value, place)
        else:
            limits[keyword] = _tighter_limit(keyword, limits[keyword], (value, place))
    properties = dict(form.properties)
    for name, schema in other.properties.items():
        properties[name] = (*properties.get(name, ()), *schema)
    bare = not other.limits and not other.properties and not other.items
    return Form(
        kind, form.pointer if bare and form.limits else other.pointer, limits, properties, (*form.items, *other.items)
    )


def _integral(form: Form) -> Form:
    """Writes bounds of an integer that exclude the bound itself as ones that do not."""
    if form.kind == "integer":
        for keyword in form.limits.keys() & {"minimum", "maximum"}:
            (value, word), place = form.limits[keyword]
            if word != keyword:
                value = math.floor(value) + 1 if keyword == "minimum" else math.ceil(value) - 1
                form.limits[keyword] = ((value, keyword), place)
    return form


def _joined(forms: list[Form]) -> list[Form]:
    """Returns the same with fewer forms: an enumeration may be spread over several alternatives."""
    joined: list[Form] = []
    for form in forms:
        for index, other in enumerate(joined):
            rest = [{k: v[0] for k, v in each.limits.items() if k != "values"} for each in (form, other)]
            alike = form.kind == other.kind and rest[0] == rest[1] and form.kind not in ("array", "object")
            if alike and ("values" in form.limits) == ("values" in other.limits):
                if "values" in form.limits:
                    values = form.limit("values") | other.limit("values")
                    joined[index] = Form(
                        form.kind, other.pointer, {**other.limits, "values": (values, other.place("values"))}
                    )
                break
        else:
            joined.append(form)
    return joined


def _tighter(keyword: str, one: tuple[Any, str], two: tuple[Any, str]) -> tuple[Any, str]:
    """Returns the tighter of two bounds; of equal ones, the one that excludes the bound itself."""
    if one[0] == two[0]:
        return one if one[1].startswith("exclusive") else two
    return max(one, two) if keyword.startswith("min") else min(one, two)


def _tighter_limit(keyword: str, one: tuple[Any, str], two: tuple[Any, str]) -> tuple[Any, str]:
    return one if _tighter(keyword, one[0], two[0]) == one[0] else two


def as_text(value: Any) -> str:
    """One text for equal JSON values, whatever the order of their keys; an integer may be written as 1.0."""
    if isinstance(value, float) and math.isfinite(value) and value == math.floor(value):
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


# --- small things -----------------------------------------------------------------------------------------------------


def _default(schema: Node) -> Node | None:
    """Returns the default of a schema, wherever in what it consists of it stands."""
    queue, seen = [schema], set[str]()
    while queue:
        node = queue.pop()
        if node.pointer in seen:
            continue
        seen.add(node.pointer)
        if "default" in node:
            return node.at("default")
        queue += node.at("allOf").elements()
        if "$ref" in node and (target := node.resolved()):
            queue.append(target)
    return None


def _schema_of(holder: Node) -> Node:
    """Returns the schema of a parameter, a header or a body; without one, anything is allowed."""
    for _, media in holder.at("content").items():
        holder = media
        break
    return holder.at("schema") if "schema" in holder else Node(holder.root, True, holder.pointer)


def _any(schema: Schema, form: Form) -> Schema:
    return schema or (Node(None, True, form.pointer),)


def _security(operation: Operation) -> str:
    return operation.node.at("security").pointer if "security" in operation.node else "#/security"


def _list(operation: Operation) -> str:
    return operation.node.at("parameters").pointer


def _pointer(schema: Schema) -> str:
    return schema[-1].pointer if schema else "#"


def _is(value: Any, kind: str) -> bool:
    """Tells whether a JSON value is of a type."""
    if kind in ("integer", "number"):
        return _is_number(value) and (kind == "number" or value == math.floor(value))
    types: Mapping[str, type] = {"null": type(None), "boolean": bool, "string": str, "array": list, "object": dict}
    return isinstance(value, types[kind])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) != math.inf and value == value


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _kinds(kinds: set[str]) -> str:
    if kinds >= set(KINDS):
        return "anything"
    return " or ".join(kind for kind in (*KINDS[1:], "integer", "null") if kind in kinds) or "nothing"


def _values(values: frozenset[str]) -> str:
    return _short(", ".join(text.strip('"') for text in sorted(values)))
