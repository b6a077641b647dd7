"""From rules (`x-rules`, `at_most`): a change that breaks one of them, and nothing else.

The change is searched for: a field that the rule reads gets another value that its schema allows, such as a neighbour's
or a time that is off by a second, and if need be a second field. What is found keeps the schema, and all other rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import count, islice
from typing import Any

from codegen.cel import ELEMENT, MISSING, Path, field_name
from codegen.extensions import AtMost, Request, Result, Rule
from codegen.extensions.instances import route
from codegen.openapi import Node, schema_of
from codegen.openapi.document import Pointer
from tests.contract.contract import contract
from tests.contract.interaction import judge_rules
from tests.contract.operation import Operation

from .exchange import Answer, Ask, Asked, Change, replaced
from .fields import AS, Changes, Field, Recipe, applied, fields_of, ways
from .making import EVERYWHERE, ONE_IN_THREE, ONE_ROW, Built, Derived, Equivalent, family
from .values import is_valid, samples
from .world import World, request_of

# How an item that may not change does: by turns, in phases of so many answers, or another one each time.
BY_TURNS, IN_PHASES, MADE_UP = "by_turns", "in_phases", "made_up"
PHASE = 8
# In phases everywhere only: of one row, a run need not see more of them than a list may have that is mended once.
HOWS = [(BY_TURNS, EVERYWHERE), (BY_TURNS, ONE_ROW), (IN_PHASES, EVERYWHERE), (MADE_UP, ONE_ROW)]
# The same of what is no list, by whether the rule is about changes.
OF_ONE = {True: [(BY_TURNS, EVERYWHERE)], False: [("", EVERYWHERE), ("", ONE_IN_THREE)]}
# The check that no item is again what it was.
GOES_BACK = "items_do_not_go_back"
# How many others an item is, where it is made up.
OTHERS = 4


@dataclass(frozen=True)
class Place:
    """The answers of one operation with one status."""

    operation: Operation
    status: int
    body: Node = field(repr=False)

    @property
    def is_list(self) -> bool:
        return self.operation.lists is not None and self.status == self.operation.page_status

    @property
    def items(self) -> tuple[str, ...]:
        """Where the items of a list stand."""
        listing = self.operation.listing
        return tuple(listing.items.split(".")) if listing and self.is_list else ()

    @property
    def start(self) -> Node:
        """The schema of an item, or of the body."""
        listing = self.operation.listing
        return listing.item if listing and self.is_list else self.body.resolved() or self.body

    @cached_property
    def rules(self) -> dict[str, tuple[Rule, list[Field]]]:
        """Those about items, or about the body of what is no list, with what they read."""
        found: dict[str, tuple[Rule, list[Field]]] = {}
        of_schemas, document = self.operation.promised.rules, self.body.document
        for pointer in sorted(route(self.start, of_schemas).reachable()):
            schema = document.find(pointer)
            assert schema is not None
            for rule in of_schemas[pointer]:
                found[rule.id] = rule, fields_of(rule, self.start, schema, ("self",))
        before: Path = ("response", "body", *map(field_name, self.items), *([ELEMENT] if self.is_list else []))
        for rule in self.operation.described.answers.get(str(self.status), ()):
            found[rule.id] = rule, fields_of(rule, self.start, self.start, before)
        return found

    @property
    def at_most(self) -> Sequence[AtMost]:
        return self.operation.listing.at_most if self.operation.listing and self.is_list else ()

    def fields_of(self, at_most: AtMost) -> list[Field]:
        return fields_of(at_most.where, self.start, self.start, ("self",))

    @cached_property
    def fields(self) -> list[Field]:
        """All that any of them reads."""
        read = [*(fields for _, fields in self.rules.values()), *map(self.fields_of, self.at_most)]
        return list(dict.fromkeys(each for fields in read for each in fields))

    def rows(self, document: Any) -> Iterator[tuple[str, Pointer, Any]]:
        """The items of a page, each with its key and its place; of what is no list, the body."""
        if not self.is_list or self.operation.lists is None:
            yield "", (), document
            return
        page = self.operation.lists.read(document)
        for index, (key, item) in enumerate(zip(page.keys, page.items, strict=True) if page else ()):
            if key is not None:
                yield key, (*self.items, index), item

    def with_items(self, document: Any, items: Sequence[Any]) -> Any:
        return replaced(document, self.items, list(items)) if self.is_list else items[0]


def places() -> Iterator[Place]:
    for operation in contract().operations:
        for key, response in operation.described.operation.responses.items():
            body = schema_of(response)
            if key.isdecimal() and body.value is not True and int(key) not in operation.transient_statuses:
                yield Place(operation, int(key), body)


def kind_of(way: str) -> str:
    return "other_value" if way.startswith(AS) else way


def titled(read: Field, way: str) -> str:
    return f"{read.title}={way.removeprefix(AS)}" if way.startswith(AS) else read.title


@family
def rules() -> Iterator[Derived]:
    for place in places():
        for rule, fields in place.rules.values():
            hows = HOWS if rule.is_transition else [("", EVERYWHERE), ("", ONE_ROW)]
            for each in fields:
                for way in ways(each.shape):
                    for how, where in hows if place.is_list else OF_ONE[rule.is_transition]:
                        yield Derived(
                            (rule.node.pointer,),
                            kind_of(way) + (f"_{how}" if how else ""),
                            where,
                            f"{place.operation.name}.{place.status}.{rule.id}.{titled(each, way)}",
                            partial(built, place=place, rule=rule, field=each, way=way, how=how, where=where),
                        )


@family
def at_most() -> Iterator[Derived]:
    for place in places():
        for each in place.at_most:
            for read in place.fields_of(each):
                for way in ways(read.shape):
                    for where in (EVERYWHERE, "next_to_each_other", "far_apart"):
                        yield Derived(
                            (each.where.node.pointer,),
                            kind_of(way),
                            where,
                            f"{place.operation.name}.{place.status}.{each.where.id}.{titled(read, way)}",
                            partial(built_at_most, place=place, at_most=each, field=read, way=way, where=where),
                        )


@dataclass
class Search:
    """What becomes of items, where all that is wanted becomes of them."""

    place: Place
    request: Request
    document: Any
    """An answer, whose items are replaced."""
    rule: Rule | None = None
    """The one to be broken; none, if all are to hold."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def broken(self, item: Any, before: Any = MISSING) -> set[str]:
        """The rules that an item breaks, or its change since before."""
        place = self.place
        document = place.with_items(self.document, [item])
        earlier = {key: before for key, _, _ in place.rows(document)} if before is not MISSING else {}
        found = judge_rules(place.operation, self.request, place.status, document, earlier, self.now)
        return {name for name, verdicts in found.items() if any(each.result is Result.BROKEN for each in verdicts)}

    def is_wanted(self, item: Any, made: Any) -> bool:
        """Whether the rule is broken, and nothing else."""
        is_transition = self.rule is not None and self.rule.is_transition
        wanted = {self.rule.id} if self.rule else set()
        broken = self.broken(made, item if is_transition else MISSING)
        if is_transition and broken <= wanted:
            # What is changed may be changed back.
            broken |= self.broken(item, made)
        is_kept = is_valid(self.place.body, self.place.with_items(self.document, [made]))
        return broken == wanted and is_kept and not self.meets_more(item, made)

    def meets_more(self, item: Any, made: Any) -> bool:
        lists = self.place.operation.lists
        return any(
            lists is not None and self.rule is not None and lists.matching(each, [item, made]) == [False, True]
            for each in self.place.at_most
        )


