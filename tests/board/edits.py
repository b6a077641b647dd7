"""Edits a contract's text and rates the changes, as `make breaking` does."""

from __future__ import annotations

from codegen import claims, extensions
from codegen.breaking import WORDING, changes
from codegen.openapi import Document, parse


def read_contract(text: str) -> Document:
    """Parse and validate a contract, its extension keys included."""
    document = parse(text, "openapi.yaml")
    claims.check(document)
    extensions.read(document)
    return document


def text_between(text: str, start: str, end: str) -> str:
    """Return the text from `start` up to `end`, without `end`."""
    begin = text.index(start)
    return text[begin : text.index(end, begin + len(start))]


def edit_within(part: str, old: str, new: str) -> tuple[str, str]:
    """Return an edit for `apply_edits`: a part of the text, and that part with all `old` replaced by `new`."""
    assert old in part
    return part, part.replace(old, new)


def apply_edits(text: str, replacements: list[tuple[str, str]]) -> str:
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def rated_changes(old: Document, new: Document) -> list[tuple[str, str, str]]:
    """Return rating, place and description of each change. Omits changes of wording."""
    found = changes(old.value, new.value)
    return [(change.rating, change.place, change.what) for change in found if change.rule is not WORDING]
