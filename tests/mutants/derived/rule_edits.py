"""Edits of response items that break one rule and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any

from codegen.cel import ELEMENT, MISSING, Path, field_name
from codegen.extensions import AtMost, Request, Result, Rule
from codegen.extensions.instances import route
from codegen.openapi import Node
from codegen.openapi.document import Pointer
from tests.contract.interaction import judge_rules
from tests.contract.operation import Operation

from .base import ONE_IN_THREE, Equivalent
from .baseline import Baseline, rule_request_of
from .fields import EditGenerator, Edits, Field, apply_edits, fields_of
from .middleware import Forward, HttpRequest, HttpResponse, Mutation, replace_at
from .values import is_valid, sample_responses

# When an item is edited: on every second response, in phases of PHASE responses, or differently each time.
BY_TURNS, IN_PHASES, MADE_UP = "by_turns", "in_phases", "made_up"
PHASE = 8


@dataclass(frozen=True)
class DocumentedResponse:
    """A response of an operation, by status."""

    operation: Operation
    status: int
    body: Node = field(repr=False)
    """Its schema."""

    @property
    def is_list(self) -> bool:
        return self.operation.lists is not None and self.status == self.operation.page_status

    @property
    def path_to_items(self) -> tuple[str, ...]:
        listing = self.operation.listing
        return tuple(listing.items.split(".")) if listing and self.is_list else ()

    @property
    def item_schema(self) -> Node:
        """The schema of an item of a list, else of the body."""
        listing = self.operation.listing
        return listing.item if listing and self.is_list else self.body.resolved() or self.body

    @cached_property
    def rules(self) -> dict[str, tuple[Rule, list[Field]]]:
        """By id, the rules about items (of a list) or about the body, each with the fields that it reads."""
        found: dict[str, tuple[Rule, list[Field]]] = {}
        rules_by_schema, document = self.operation.promised.rules, self.body.document
        for pointer in sorted(route(self.item_schema, rules_by_schema).reachable()):
            schema = document.find(pointer)
            assert schema is not None
            for rule in rules_by_schema[pointer]:
                found[rule.id] = rule, fields_of(rule, self.item_schema, schema, ("self",))
        element = [ELEMENT] if self.is_list else []
        prefix: Path = ("response", "body", *map(field_name, self.path_to_items), *element)
        for rule in self.operation.described.answers.get(str(self.status), ()):
            found[rule.id] = rule, fields_of(rule, self.item_schema, self.item_schema, prefix)
        return found

    @property
    def at_most(self) -> Sequence[AtMost]:
        return self.operation.listing.at_most if self.operation.listing and self.is_list else ()

    def fields_of(self, at_most: AtMost) -> list[Field]:
        return fields_of(at_most.where, self.item_schema, self.item_schema, ("self",))

    @cached_property
    def fields(self) -> list[Field]:
        """All fields that a rule reads."""
        read = [*(fields for _, fields in self.rules.values()), *map(self.fields_of, self.at_most)]
        return list(dict.fromkeys(each for fields in read for each in fields))

    def items(self, document: Any) -> Iterator[tuple[str, Pointer, Any]]:
        """Yield key, path and value of each item of a page; of a single object, the body."""
        if not self.is_list or self.operation.lists is None:
            yield "", (), document
            return
        page = self.operation.lists.read(document)
        for index, (key, item) in enumerate(zip(page.keys, page.items, strict=True) if page else ()):
            if key is not None:
                yield key, (*self.path_to_items, index), item

    def with_items(self, document: Any, items: Sequence[Any]) -> Any:
        return replace_at(document, self.path_to_items, list(items)) if self.is_list else items[0]


@dataclass
class EditCheck:
    """Checks that an edit of an item breaks one rule and keeps the schema and all other rules."""

    response: DocumentedResponse
    request: Request
    document: Any
    """A body; its items are replaced by the edited one."""
    rule: Rule | None = None
    """The rule to break; None if all rules must hold."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def broken(self, item: Any, before: Any = MISSING) -> set[str]:
        """Return the ids of the rules that an item, or its change since `before`, breaks."""
        response = self.response
        document = response.with_items(self.document, [item])
        earlier = {key: before for key, _, _ in response.items(document)} if before is not MISSING else {}
        found = judge_rules(response.operation, self.request, response.status, document, earlier, self.now)
        return {name for name, verdicts in found.items() if any(each.result is Result.BROKEN for each in verdicts)}

    def accepts(self, item: Any, edited: Any) -> bool:
        is_transition = self.rule is not None and self.rule.is_transition
        wanted = {self.rule.id} if self.rule else set()
        broken = self.broken(edited, item if is_transition else MISSING)
        if is_transition and broken <= wanted:
            # Later responses may change the item back.
            broken |= self.broken(item, edited)
        has_schema = is_valid(self.response.body, self.response.with_items(self.document, [edited]))
        return broken == wanted and has_schema and not self.meets_more(item, edited)

    def meets_more(self, item: Any, edited: Any) -> bool:
        """True if the edited item counts towards an `at_most` and the original does not."""
        lists = self.response.operation.lists
        return any(
            lists is not None and self.rule is not None and lists.matching(each, [item, edited]) == [False, True]
            for each in self.response.at_most
        )