def begun(world: World, place: Place, rule: Rule | None) -> tuple[Search, Changes, dict[str, Any]]:
    """The search, with the items by key. Raises Equivalent, if there are none."""
    answers = [each for each in samples(world, place.operation, place.status) if each.json is not MISSING]
    rows = {key: item for each in answers for key, _, item in place.rows(each.json)}
    if not rows:
        raise Equivalent("no answer of the correct server has such a value")
    search = Search(place, world.request(place.operation), answers[0].json, rule, world.began)
    return search, Changes(place.fields, list(rows.values())), rows


def built(world: World, place: Place, rule: Rule, field: Field, way: str, how: str, where: str) -> Built:
    search, changes, rows = begun(world, place, rule)
    many = OTHERS if how == MADE_UP else 1
    # By signature, what is done to such items.
    recipes: dict[str, list[Recipe]] = {}
    for item in changes.kinds_of_items():
        kind = changes.signature(item)
        if kind in recipes:
            continue
        found = list(islice(distinct(search, changes, field, way, item), many))
        if len(found) == many:
            recipes[kind] = found
    if not recipes:
        raise Equivalent(
            "no value that was tried, of those that the schema allows, breaks this rule and no other"
            if many == 1
            else f"there are no {many} values that the schema allows and that break this rule and no other"
        )
    row = None
    if where == ONE_ROW:
        keys = [key for key, item in rows.items() if changes.signature(item) in recipes]
        # Neither at the beginning nor at the end, where any reader would meet it.
        inner = keys[len(keys) // 4 : len(keys) * 3 // 4] or keys
        world.dice(f"{rule.id}{field.title}{way}").shuffle(inner)
        fitting = (key for key in inner if variants(search, changes, recipes, rows[key]))
        row = next(fitting, None)
        if row is None:
            raise Equivalent("no item of the correct server can be changed so")
    also = frozenset({GOES_BACK} if how and is_one_way(search, changes, recipes) else ())
    return Built(change_of(search, partial(variants, search, changes, recipes), row, how, where), also)


def is_one_way(search: Search, changes: Changes, recipes: dict[str, list[Recipe]]) -> bool:
    """Whether some item may change in one direction: then that it does so again and again is another matter."""
    pairs = [
        (item, made)
        for item in changes.kinds_of_items()
        for recipe in recipes.get(changes.signature(item), ())
        if (made := applied(recipe, item)) is not MISSING
    ]
    return any(not search.broken(*pair) for one, other in pairs for pair in ((one, other), (other, one)))


def distinct(search: Search, changes: Changes, field: Field, way: str, item: Any) -> Iterator[Recipe]:
    seen: list[Any] = []
    for recipe in changes.found(field, way, item, search.is_wanted):
        made = applied(recipe, item)
        if made not in seen and (not seen or search.rule is None or search.rule.id in search.broken(made, seen[-1])):
            seen.append(made)
            yield recipe


def variants(search: Search, changes: Changes, recipes: dict[str, list[Recipe]], item: Any) -> list[Any]:
    """What becomes of an item; nothing, if that would break something else."""
    made = [applied(recipe, item) for recipe in recipes.get(changes.signature(item), ())]
    return made if all(each is not MISSING and search.is_wanted(item, each) for each in made) else []


def change_of(search: Search, others: Callable[[Any], list[Any]], row: str | None, how: str, where: str) -> Change:
    place, operation = search.place, search.place.operation
    numbers, answers = count(), count()
    turns: dict[str, int] = {}
    known: dict[str, tuple[Any, list[Any]]] = {}

    def made_of(key: str, item: Any) -> Any:
        if key not in known or known[key][0] != item:
            known[key] = item, others(item)
        made = known[key][1]
        turns[key] = turn = turns.get(key, -1) + 1
        if not made or (how == BY_TURNS and turn % 2 == 0) or (how == IN_PHASES and phase // PHASE % 2 == 0):
            return item
        return made[turn % len(made)]

    phase = 0

    async def change(asked: Asked, ask: Ask) -> Answer:
        nonlocal phase
        answer = await ask(asked)
        if not operation.address.fullmatch(asked.path) or asked.method != operation.method:
            return answer
        if answer.status != place.status or (where == ONE_IN_THREE and next(numbers) % 3 != 2):
            return answer
        document = answer.json
        if document is MISSING:
            return answer
        phase = next(answers)
        search.request, search.now = request_of(operation, asked), datetime.now(UTC)
        found = list(place.rows(document))
        for key, there, item in found:
            if row in (None, key):
                document = replaced(document, there, made_of(key, item))
        return answer.replaced(body=document)

    return change


def built_at_most(world: World, place: Place, at_most: AtMost, field: Field, way: str, where: str) -> Built:
    """Items that do not meet the condition, and then do: as many as are one too many, or all."""
    search, changes, rows = begun(world, place, None)
    lists = place.operation.lists
    assert lists is not None
    met = dict(zip(rows, lists.matching(at_most, list(rows.values())), strict=True))

    def is_wanted(item: Any, made: Any) -> bool:
        return lists.matching(at_most, [item, made]) == [False, True] and search.is_wanted(item, made)

    recipes: dict[str, list[Recipe]] = {}
    for item in changes.kinds_of_items():
        found = next(changes.found(field, way, item, is_wanted), None)
        if found:
            recipes.setdefault(changes.signature(item), [found])
    keys = [key for key, item in rows.items() if variants(search, changes, recipes, item) and not met[key]]
    wanted = at_most.count + 1 - sum(met.values())
    if len(keys) < wanted:
        raise Equivalent("no items of the correct server can be changed so that they meet it")
    chosen = frozenset(keys if where == EVERYWHERE else keys[:wanted] if where != "far_apart" else keys[-wanted:])

    def others(item: Any) -> list[Any]:
        return variants(search, changes, recipes, item) if lists.key(item) in chosen else []

    return Built(change_of(search, others, None, "", where))
