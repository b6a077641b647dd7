"""Mutants of `x-judged`: stages of validation are skipped, refuse with another status, or run in another order."""

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

from .base import EVERYWHERE, ONE_IN_THREE, BuiltMutant, DerivedMutant, Equivalent, family
from .baseline import Baseline
from .examples import AT_ONCE, RETRY_AFTER, example_response
from .middleware import Forward, HttpRequest, HttpResponse, replace_at
from .reroute import (
    ONE_PAGE,
    ReplaceResponse,
    condition_for,
    parent_of,
    raise_equivalent,
    replace_responses,
    sample_response,
    title_with,
    unknown_parent,
    with_credentials,
    with_json_body,
    with_parent,
)

WHERES: tuple[str, ...] = (EVERYWHERE, ONE_IN_THREE)
REFUSAL = "another_refusal"
HIDDEN = "only the server knows whether it belongs to another tenant"
MakeReplacement = Callable[[Baseline, Operation], ReplaceResponse]
"""Raises Equivalent."""


@family
def judgement() -> Iterator[DerivedMutant]:
    for operation in contract().operations:
        stages = [stage for stage in operation.described.judged if stage.name != "any"]
        for stage in stages:
            yield from stage_mutants(operation, stage)
            for other in stages:
                for status in sorted(operation.statuses.intersection(other.statuses).difference(stage.statuses)):
                    # The status for wrong credentials means nothing else.
                    promised = other if other.name == "credentials" else stage
                    make: MakeReplacement = partial(refuse_as, stage, status)
                    detail, wheres = f"{stage.name}={status}", WHERES
                    if stage.name == "access" and status in operation.refused("existence"):
                        impossible = partial(raise_equivalent, HIDDEN)
                        yield from mutants_of(operation, promised, REFUSAL, detail, impossible, (EVERYWHERE,))
                        wheres = (ONE_IN_THREE,)
                    yield from mutants_of(operation, promised, REFUSAL, detail, make, wheres)
        for first, second in combinations(stages, 2):
            make = partial(swap_stages, first, second)
            yield from mutants_of(operation, first, "judged_late", second.name, make, (EVERYWHERE,))
        for stage in operation.described.judged:
            if stage.name == "any":
                yield from unavailable_mutants(operation, stage, stages)


def mutants_of(
    operation: Operation,
    stage: Stage,
    kind: str,
    detail: str,
    make: MakeReplacement,
    wheres: tuple[str, ...] = WHERES,
    also_failing: tuple[str, ...] = (),
) -> Iterator[DerivedMutant]:
    def build(baseline: Baseline, where: str) -> BuiltMutant:
        mutation = replace_responses(operation, make(baseline, operation), condition_for(where, operation))
        return BuiltMutant(mutation, frozenset(also_failing))

    for where in wheres:
        title = title_with(f"{operation.name}!{stage.name}", detail)
        yield DerivedMutant((stage.node.pointer,), kind, where, title, partial(build, where=where))


def stage_mutants(operation: Operation, stage: Stage) -> Iterator[DerivedMutant]:
    if stage.name in ("existence", "access") and operation.listing:
        # With an empty page: nothing else is wrong with it.
        yield from mutants_of(operation, stage, "stage_left_out", "", partial(skip_stage, stage, is_empty=True))
    elif stage.name == "existence":
        also_failing = (*CLASSES.get("rules", ()), *CLASSES.get("changes", ()))
        skip = partial(skip_stage, stage)
        yield from mutants_of(operation, stage, "stage_left_out", "", skip, also_failing=also_failing)
    elif stage.name != "state":
        yield from mutants_of(operation, stage, "stage_left_out", "", partial(skip_stage, stage))
    if stage.name == "existence" and operation.is_safe:
        also_failing = (*CLASSES["rules"], *CLASSES["paging"])
        skip = partial(skip_stage, stage, is_similar=True)
        yield from mutants_of(operation, stage, "nearly_one_found", "", skip, (EVERYWHERE,), also_failing)
    if stage.hides_other_tenants:
        for detail, mark in (("text", with_other_text), ("header", with_extra_header)):
            make = partial(reveal_hidden, mark, ("existence",))
            yield from mutants_of(operation, stage, "told_apart", detail, make, (EVERYWHERE, ONE_PAGE))
        for before in ("credentials", "parameters"):
            if operation.refused(before) and can_fail_both(operation, before, "existence"):
                make = partial(reveal_hidden, with_other_text, (before,))
                yield from mutants_of(operation, stage, "told_apart", before, make, (EVERYWHERE,))


def repair(baseline: Baseline, operation: Operation, request: HttpRequest, stage: Stage) -> HttpRequest:
    """Return the request changed so that it passes this stage."""
    ids = baseline.target.ids_of(operation)
    if stage.name == "credentials":
        return with_credentials(baseline, operation, request)
    if stage.name == "parameters":
        for name, parameter in operation.query.items():
            if parameter.judge(request.values(name)) != VALID:
                request = request.with_value(name)
        if operation.request_body:
            request = with_json_body(request, next(operation.request_body.samples()))
        if not operation.parent or in_path(operation).judge_one(parent_of(operation, request)) == VALID:
            return request
    return with_parent(operation, request, ids.readable[0]) if ids.readable else request


