"""Mutants of rules (`x-rules`, `at_most`): an edit of items that breaks one rule and nothing else.

The edit is searched for: a field that the rule reads gets another value that its schema allows, such as a neighbour's
or a time one second off, and a second field if necessary. Only edits that keep the schema and all other rules are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

from codegen.extensions import AtMost, Rule
from codegen.openapi import schema_of
from tests.contract.contract import contract

from .base import EVERYWHERE, ONE_IN_THREE, ONE_ROW, BuiltMutant, DerivedMutant, Equivalent, family
from .baseline import Baseline
from .fields import AS, Edits, Field, apply_edits, edit_kinds
from .rule_edits import BY_TURNS, IN_PHASES, MADE_UP, DocumentedResponse, Editor, edit_responses, editor_for

# No phases for a single row: a run may see it change only once, which is allowed.
TRANSITION_SCHEDULES = [(BY_TURNS, EVERYWHERE), (BY_TURNS, ONE_ROW), (IN_PHASES, EVERYWHERE), (MADE_UP, ONE_ROW)]
SCHEDULES = [("", EVERYWHERE), ("", ONE_ROW)]
# Of responses that are no list.
SINGLE_TRANSITION_SCHEDULES = [(BY_TURNS, EVERYWHERE)]
SINGLE_SCHEDULES = [("", EVERYWHERE), ("", ONE_IN_THREE)]
# The check that no item returns to an earlier state.
GOES_BACK = "items_do_not_go_back"
# How many versions of an item the schedule MADE_UP shows.
VERSIONS = 4


def documented_responses() -> Iterator[DocumentedResponse]:
    for operation in contract().operations:
        for key, response in operation.described.operation.responses.items():
            body = schema_of(response)
            if key.isdecimal() and body.value is not True and int(key) not in operation.transient_statuses:
                yield DocumentedResponse(operation, int(key), body)


def schedules_of(response: DocumentedResponse, rule: Rule) -> list[tuple[str, str]]:
    if response.is_list:
        return TRANSITION_SCHEDULES if rule.is_transition else SCHEDULES
    return SINGLE_TRANSITION_SCHEDULES if rule.is_transition else SINGLE_SCHEDULES


def kind_of(edit_kind: str) -> str:
    return "other_value" if edit_kind.startswith(AS) else edit_kind


def title_of(response: DocumentedResponse, rule: Rule, field: Field, edit_kind: str) -> str:
    value = f"={edit_kind.removeprefix(AS)}" if edit_kind.startswith(AS) else ""
    return f"{response.operation.name}.{response.status}.{rule.id}.{field.title}{value}"


@family
def rules() -> Iterator[DerivedMutant]:
    for response in documented_responses():
        for rule, fields in response.rules.values():
            for field in fields:
                for edit_kind in edit_kinds(field.shape):
                    title = title_of(response, rule, field, edit_kind)
                    build = partial(build_mutant, response=response, rule=rule, field=field, edit_kind=edit_kind)
                    for schedule, where in schedules_of(response, rule):
                        yield DerivedMutant(
                            (rule.node.pointer,),
                            kind_of(edit_kind) + (f"_{schedule}" if schedule else ""),
                            where,
                            title,
                            partial(build, schedule=schedule, where=where),
                        )


@family
def at_most() -> Iterator[DerivedMutant]:
    for response in documented_responses():
        for each in response.at_most:
            for field in response.fields_of(each):
                for edit_kind in edit_kinds(field.shape):
                    title = title_of(response, each.where, field, edit_kind)
                    build = partial(build_at_most, response=response, at_most=each, field=field, edit_kind=edit_kind)
                    for where in (EVERYWHERE, "next_to_each_other", "far_apart"):
                        yield DerivedMutant(
                            (each.where.node.pointer,), kind_of(edit_kind), where, title, partial(build, where=where)
                        )


def build_mutant(
    baseline: Baseline,
    response: DocumentedResponse,
    rule: Rule,
    field: Field,
    edit_kind: str,
    schedule: str,
    where: str,
) -> BuiltMutant:
    editor = editor_for(baseline, response, rule)
    versions = VERSIONS if schedule == MADE_UP else 1
    for item in editor.generator.representative_items():
        signature = editor.generator.signature(item)
        if signature not in editor.edits:
            found = list(islice(distinct_edits(editor, field, edit_kind, item), versions))
            if len(found) == versions:
                editor.edits[signature] = found
    if not editor.edits:
        raise Equivalent(
            "no tried value that the schema allows breaks only this rule"
            if versions == 1
            else f"fewer than {versions} tried values that the schema allows break only this rule"
        )
    row = editable_row(baseline, editor, rule, field, edit_kind) if where == ONE_ROW else None
    also_failing = frozenset({GOES_BACK} if schedule and editor.is_one_way() else ())
    return BuiltMutant(edit_responses(editor.check, editor.variants, row, schedule, where), also_failing)


def editable_row(baseline: Baseline, editor: Editor, rule: Rule, field: Field, edit_kind: str) -> str:
    """Return the key of an item that can be edited. Raises Equivalent if there is none."""
    keys = [key for key, item in editor.items.items() if editor.generator.signature(item) in editor.edits]
    # Not near either end of the list, where every reader looks.
    inner = keys[len(keys) // 4 : len(keys) * 3 // 4] or keys
    baseline.rng(f"{rule.id}{field.title}{edit_kind}").shuffle(inner)
    for key in inner:
        if editor.variants(editor.items[key]):
            return key
    raise Equivalent("no item of the correct server can be edited so")


def distinct_edits(editor: Editor, field: Field, edit_kind: str, item: Any) -> Iterator[Edits]:
    """Yield edits with different results; from one result to the next, the rule is broken as well."""
    check = editor.check
    seen: list[Any] = []
    for edits in editor.generator.search(field, edit_kind, item, check.accepts):
        edited = apply_edits(edits, item)
        if edited not in seen and (not seen or check.rule is None or check.rule.id in check.broken(edited, seen[-1])):
            seen.append(edited)
            yield edits


def build_at_most(
    baseline: Baseline, response: DocumentedResponse, at_most: AtMost, field: Field, edit_kind: str, where: str
) -> BuiltMutant:
    """Edit items so that they meet the condition of `at_most`: one more than allowed, or all."""
    editor = editor_for(baseline, response, None)
    lists = response.operation.lists
    assert lists is not None
    is_met = dict(zip(editor.items, lists.matching(at_most, list(editor.items.values())), strict=True))

    def is_wanted(item: Any, edited: Any) -> bool:
        return lists.matching(at_most, [item, edited]) == [False, True] and editor.check.accepts(item, edited)

    for item in editor.generator.representative_items():
        found = next(editor.generator.search(field, edit_kind, item, is_wanted), None)
        if found:
            editor.edits.setdefault(editor.generator.signature(item), [found])
    keys = [key for key, item in editor.items.items() if editor.variants(item) and not is_met[key]]
    wanted = at_most.count + 1 - sum(is_met.values())
    if len(keys) < wanted:
        raise Equivalent("too few items of the correct server can be edited to meet the condition")
    if where != EVERYWHERE:
        keys = keys[-wanted:] if where == "far_apart" else keys[:wanted]
    chosen = frozenset(keys)

    def variants_of(item: Any) -> list[Any]:
        return editor.variants(item) if lists.key(item) in chosen else []

    return BuiltMutant(edit_responses(editor.check, variants_of, None, "", where))
