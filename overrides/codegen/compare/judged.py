"""Compares `x-judged`: the order of checks, and each stage."""

from __future__ import annotations

from codegen.compare.comparison import Comparison
from codegen.compare.extensions import changed_pair, compare_presence
from codegen.extensions.model import ANY, Stage, judgement_order, stages
from codegen.openapi import Node, Operation


def compare_judged(comparison: Comparison, old: Operation, new: Operation) -> None:
    """Compare `x-judged`."""
    pair = changed_pair(comparison, "x-judged", old.node, new.node, "x-judged")
    if pair is None or not compare_presence(comparison, "judged", "x-judged", *pair):
        return
    here, there = pair
    before, after = (stages(each) for each in pair)
    matched: list[tuple[Stage, Stage]] = []
    # The stage `any` has no place in the order.
    rest = [stage for stage in after if stage.name != ANY]
    for stage in (each for each in before if each.name != ANY):
        place = f"x-judged {stage.name}"
        other = _counterpart(stage, rest, old, new)
        if other is not None:
            rest.remove(other)
            matched.append((stage, other))
        else:
            # A removed status is reported by itself.
            kind = "stage-removed" if _known(stage.statuses, new) else "stage-follows"
            comparison.note(kind, place, "stage removed", stage.node.pointer, there.pointer)
    for stage in rest:
        comparison.note("stage-added", f"x-judged {stage.name}", "stage added", here.pointer, stage.node.pointer)
    order = [after.index(other) for _, other in matched]
    if order != sorted(order):
        what = f"{judgement_order(after)} instead of {judgement_order(before)}"
        comparison.note("judged-order", "x-judged", what, here.pointer, there.pointer)
    matched.append((_any_stage(here, before), _any_stage(there, after)))
    for stage, other in matched:
        place = f"x-judged {stage.name}"
        _compare_statuses(comparison, place, (stage, old), (other, new))
        if _parameter(stage, old) != _parameter(other, new):
            what = f"parameter {other.parameter or 'none'} instead of {stage.parameter or 'none'}"
            at = stage.node.at("parameter").pointer, other.node.at("parameter").pointer
            comparison.note("stage-other", place, what, *at)
        if stage.hides_other_tenants != other.hides_other_tenants:
            kind = "stage-narrower" if other.hides_other_tenants else "stage-wider"
            word = "is" if other.hides_other_tenants else "need not be"
            what = f"a resource of another tenant {word} answered like one that does not exist"
            at = stage.node.at("hides_other_tenants").pointer, other.node.at("hides_other_tenants").pointer
            comparison.note(kind, place, what, *at)


def _counterpart(stage: Stage, others: list[Stage], old: Operation, new: Operation) -> Stage | None:
    """Return the stage with the same name; of several, the one with the same parameter."""
    alike = [other for other in others if other.name == stage.name]
    same = [other for other in alike if _parameter(other, new) == _parameter(stage, old)]
    return next(iter([*same, *alike]), None)


def _parameter(stage: Stage, operation: Operation) -> tuple[str, str] | None:
    """Return the key of a stage's parameter. Path parameters are identified by position, as names are not sent."""
    keys = {node.at("name").value: key for key, node in operation.parameters.items()}
    return keys.get(stage.parameter, ("", stage.parameter)) if stage.parameter else None


def _any_stage(holder: Node, found: tuple[Stage, ...]) -> Stage:
    """Return all stages `any` as one."""
    named = [stage for stage in found if stage.name == ANY]
    statuses = tuple(status for stage in named for status in stage.statuses)
    return Stage(named[0].node if named else holder, ANY, statuses)


def _compare_statuses(
    comparison: Comparison, place: str, old: tuple[Stage, Operation], new: tuple[Stage, Operation]
) -> None:
    (here, before), (there, after) = old, new
    removed = set(here.statuses) - set(there.statuses)
    added = set(there.statuses) - set(here.statuses)
    if not removed and not added:
        return
    what = f"{_listed(there.statuses)} instead of {_listed(here.statuses)}"
    # A status that the other document lacks is reported by itself.
    removed, added = _known(removed, after), _known(added, before)
    kind = "other" if removed and added else "narrower" if removed else "wider" if added else "follows"
    comparison.note(f"stage-{kind}", place, what, here.node.at("status").pointer, there.node.at("status").pointer)


def _known(statuses: set[int] | tuple[int, ...], operation: Operation) -> set[int]:
    keys = operation.responses.keys()
    return {each for each in statuses if keys & {str(each), f"{str(each)[0]}XX", "default"}}


def _listed(statuses: tuple[int, ...]) -> str:
    return " or ".join(map(str, sorted(set(statuses)))) or "none"