@dataclass
class Editor:
    """Edits items; items with the same signature get the same edits."""

    check: EditCheck
    generator: EditGenerator
    items: dict[str, Any]
    """Items of the correct server, by key."""
    edits: dict[str, list[Edits]] = field(default_factory=dict)
    """By signature of the item."""

    def variants(self, item: Any) -> list[Any]:
        """Return the edited versions of an item; none if one of them breaks anything else."""
        edited = [apply_edits(edits, item) for edits in self.edits.get(self.generator.signature(item), ())]
        is_accepted = all(each is not MISSING and self.check.accepts(item, each) for each in edited)
        return edited if is_accepted else []

    def is_one_way(self) -> bool:
        """True if the rules allow the change of some item in one direction.

        Repeating it back and forth then breaks the promise that items do not go back.
        """
        pairs = [
            (item, edited)
            for item in self.generator.representative_items()
            for edits in self.edits.get(self.generator.signature(item), ())
            if (edited := apply_edits(edits, item)) is not MISSING
        ]
        return any(not self.check.broken(*pair) for one, other in pairs for pair in ((one, other), (other, one)))


def editor_for(baseline: Baseline, response: DocumentedResponse, rule: Rule | None) -> Editor:
    """Return an editor without edits. Raises Equivalent if the correct server has no items."""
    bodies = [each.json for each in sample_responses(baseline, response.operation, response.status)]
    bodies = [each for each in bodies if each is not MISSING]
    items = {key: item for body in bodies for key, _, item in response.items(body)}
    if not items:
        raise Equivalent("no response of the correct server has such a value")
    check = EditCheck(response, baseline.rule_request(response.operation), bodies[0], rule, baseline.began)
    return Editor(check, EditGenerator(response.fields, list(items.values())), items)


def edit_responses(
    check: EditCheck, variants_of: Callable[[Any], list[Any]], row: str | None, schedule: str, where: str
) -> Mutation:
    """Edit all items, or the one with the key `row`."""
    documented, operation = check.response, check.response.operation
    requests, responses = count(), count()
    reads: dict[str, int] = {}
    known: dict[str, tuple[Any, list[Any]]] = {}

    def edited(key: str, item: Any, number: int) -> Any:
        if key not in known or known[key][0] != item:
            known[key] = item, variants_of(item)
        variants = known[key][1]
        reads[key] = read = reads.get(key, -1) + 1
        is_pause = (schedule == BY_TURNS and read % 2 == 0) or (schedule == IN_PHASES and number // PHASE % 2 == 0)
        return item if is_pause or not variants else variants[read % len(variants)]

    async def mutation(request: HttpRequest, forward: Forward) -> HttpResponse:
        response = await forward(request)
        if not operation.address.fullmatch(request.path) or request.method != operation.method:
            return response
        if response.status != documented.status or (where == ONE_IN_THREE and next(requests) % 3 != 2):
            return response
        document = response.json
        if document is MISSING:
            return response
        number = next(responses)
        check.request, check.now = rule_request_of(operation, request), datetime.now(UTC)
        for key, path, item in list(documented.items(document)):
            if row in (None, key):
                document = replace_at(document, path, edited(key, item, number))
        return response.replace(body=document)

    return mutation
