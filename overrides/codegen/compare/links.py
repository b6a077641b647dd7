"""Compares `links`."""

from __future__ import annotations

from codegen.compare.comparison import Comparison
from codegen.openapi.document import Document, Node
from codegen.openapi.operations import Operation, followed_entries, operations
from codegen.openapi.schemas import as_text
from codegen.text import shortened


def has_links(document: Document) -> bool:
    """True if a response of a document has links."""
    found = operations(document).values()
    return any("links" in response for operation in found for response in operation.responses.values())


def compare_links(comparison: Comparison, status: str, old: Node, new: Node) -> None:
    """Compare the links of two responses, by name."""
    if not comparison.with_links:
        return
    before, after = (followed_entries(each, "links") for each in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        place = f"{status} link {name}"
        here, there = before.get(name), after.get(name)
        if here and there:
            compare_link(comparison, place, here, there)
        elif here:
            comparison.note("link-removed", place, "link removed", here.pointer, new.pointer)
        elif there:
            comparison.note("link-added", place, "link added", old.pointer, there.pointer)


def compare_link(comparison: Comparison, place: str, old: Node, new: Node) -> None:
    targets = [_target(each) for each in (old, new)]
    found = [_key(target) or as_text(each.value) for target, each in zip(targets, (old, new), strict=True)]
    if found[0] != found[1]:
        what = f"target {_shown(new, targets[1])} instead of {_shown(old, targets[0])}"
        comparison.note("link-changed", place, what, old.pointer, new.pointer)
        return
    before, after = (_parameters(each, target) for each, target in zip((old, new), targets, strict=True))
    for name in [*before, *(name for name in after if name not in before)]:
        here, there = before.get(name), after.get(name)
        texts = [as_text(each.value) if each else "nothing" for each in (here, there)]
        if texts[0] != texts[1]:
            what = f"{shortened(texts[1])} instead of {shortened(texts[0])}"
            at = [each.pointer if each else holder.pointer for each, holder in ((here, old), (there, new))]
            comparison.note("link-changed", f"{place} {(here or there or new).pointer.rpartition('/')[2]}", what, *at)


def _target(link: Node) -> Operation | None:
    known = operations(link.document).values()
    if "operationId" in link:
        return next((each for each in known if each.node.at("operationId").value == link.at("operationId").value), None)
    reference = link.at("operationRef").value
    there = link.document.find(reference) if isinstance(reference, str) else None
    return next((each for each in known if there is not None and each.node.pointer == there.pointer), None)


def _key(target: Operation | None) -> str:
    """Return method and path without names: `operationId` and the names of path parameters may change."""
    if target is None:
        return ""
    known = operations(target.node.document).items()
    return next(f"{method} {path}" for (path, method), each in known if each.node.pointer == target.node.pointer)


def _shown(link: Node, target: Operation | None) -> str:
    return target.name if target else shortened(as_text(link.value))


def _parameters(link: Node, target: Operation | None) -> dict[tuple[str, ...], Node]:
    known = target.parameters.items() if target else ()
    found: dict[tuple[str, ...], Node] = {}
    for name, node in link.at("parameters").items():
        same = (key for key, each in known if name in (each.at("name").value, f"{key[0]}.{each.at('name').value}"))
        found[next(same, (name,))] = node
    return found
