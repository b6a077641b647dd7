"""From `x-judged`: requests that fail are let through, refused as something else, or judged in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import Any

from codegen.extensions import Stage
from tests.contract.checks.classes import CLASSES
from tests.contract.contract import contract
from tests.contract.operation import Operation
from tests.contract.parameter import VALID, Parameter
from tests.contract.target import similar_id

from .asking import (
    ONE_PAGE,
    Replace,
    answering,
    carrying,
    impossible,
    let_in,
    parent_of,
    sample,
    titled,
    unknown,
    when,
    with_parent,
)
from .exchange import Answer, Ask, Asked, replaced
from .making import EVERYWHERE, ONE_IN_THREE, Built, Derived, Equivalent, family
from .transient import AT_ONCE, RETRY_AFTER, made_up
from .world import World

WHERES: tuple[str, ...] = (EVERYWHERE, ONE_IN_THREE)
REFUSAL = "another_refusal"
HIDDEN = "whether it belongs to another tenant, only the server knows"
Make = Callable[[World, Operation], Replace]
"""Raises Equivalent."""


@family
def judgement() -> Iterator[Derived]:
    for operation in contract().operations:
        stages = [stage for stage in operation.described.judged if stage.name != "any"]
        for stage in stages:
            yield from of_stage(operation, stage)
            for other in stages:
                for status in sorted(operation.statuses.intersection(other.statuses).difference(stage.statuses)):
                    # What says that credentials are wrong is for nothing else.
                    promised = other if other.name == "credentials" else stage
                    make: Make = partial(as_another, stage, status)
                    detail, wheres = f"{stage.name}={status}", WHERES
                    if stage.name == "access" and status in operation.refused("existence"):
                        yield from each(
                            operation, promised, REFUSAL, detail, partial(impossible, HIDDEN), (EVERYWHERE,)
                        )
                        wheres = (ONE_IN_THREE,)
                    yield from each(operation, promised, REFUSAL, detail, make, wheres)
        for first, second in combinations(stages, 2):
            make = partial(overtaken, first, second)
            yield from each(operation, first, "judged_late", second.name, make, (EVERYWHERE,))
        for stage in operation.described.judged:
            if stage.name == "any":
                yield from unavailable(operation, stage, stages)


def each(
    operation: Operation,
    stage: Stage,
    kind: str,
    detail: str,
    make: Make,
    wheres: tuple[str, ...] = WHERES,
    also: tuple[str, ...] = (),
) -> Iterator[Derived]:
    def build(world: World, where: str) -> Built:
        return Built(answering(operation, make(world, operation), when(where, operation)), frozenset(also))

    for where in wheres:
        title = titled(f"{operation.name}!{stage.name}", detail)
        yield Derived((stage.node.pointer,), kind, where, title, partial(build, where=where))


def of_stage(operation: Operation, stage: Stage) -> Iterator[Derived]:
    through = partial(let_through, stage)
    if stage.name in ("existence", "access") and operation.listing:
        # Without items, so that nothing else is wrong with the page.
        yield from each(operation, stage, "stage_left_out", "", partial(let_through, stage, is_empty=True))
    elif stage.name != "state":
        wrong = tuple(check for kind in ("rules", "changes") for check in CLASSES.get(kind, ()))
        yield from each(
            operation, stage, "stage_left_out", "", through, also=wrong if stage.name == "existence" else ()
        )
    if stage.name == "existence" and operation.is_safe:
        wrong = (*CLASSES["rules"], *CLASSES["paging"])
        yield from each(
            operation, stage, "nearly_one_found", "", partial(let_through, stage, is_near=True), (EVERYWHERE,), wrong
        )
    if stage.hides_other_tenants:
        for detail, told in (("text", another_text), ("header", another_header)):
            make = partial(find_difference, told, ("existence",))
            yield from each(operation, stage, "told_apart", detail, make, (EVERYWHERE, ONE_PAGE))
        for before in ("credentials", "parameters"):
            if operation.refused(before) and fail_both(operation, before, "existence"):
                make = partial(find_difference, another_text, (before,))
                yield from each(operation, stage, "told_apart", before, make, (EVERYWHERE,))


def repaired(world: World, operation: Operation, asked: Asked, stage: Stage) -> Asked:
    """The same request, so that it does not fail at this stage."""
    ids = world.target.ids_of(operation)
    if stage.name == "credentials":
        return let_in(world, operation, asked)
    if stage.name == "parameters":
        for name, parameter in operation.query.items():
            if parameter.judge(asked.values(name)) != VALID:
                asked = asked.with_value(name)
        if operation.request_body:
            asked = carrying(asked, next(operation.request_body.samples()))
        if not operation.parent or in_path(operation).judge_one(parent_of(operation, asked)) == VALID:
            return asked
    return with_parent(operation, asked, ids.readable[0]) if ids.readable else asked


def in_path(operation: Operation) -> Parameter:
    return operation.in_path[operation.parent]


def let_through(
    stage: Stage, world: World, operation: Operation, *, is_empty: bool = False, is_near: bool = False
) -> Replace:
    """A request that fails a stage goes on; if it is about what is not to be seen, with an empty list."""
    known = world.target.ids_of(operation).readable

    async def instead(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        if answer.status not in stage.statuses:
            return None
        if is_near and parent_of(operation, asked) not in map(similar_id, known):
            return None
        through = await ask(repaired(world, operation, asked, stage))
        return emptied(operation, through) if is_empty else through

    return instead


def emptied(operation: Operation, answer: Answer) -> Answer:
    listing, document = operation.listing, answer.json
    if listing is None or answer.status != operation.page_status:
        return answer
    for name, value in ((listing.items, []), (listing.total, 0), (listing.next_cursor, None)):
        if name:
            document = replaced(document, name.split("."), value)
    return answer.replaced(body=document)


def as_another(stage: Stage, status: int, world: World, operation: Operation) -> Replace:
    """A refusal has the status of another one, and its body."""
    other = sample(world, operation, status)

    async def instead(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        return other if answer.status in stage.statuses else None

    return instead


def overtaken(first: Stage, second: Stage, world: World, operation: Operation) -> Replace:
    """Who fails at both stages is told of the second one."""
    if set(first.statuses) == set(second.statuses):
        raise Equivalent("both refuse with the same status")
    if not fail_both(operation, first.name, second.name):
        raise Equivalent("no request fails at both: one and the same id decides")

    async def instead(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        if answer.status not in first.statuses:
            return None
        later = repaired(world, operation, asked, first)
        if not operation.is_safe:
            # Judged by the second stage, and never done.
            later = with_parent(operation, later, unknown(world, operation))
        found = await ask(later)
        return found if found.status in second.statuses else None

    return instead


def fail_both(operation: Operation, *stages: str) -> bool:
    """Whether a request can fail at both: not if the parameter in the path has to be two things."""
    needs_parent = {"existence", "access", "state"}
    if not operation.query and operation.request_body is None:
        needs_parent |= {"parameters"}
    return not set(stages) <= needs_parent


def find_difference(
    told: Callable[[Answer], Answer], stages: tuple[str, ...], world: World, operation: Operation
) -> Replace:
    """Refusals for what belongs to another tenant differ from those for what is not there."""
    # By what may be asked without a body.
    asking = next(each for each in contract().operations if each.is_safe and each.parent == operation.parent)
    foreign = world.target.ids_of(operation).foreign
    hidden = [each for each in foreign if world.ask(asking, each).status in operation.refused("existence")]
    if not hidden:
        raise Equivalent("nothing is known that belongs to another tenant")
    statuses = operation.refused(*stages)

    async def instead(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        is_hidden = parent_of(operation, asked).lower() in hidden
        return told(answer) if is_hidden and answer.status in statuses else None

    return instead


def another_text(answer: Answer) -> Answer:
    return answer.replaced(body=reworded(answer.json))


def reworded(value: Any) -> Any:
    """The same JSON value with another first text."""
    if isinstance(value, str):
        return f"{value} (hidden)"
    if isinstance(value, dict) and value:
        key = next(iter(value))
        return {**value, key: reworded(value[key])}
    return [reworded(value[0]), *value[1:]] if isinstance(value, list) and value else value


def another_header(answer: Answer) -> Answer:
    return answer.replaced(headers={"x-hidden": "true"})


def unavailable(operation: Operation, stage: Stage, stages: list[Stage]) -> Iterator[Derived]:
    """What is to pass stays: for one page, or for what is refused at one stage."""
    for status in stage.statuses:
        if status not in operation.statuses:
            continue
        make = partial(never, (operation.page_status,), status)
        yield from each(operation, stage, "always_unavailable", str(status), make, (ONE_PAGE,))
        for refusing in stages:
            make = partial(never, refusing.statuses, status)
            yield from each(operation, stage, "always_unavailable", f"{status}.{refusing.name}", make, (EVERYWHERE,))


def never(statuses: tuple[int, ...], status: int, world: World, operation: Operation) -> Replace:
    busy = made_up(operation, status).replaced(headers={RETRY_AFTER: AT_ONCE})

    async def instead(asked: Asked, ask: Ask, answer: Answer) -> Answer | None:
        return busy if answer.status in statuses else None

    return instead
