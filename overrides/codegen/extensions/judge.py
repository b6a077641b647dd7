"""Judges answers by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from codegen.cel import MISSING, Plan, Result, converter, judge_each, to_timestamp
from codegen.extensions.exchange import Answer, Request, Verdict
from codegen.extensions.instances import Instance, instances, route
from codegen.extensions.lists import Lists
from codegen.extensions.model import Described, Rule
from codegen.openapi import Node, schema_of
from codegen.openapi.document import Pointer, joined

# Earlier values that are cached in converted form.
MOST_REMEMBERED = 2_000


class Judge:
    """Judges the answers of one operation with one status.

    Each rule is compiled once. Only the parts of a body that rules read are converted.
    """

    def __init__(self, described: Described, key: str, response: Node, rules: Mapping[str, Sequence[Rule]]) -> None:
        """
        Args:
            described: The operation.
            key: The status, range or `default` of the response.
            response: The response.
            rules: The rules of schemas, by the JSON pointer of the schema.
        """
        self.described = described
        self.rules = described.answers.get(key, ())
        variables = described.variables(response)
        self.converters = {name: converter(node, _read_plan(self.rules, [name])) for name, node in variables.items()}
        self.route = route(schema_of(response), rules)
        document = response.document
        self.schemas = {
            pointer: _SchemaRules(node, rules[pointer])
            for pointer in sorted(self.route.reachable())
            if (node := document.find(pointer)) is not None
        }
        listing = described.listing
        self.lists = Lists(listing) if listing and listing.body.pointer == schema_of(response).pointer else None
        item = listing.item if listing and self.lists else schema_of(response)
        self.item_route = route(item, [p for p, each in self.schemas.items() if each.transitions])

    def judge(
        self, request: Request, answer: Answer, now: datetime, earlier_items: Mapping[str, Any]
    ) -> Iterator[Verdict]:
        moment = to_timestamp(now)
        values = {
            "request": self.converters["request"](self.request(request)),
            "response": self.converters["response"]({**vars(answer), "headers": dict(answer.headers)}),
            "now": moment,
        }
        for rule in self.rules:
            known = not any(values[path[0]] is MISSING for path in rule.program.uses.reads)
            result = rule.program.judge(values) if known else Result.NOT_JUDGED
            yield Verdict(rule.id, rule.message, result, "", answer.body)
        found, is_all = instances(self.route, answer.body)
        for pointer, schema in self.schemas.items():
            here = [each for each in found if each.schema == pointer]
            if here or not is_all:
                yield from schema.judge(here, is_all, moment)
        yield from self.transitions(answer.body, moment, earlier_items)

    def request(self, request: Request) -> dict[str, Any]:
        """Return the request with defaults for omitted parameters."""
        query = {**self.described.defaults, **request.query}
        sent = {"path": dict(request.path), "query": query, "credentials": request.credentials}
        return sent if request.body is MISSING else {**sent, "body": request.body}

    def transitions(self, body: Any, moment: Any, earlier_items: Mapping[str, Any]) -> Iterator[Verdict]:
        found: dict[str, list[tuple[str, Instance, Instance]]] = {}
        for place, key, item in self.items(body) if earlier_items else ():
            if key not in earlier_items:
                continue
            before = {(each.schema, each.place): each for each in instances(self.item_route, earlier_items[key])[0]}
            for each in instances(self.item_route, item)[0]:
                old = before.get((each.schema, each.place))
                # Elements of a list have no identity, so they cannot be compared.
                if old is not None and not any(isinstance(part, int) for part in each.place):
                    found.setdefault(each.schema, []).append((joined((*place, *each.place)), each, old))
        for schema, pairs in found.items():
            yield from self.schemas[schema].judge_changes(pairs, moment)

    def items(self, body: Any) -> Iterator[tuple[Pointer, str, Any]]:
        """Yield the items of a list with place and key. For an operation without `x-list`, yield the body."""
        if self.lists is None:
            yield (), "", body
        elif page := self.lists.read(body):
            names = self.lists.listing.items.split(".")
            for index, (key, item) in enumerate(zip(page.keys, page.items, strict=True)):
                if key is not None:
                    yield (*names, index), key, item


class _SchemaRules:
    """The rules of one schema."""

    def __init__(self, schema: Node, rules: Sequence[Rule]) -> None:
        self.rules = [rule for rule in rules if not rule.is_transition]
        self.transitions = [rule for rule in rules if rule.is_transition]
        self.memory: dict[int, tuple[Any, Any]] = {}
        self.convert = converter(schema, _read_plan(self.rules, ["self"]))
        self.convert_for_changes = converter(schema, _read_plan(self.transitions, ["self", "oldSelf"]))

    def judge(self, found: Sequence[Instance], is_all: bool, moment: Any) -> Iterator[Verdict]:
        values = [(each.pointer, each.value, {"self": self.convert(each.value)}) for each in found]
        yield from _verdicts(self.rules, values, moment)
        if not is_all:
            yield from (Verdict(rule.id, rule.message, Result.NOT_JUDGED, "", None) for rule in self.rules)

    def judge_changes(self, pairs: Sequence[tuple[str, Instance, Instance]], moment: Any) -> Iterator[Verdict]:
        values = []
        for pointer, new, old in pairs:
            before = self.remembered(old.value)
            # Most items have not changed.
            after = before if new.value == old.value else self.convert_for_changes(new.value)
            values.append((pointer, new.value, {"self": after, "oldSelf": before}))
        yield from _verdicts(self.transitions, values, moment)

    def remembered(self, value: Any) -> Any:
        """Return an earlier value in converted form, cached."""
        known = self.memory.get(id(value))
        if known is None or known[0] is not value:
            if len(self.memory) >= MOST_REMEMBERED:
                self.memory.clear()
            known = self.memory[id(value)] = (value, self.convert_for_changes(value))
        return known[1]


def _verdicts(
    rules: Sequence[Rule], values: Sequence[tuple[str, Any, dict[str, Any]]], moment: Any
) -> Iterator[Verdict]:
    """Judge values, each given as pointer, JSON value, and converted value by variable."""
    known = [(pointer, value, row) for pointer, value, row in values if MISSING not in row.values()]
    missing = [(pointer, value) for pointer, value, row in values if MISSING in row.values()]
    judged = judge_each([rule.program for rule in rules], [row for _, _, row in known], {"now": moment})
    for rule, results in zip(rules, judged, strict=True):
        for (pointer, value, _), result in zip(known, results, strict=True):
            yield Verdict(rule.id, rule.message, result, pointer, value)
        yield from (Verdict(rule.id, rule.message, Result.NOT_JUDGED, pointer, value) for pointer, value in missing)


def _read_plan(rules: Iterable[Rule], variables: Iterable[str]) -> Plan:
    """Return the parts of variables that the rules read."""
    plan = Plan()
    for rule in rules:
        for path, deep in rule.program.uses.reads.items():
            if path[0] in variables:
                plan.add(path[1:], deep)
    return plan
