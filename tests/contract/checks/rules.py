"""The contract's rules: a check for each, with the id of the rule.

A rule about changes (`oldSelf`) compares an item with its previous read. A list may be corrected while it is read, by a
data migration for example; so one change is not a violation yet. It is one if the item alternates between two states,
changes again and again, or returns to an earlier state.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from codegen.cel import ELEMENT, Path, field_name
from codegen.extensions import AtMost, Result, Rule, Verdict

from ..conditional_rules import conditions
from ..contract import contract
from ..interaction import RULES, Interaction, body_with_items, judge_rules, resend_for_page, transitions_between
from ..operation import Operation
from ..pages import Page, describe_item, differences, key_of, normalize, quote_value
from ..run_state import run_state
from .base import RuleBroken, check
from .page_comparison import MAX_PROBES, RETURNS, ComparingCheck

# So many states of one item are a violation: a correction makes one or two more.
MAX_STATES = 4
# Maximum number of fields in a message.
FIELDS = 8


def read_fields(rule: Rule, variable: str, value: Any) -> dict[str, Any]:
    """Return the fields of a value that the rule reads, with the contract's names."""
    found: dict[str, Any] = {}
    for path in rule.program.uses.reads:
        if path[0] == variable:
            found.update(read_path(path[1:], value))
    return found


def read_path(path: Path, value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for part in path:
        if part == ELEMENT or not isinstance(value, dict):
            break
        # In rules, fields whose names are not identifiers have other names.
        field = next((each for each in value if field_name(each) == part), None)
        if field is None:
            return
        value, name = value[field], f"{name}.{field}" if name else field
    if name:
        yield name, value


def describe(fields: Mapping[str, Any]) -> str:
    """Describe fields and their values for messages."""
    shown = [f"{name} is {quote_value(value)}" for name, value in list(fields.items())[:FIELDS]]
    return ", ".join(shown)


def sentence(rule: Rule, what: str, fields: str) -> str:
    return f"{what}: {rule.message}" + (f" Here {fields}." if fields else "")


def item_at(operation: Operation, verdict: Verdict, body: Any) -> tuple[str, Any]:
    """Return the item that contains a verdict's value, described and as it is; None if it is in no item."""
    lists = operation.lists
    prefix = "".join(f"/{name}" for name in lists.listing.items.split(".")) + "/" if lists else ""
    page = lists.read(body) if lists else None
    if page and verdict.pointer.startswith(prefix):
        index, _, place = verdict.pointer.removeprefix(prefix).partition("/")
        item = page.items[int(index)]
        return describe_item(operation, key_of(lists, item)) + (f", at {place}," if place else ""), item
    return f"the answer{f' at {verdict.pointer}' if verdict.pointer else ''}", None


def rule_violation(rule: Rule, found: Interaction, verdict: Verdict) -> RuleBroken:
    if rule.place != "response":
        what, _ = item_at(found.operation, verdict, found.json)
        fields = read_fields(rule, "self", verdict.instance)
        if any(path[0] == "now" for path in rule.program.uses.reads):
            fields |= {"the time": found.now.isoformat(timespec="seconds")}
        return RuleBroken(sentence(rule, what, describe(fields)))
    request = vars(found.request)
    fields = {name.rpartition(".")[2]: value for name, value in read_fields(rule, "request", request).items()}
    item = first_broken_item(rule, found)
    if item is None:
        fields = read_fields(rule, "response", {"status": found.status, "body": found.json}) | fields
        return RuleBroken(sentence(rule, "the answer", describe(fields)))
    fields = {f"requested {name}": value for name, value in fields.items()}
    listing = found.operation.listing
    items = ("response", "body", *map(field_name, listing.items.split(".") if listing else ()), ELEMENT)
    for path in rule.program.uses.reads:
        if path[: len(items)] == items:
            fields = dict(read_path(path[len(items) :], item)) | fields
    return RuleBroken(
        sentence(rule, describe_item(found.operation, key_of(found.operation.lists, item)), describe(fields))
    )


def first_broken_item(rule: Rule, found: Interaction) -> Any:
    """Return the first item that alone breaks a rule about the whole response; None if there is none."""
    for item in found.items or ():
        body = body_with_items(found.operation, [item])
        body = found.json | body if isinstance(found.json, dict) else body
        verdicts = judge_rules(found.operation, found.request, found.status, body, {}, found.now, found.headers)
        if any(each.result is Result.BROKEN for each in verdicts.get(rule.id, ())):
            return item
    return None


def check_of(rule: Rule) -> Any:
    """Make a check of a rule about a response."""

    def judge(found: Interaction) -> bool | None:
        verdicts = [each for each in found.verdicts.get(rule.id, ()) if each.result is not Result.NOT_JUDGED]
        for verdict in verdicts:
            if verdict.result is Result.BROKEN:
                raise rule_violation(rule, found, verdict)
        condition = conditions().get(rule.id)
        is_about = verdicts if condition is None else any(condition.holds(each.instance) for each in verdicts)
        return None if is_about else True

    judge.__name__, judge.__doc__ = rule.id, rule.message
    return judge


class TransitionCheck(ComparingCheck):
    """A check of a rule about changes from one read of an item to the next."""

    rule: Rule

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, list[Any]] = {}
        """By key, what the rule reads of the item, for each state that broke the rule."""
        self.returns: dict[str, int] = {}
        self.probes_left = MAX_PROBES

    @cached_property
    def name(self) -> str:
        return self.rule.id

    @staticmethod
    def page_of(found: Interaction) -> Page | None:
        return found.snapshot

    def differ(self, first: Page, second: Page) -> bool:
        return any(self.broken(*pair) for pair in ((first, second), (second, first)))

    def broken(self, first: Page, second: Page) -> list[str]:
        return [
            key
            for key in transitions_between(first, second).get(self.name, ())
            if key not in run_state().duplicate_keys
        ]

    def compare(self, page: Page, found: Interaction) -> bool | None:
        verdicts = found.verdicts.get(self.name, ())
        broken = [key for key in found.changes.get(self.name, ()) if key not in run_state().duplicate_keys]
        if broken:
            earlier = found.earlier[broken[0]]
            self.note(earlier, broken)
            self.note(page, broken)
            self.check_flapping(page, broken)
            if pair := self.confirm(earlier, page, self.differ):
                raise RuleBroken(self.explain(*pair))
        return None if any(self.applies(each, page, found) for each in verdicts) else True

    def applies(self, verdict: Verdict, page: Page, found: Interaction) -> bool:
        """True if the verdict was judged, and the condition of the rule holds for the value."""
        condition = conditions().get(self.name)
        if verdict.result is Result.NOT_JUDGED or condition is None:
            return verdict.result is not Result.NOT_JUDGED
        key = next((key for key, item in page.by_key.items() if item is verdict.instance), None)
        # The previous value is known for whole items only.
        return key is None or condition.holds(verdict.instance, found.earlier[key].by_key[key])

    def note(self, page: Page, keys: list[str]) -> None:
        for key in keys:
            if key not in page.by_key:
                continue
            state = normalize(read_fields(self.rule, "self", page.by_key[key]))
            states = self.states.setdefault(key, [])
            if states and states[-1] != state and state in states:
                self.returns[key] = self.returns.get(key, 0) + 1
            if not states or states[-1] != state:
                states.append(state)

    def check_flapping(self, page: Page, broken: list[str]) -> None:
        """Raise RuleBroken if an item differs on each read, or returns to an earlier state."""
        if self.probes_left > 0:
            self.probes_left -= 1
            for _ in range(2):
                if another := resend_for_page(page.case):
                    self.note(another, broken)
        for key in broken:
            states = self.states[key]
            kinds = {json.dumps(state, sort_keys=True) for state in states}
            if len(kinds) >= MAX_STATES or self.returns.get(key, 0) >= RETURNS:
                self.is_done = True
                how = "it differs on each read" if len(kinds) >= MAX_STATES else "it returned to an earlier state"
                parted = self.describe_change(states[-2], states[-1])
                raise RuleBroken(
                    sentence(self.rule, describe_item(page.operation, key), f"{how}, with {page.place}: {parted}")
                )

    @staticmethod
    def describe_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
        found = list(differences(before, after))[:FIELDS]
        return ", ".join(f"{name} was {quote_value(one)}, then {quote_value(other)}" for name, one, other in found)

    def explain(self, first: Page, second: Page) -> str:
        key = [*self.broken(first, second), *self.broken(second, first)][0]
        one, other = (read_fields(self.rule, "self", page.by_key[key]) for page in (first, second))
        fields = [
            f"{name} is {quote_value(here)} with {first.place}, and {quote_value(there)} with {second.place}"
            for name, here, there in list(differences(one, other))[:FIELDS]
        ]
        return sentence(
            self.rule, describe_item(second.operation, key), f"{', '.join(fields)}, in repeated alternating reads"
        )


