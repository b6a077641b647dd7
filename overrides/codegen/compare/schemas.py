"""Compares schemas."""

from __future__ import annotations

from codegen.compare.comparison import Comparison, Side
from codegen.compare.extensions import compare_schema_rules
from codegen.openapi.document import Node
from codegen.openapi.schemas import (
    KINDS,
    Form,
    Schema,
    as_text,
    default_of,
    or_anything,
    pointer_of,
    tighter,
)
from codegen.text import shortened


def compare_schema(
    comparison: Comparison, side: Side, place: str, old: Schema, new: Schema, parameter: bool = False
) -> None:
    pair = (side, tuple(node.pointer for node in old), tuple(node.pointer for node in new))
    if pair in comparison.seen:
        return
    comparison.seen.add(pair)
    if side != "request":
        compare_schema_rules(comparison, place, old, new)
    compare_discriminators(comparison, place, old, new)
    at, there = pointer_of(old), pointer_of(new)
    canonical = comparison.canonical
    before = canonical.forms(old)
    for pointer, what in canonical.take_unreadable():
        comparison.note("unreadable", place, what, pointer, there)
    after = canonical.forms(new)
    for pointer, what in canonical.take_unreadable():
        comparison.note("unreadable", place, what, at, pointer)
    if parameter:
        # A parameter cannot be null, only omitted: `required` covers that.
        before, after = ([form for form in forms if form.kind != "null"] or forms for forms in (before, after))
    at, there = (forms[0].pointer if forms else pointer for forms, pointer in ((before, at), (after, there)))
    compare_kinds(comparison, side, place, before, after, f"{at}/type", f"{there}/type")
    for kind in ("boolean", "number", "integer", "string", "array", "object"):
        # An integer is compared with a number if the other side has no integer.
        ours = [form for form in before if form.kind == kind]
        theirs = [form for form in after if form.kind == kind]
        if kind == "integer" and not (ours and theirs):
            ours, theirs = ([f for f in forms if f.kind in ("integer", "number")] for forms in (before, after))
            if {form.kind for form in ours} == {form.kind for form in theirs}:
                continue
        compare_match(comparison, side, place, ours, theirs)


def compare_default(comparison: Comparison, place: str, old: Node, new: Node) -> None:
    before, after = default_of(old), default_of(new)
    # A default of null is the same as none.
    texts = [None if node is None or node.value is None else as_text(node.value) for node in (before, after)]
    if texts[0] != texts[1]:
        kind = "default-removed" if texts[1] is None else "default-added" if texts[0] is None else "default-changed"
        shown = [shortened(text) if text is not None else "none" for text in texts]
        what = f"default {shown[1]} instead of {shown[0]}"
        comparison.note(kind, place, what, (before or old).pointer, (after or new).pointer)


def compare_discriminators(comparison: Comparison, place: str, old: Schema, new: Schema) -> None:
    """Compare discriminators: the property, and the schema for each value."""
    here, there = (_discriminator(comparison, schema) for schema in (old, new))
    if here is None or there is None:
        if here is not there:
            kind, what = ("tag-added", "added") if here is None else ("tag-removed", "removed")
            at = [each.pointer if each else _resolved(schema) for each, schema in ((here, old), (there, new))]
            comparison.note(kind, place, f"discriminator {what}", at[0], at[1])
        return
    names = [str(each.at("propertyName").value) for each in (here, there)]
    if names[0] != names[1]:
        what = f"discriminator {shortened(names[1])} instead of {shortened(names[0])}"
        comparison.note("tag-changed", place, what, here.pointer, there.pointer)
    before, after = (dict(each.at("mapping").items()) for each in (here, there))
    # An added or removed value belongs to an added or removed alternative, which is reported.
    for value in (value for value in before if value in after):
        targets = [_target(each[value]) for each in (before, after)]
        at = [
            target.pointer if target else each[value].pointer
            for target, each in zip(targets, (before, after), strict=True)
        ]
        if None in targets or at[0] != at[1]:
            pair = tuple((target,) for target in targets if target is not None)
            if len(pair) == 2 and _is_alike(comparison, *pair):
                continue
            what = f"{shortened(value)} selects another schema"
            comparison.note("tag-changed", place, what, before[value].pointer, after[value].pointer)


def _discriminator(comparison: Comparison, schema: Schema) -> Node | None:
    queue, seen = list(schema), set[str]()
    while queue:
        comparison.canonical.step()
        node = queue.pop()
        if node.pointer in seen:
            continue
        seen.add(node.pointer)
        if isinstance(node.at("discriminator").value, dict):
            return node.at("discriminator")
        queue += node.at("allOf").elements()
        if "$ref" in node and (target := node.resolved()):
            queue.append(target)
    return None


def _resolved(schema: Schema) -> str:
    return (schema[-1].resolved() or schema[-1]).pointer if schema else "#"