def in_path(operation: Operation) -> Parameter:
    return operation.in_path[operation.parent]


def skip_stage(
    stage: Stage, baseline: Baseline, operation: Operation, *, is_empty: bool = False, is_similar: bool = False
) -> ReplaceResponse:
    """Answer requests that fail a stage as if they passed it.

    Args:
        stage: The stage.
        baseline: The correct server.
        operation: The operation.
        is_empty: Answer with an empty page.
        is_similar: Only for ids that differ from a known one in a single character.
    """
    known = baseline.target.ids_of(operation).readable

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        if response.status not in stage.statuses:
            return None
        if is_similar and parent_of(operation, request) not in map(similar_id, known):
            return None
        passed = await forward(repair(baseline, operation, request, stage))
        return emptied(operation, passed) if is_empty else passed

    return replacement


def emptied(operation: Operation, response: HttpResponse) -> HttpResponse:
    listing, document = operation.listing, response.json
    if listing is None or response.status != operation.page_status:
        return response
    for name, value in ((listing.items, []), (listing.total, 0), (listing.next_cursor, None)):
        if name:
            document = replace_at(document, name.split("."), value)
    return response.replace(body=document)


def refuse_as(stage: Stage, status: int, baseline: Baseline, operation: Operation) -> ReplaceResponse:
    """Refuse with status and body of another refusal."""
    other = sample_response(baseline, operation, status)

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        return other if response.status in stage.statuses else None

    return replacement


def swap_stages(first: Stage, second: Stage, baseline: Baseline, operation: Operation) -> ReplaceResponse:
    """Requests that fail at both stages are refused as the second one does."""
    if set(first.statuses) == set(second.statuses):
        raise Equivalent("both refuse with the same status")
    if not can_fail_both(operation, first.name, second.name):
        raise Equivalent("no request fails at both: the same id decides")

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        if response.status not in first.statuses:
            return None
        later = repair(baseline, operation, request, first)
        if not operation.is_safe:
            # The second stage sees it, but nothing is changed.
            later = with_parent(operation, later, unknown_parent(baseline, operation))
        found = await forward(later)
        return found if found.status in second.statuses else None

    return replacement


def can_fail_both(operation: Operation, *stages: str) -> bool:
    """True if a request can fail at both stages. It cannot if both depend on the id in the path."""
    needs_parent = {"existence", "access", "state"}
    if not operation.query and operation.request_body is None:
        needs_parent |= {"parameters"}
    return not set(stages) <= needs_parent


def reveal_hidden(
    mark: Callable[[HttpResponse], HttpResponse], stages: tuple[str, ...], baseline: Baseline, operation: Operation
) -> ReplaceResponse:
    """Refusals for ids of another tenant differ from those for unknown ids."""
    # A safe operation needs no body.
    reader = next(each for each in contract().operations if each.is_safe and each.parent == operation.parent)
    foreign = baseline.target.ids_of(operation).foreign
    not_found = operation.refused("existence")
    hidden = [each for each in foreign if baseline.fetch(reader, each).status in not_found]
    if not hidden:
        raise Equivalent("no id of another tenant is known")
    statuses = operation.refused(*stages)

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        is_hidden = parent_of(operation, request).lower() in hidden
        return mark(response) if is_hidden and response.status in statuses else None

    return replacement


def with_other_text(response: HttpResponse) -> HttpResponse:
    return response.replace(body=reword(response.json))


def reword(value: Any) -> Any:
    """Return the JSON value with its first string changed."""
    if isinstance(value, str):
        return f"{value} (hidden)"
    if isinstance(value, dict) and value:
        key = next(iter(value))
        return {**value, key: reword(value[key])}
    return [reword(value[0]), *value[1:]] if isinstance(value, list) and value else value


def with_extra_header(response: HttpResponse) -> HttpResponse:
    return response.replace(headers={"x-hidden": "true"})


def unavailable_mutants(operation: Operation, stage: Stage, stages: list[Stage]) -> Iterator[DerivedMutant]:
    """A transient status is permanent: for the largest page, or for all refusals of one stage."""
    for status in stage.statuses:
        if status not in operation.statuses:
            continue
        make = partial(always_unavailable, (operation.page_status,), status)
        yield from mutants_of(operation, stage, "always_unavailable", str(status), make, (ONE_PAGE,))
        for refusing in stages:
            make = partial(always_unavailable, refusing.statuses, status)
            detail = f"{status}.{refusing.name}"
            yield from mutants_of(operation, stage, "always_unavailable", detail, make, (EVERYWHERE,))


def always_unavailable(
    statuses: tuple[int, ...], status: int, baseline: Baseline, operation: Operation
) -> ReplaceResponse:
    busy = example_response(operation, status).replace(headers={RETRY_AFTER: AT_ONCE})

    async def replacement(request: HttpRequest, forward: Forward, response: HttpResponse) -> HttpResponse | None:
        return busy if response.status in statuses else None

    return replacement