class AtMostCheck(ComparingCheck):
    """A check of how many items of a whole list may meet a condition."""

    at_most: AtMost

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[object, Page] = {}

    def matching_keys(self, *pages: Page) -> set[str]:
        return {key for page in pages for key in page.matching_keys(self.at_most)}

    def differ(self, first: Page, second: Page) -> bool:
        return len(self.matching_keys(first, second)) > self.at_most.count

    def compare(self, page: Page, found: Interaction) -> bool | None:
        if not page.operation.listing or self.at_most not in page.operation.listing.at_most:
            return True
        here = page.matching_keys(self.at_most)
        if not here:
            return None if page.items else True
        if len(here) > self.at_most.count:
            raise RuleBroken(self.explain(f"on one page, with {page.place}", page))
        earlier = self.seen.setdefault(page.list_key[:2], page)
        if self.differ(earlier, page):
            if pair := self.confirm(earlier, page, self.differ):
                raise RuleBroken(self.explain(f"with {earlier.place} and with {page.place}, at the same time", *pair))
            self.seen[page.list_key[:2]] = page
        return None

    def explain(self, where: str, *pages: Page) -> str:
        rule, keys = self.at_most.where, sorted(self.matching_keys(*pages))
        items = {key: item for page in pages for key, item in page.by_key.items()}
        some = keys[: self.at_most.count + 1]
        fields = "; ".join(f"of {key} {describe(read_fields(rule, 'self', items[key]))}" for key in some[:FIELDS])
        return sentence(rule, f"{len(keys)} items {where}", fields)


for rule in RULES.values():
    if rule.is_transition:
        check(type(rule.id, (TransitionCheck,), {"rule": rule, "__doc__": rule.message}))
    else:
        check(check_of(rule))
for at_most in (each for operation in contract().operations if operation.listing for each in operation.listing.at_most):
    check(type(at_most.where.id, (AtMostCheck,), {"at_most": at_most, "__doc__": at_most.where.message}))