def _target(node: Node) -> Node | None:
    """Return the schema that an entry of a discriminator's mapping names, by `$ref` or by name."""
    text = str(node.value)
    found = node.document.find(text) or node.document.find(f"#/components/schemas/{text}")
    return (found.resolved() or found) if found else None


def _is_alike(comparison: Comparison, old: Schema, new: Schema) -> bool:
    trial = comparison.trial()
    compare_schema(trial, "response", "", old, new)
    return not trial.found


def compare_kinds(
    comparison: Comparison, side: Side, place: str, old: list[Form], new: list[Form], at: str, there: str
) -> None:
    before, after = ({form.kind for form in forms} for forms in (old, new))
    removed = {kind for kind in before - after if not (kind == "integer" and "number" in after)}
    added = {kind for kind in after - before if not (kind == "integer" and "number" in before)}
    if not removed and not added:
        return
    effect = "other" if (removed and added) or not after else "narrower" if removed else "wider"
    if effect == "wider" and added == {"null"}:
        what = "null allowed"
    elif effect == "narrower" and removed == {"null"}:
        what = "null not allowed"
    else:
        what = f"{_kinds(after)} instead of {_kinds(before)}"
    comparison.note(f"{side}-{effect}", place, what, at, there)


def compare_match(comparison: Comparison, side: Side, place: str, old: list[Form], new: list[Form]) -> None:
    """Compare the forms of one type: matches equal forms first, the rest in order."""
    if not old or not new:
        return
    rest = list(new)
    unmatched = []
    for form in old:
        same = next(
            (other for other in rest if len(old) + len(new) > 2 and compare_same(comparison, side, form, other)), None
        )
        if same is None:
            unmatched.append(form)
        else:
            rest.remove(same)
    if (tag := _tag(comparison, [*old, *new])) and (len(old) > 1 or len(new) > 1):
        compare_tagged(comparison, side, place, tag, (old, unmatched), (new, rest))
        return
    for form, other in zip(unmatched, rest, strict=False):
        compare_form(comparison, side, place, form, other)
    if len(unmatched) != len(rest):
        effect = "wider" if len(unmatched) < len(rest) else "narrower"
        what = f"{len(new)} alternatives of type {new[0].kind} instead of {len(old)}"
        comparison.note(f"{side}-{effect}", place, what, old[0].pointer, new[0].pointer)


def compare_tagged(
    comparison: Comparison,
    side: Side,
    place: str,
    tag: str,
    old: tuple[list[Form], list[Form]],
    new: tuple[list[Form], list[Form]],
) -> None:
    """Compare alternatives with a discriminating field. `old` and `new` are (all forms, forms that differ)."""
    before, after = ({_value(comparison, form, tag): form for form in forms[1]} for forms in (old, new))
    for value, form in before.items():
        if value in after:
            compare_form(comparison, side, place, form, after[value])
        else:
            what = f"alternative with {tag} {shortened(value)} removed"
            comparison.note(f"{side}-narrower", place, what, form.pointer, new[0][0].pointer)
    for value, form in after.items():
        if value not in before:
            # With several alternatives, clients keep an unknown one, as they keep unknown enum values.
            is_kept = side != "request" and len(old[0]) > 1
            what = f"alternative with {tag} {shortened(value)} added"
            comparison.note("value-added" if is_kept else f"{side}-wider", place, what, old[0][0].pointer, form.pointer)


def _tag(comparison: Comparison, forms: list[Form]) -> str:
    """Return the field that discriminates alternatives: required, and constant in each. Empty if there is none."""
    if not forms or any(form.kind != "object" for form in forms):
        return ""
    for name in forms[0].properties:
        if all(name in form.properties and name in (form.limit("required") or ()) for form in forms) and all(
            _value(comparison, form, name) for form in forms
        ):
            return name
    return ""


def _value(comparison: Comparison, form: Form, name: str) -> str:
    """Return the only value of a field, as JSON; empty if it has several."""
    found = comparison.canonical.forms(form.properties[name])
    values = found[0].limit("values") if len(found) == 1 else None
    return next(iter(values)) if values and len(values) == 1 else ""


def compare_same(comparison: Comparison, side: Side, old: Form, new: Form) -> bool:
    trial = comparison.trial()
    compare_form(trial, side, "", old, new)
    return not trial.found


def compare_form(comparison: Comparison, side: Side, place: str, old: Form, new: Form) -> None:
    """Compare two forms of one type."""
    comparison.canonical.step()
    for keyword in sorted(old.limits.keys() | new.limits.keys()):
        compare_limit(comparison, side, place, keyword, old, new)
    if old.kind == "array":
        compare_schema(comparison, side, f"{place}[]", or_anything(old.items, old), or_anything(new.items, new))
    if old.kind == "object":
        compare_fields(comparison, side, place, old, new)


def compare_limit(comparison: Comparison, side: Side, place: str, keyword: str, old: Form, new: Form) -> None:
    before, after = old.limit(keyword), new.limit(keyword)
    if before == after:
        return
    effect = "other"
    if keyword in ("minimum", "maximum") or keyword.startswith(("min", "max")):
        shown = [
            f"{value[1]} {shortened(as_text(value[0]))}" if value else f"no {keyword}" for value in (before, after)
        ]
        if before is None or after is None:
            effect = "narrower" if before is None else "wider"
        else:
            effect = "narrower" if tighter(keyword, before, after) == after else "wider"
        what = f"{shown[1]} instead of {shown[0]}"
    elif keyword == "values":
        compare_values(comparison, side, place, old, new)
        return
    elif keyword == "closed":
        effect = "narrower" if after else "wider"
        what = "additional fields forbidden" if after else "additional fields allowed"
        if side != "request" and effect == "wider":
            comparison.note("opened", place, what, old.place(keyword), new.place(keyword))
            return
        if side == "body":
            # The client keeps additional fields in any case.
            side = "response"
    elif keyword == "required":
        # compare_fields does this.
        return
    else:
        before, after = before or frozenset(), after or frozenset()
        if keyword == "other":
            # Unknown keywords: their effect is unknown.
            effect = "other"
        elif before < after:
            effect = "narrower"
        elif after < before:
            effect = "wider"
        name = "" if keyword == "other" else f"{keyword} "
        shown = [
            name + shortened(", ".join(sorted(value))) if value else f"no {name or 'such rule'}".strip()
            for value in (before, after)
        ]
        what = f"{shown[1]} instead of {shown[0]}"
    comparison.note(f"{side}-{effect}", place, what, old.place(keyword), new.place(keyword))


def compare_values(comparison: Comparison, side: Side, place: str, old: Form, new: Form) -> None:
    before, after = old.limit("values"), new.limit("values")
    at, there = old.place("values"), new.place("values")
    if after is None:
        comparison.note(f"{side}-wider", place, f"any {new.kind} instead of {_shown_values(before)}", at, there)
    elif before is None:
        kind = "request-narrower" if side == "request" else "response-narrower"
        comparison.note(kind, place, f"only {_shown_values(after)} instead of any {old.kind}", at, there)
    else:
        if added := after - before:
            kind = "value-added" if side != "request" else "request-wider"
            comparison.note(kind, place, f"{_shown_values(added)} added", at, there)
        if removed := before - after:
            # The client accepts any value.
            kind = "request-narrower" if side == "request" else "response-narrower"
            comparison.note(kind, place, f"{_shown_values(removed)} removed", at, there)


def compare_fields(comparison: Comparison, side: Side, place: str, old: Form, new: Form) -> None:
    needed, needs = (form.limit("required") or frozenset() for form in (old, new))
    for name in [*old.properties, *(name for name in new.properties if name not in old.properties)]:
        here = f"{place}.{name}"
        before, after = old.properties.get(name), new.properties.get(name)
        at = pointer_of(before) if before else old.pointer
        there = pointer_of(after) if after else new.pointer
        if before and after:
            compare_schema(comparison, side, here, before, after)
            if side == "request":
                compare_default(comparison, here, before[-1], after[-1])
            if (name in needed) != (name in needs):
                effect = "narrower" if name in needs else "wider"
                what = "required" if name in needs else "not required"
                comparison.note(f"{side}-{effect}", here, what, old.place("required"), new.place("required"))
        elif before and side != "request":
            comparison.note("field-removed", here, "field removed", at, there)
        elif before:
            effect = "other" if name in needed else "narrower" if new.limit("closed") else "wider"
            comparison.note(f"request-{effect}", here, "field removed", at, there)
        else:
            kind = "required-field-added" if name in needs else "field-added"
            if side == "request":
                kind = "request-narrower" if name in needs else "request-wider"
            elif side == "response" and name in needs:
                # The client reads an error body leniently.
                kind = "response-narrower"
            word = "required" if name in needs else "optional"
            comparison.note(kind, here, f"field added, {word}", at, there)
    # Required fields without a schema.
    for name in sorted((needed ^ needs) - old.properties.keys() - new.properties.keys()):
        effect = "narrower" if name in needs else "wider"
        what = "required" if name in needs else "not required"
        comparison.note(f"{side}-{effect}", f"{place}.{name}", what, old.place("required"), new.place("required"))
    if not old.limit("closed") and not new.limit("closed"):
        compare_schema(comparison, side, f"{place}.*", or_anything(old.items, old), or_anything(new.items, new))


def _kinds(kinds: set[str]) -> str:
    if kinds >= set(KINDS):
        return "anything"
    return " or ".join(kind for kind in (*KINDS[1:], "integer", "null") if kind in kinds) or "nothing"


def _shown_values(values: frozenset[str]) -> str:
    return shortened(", ".join(text.strip('"') for text in sorted(values)))
