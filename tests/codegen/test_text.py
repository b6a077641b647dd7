"""Escaping of untrusted text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.text import escaped

# Includes lone surrogates, which JSON can have, but which cannot be encoded.
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("one\ntwo\r\u2028three\u2029\x85", "one\\ntwo\\r\\u2028three\\u2029\\x85"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("\u200bhidden\ufeff", "\\u200bhidden\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("Zürich, 東京", "Zürich, 東京"),
    ],
)
def test_unprintable_characters_are_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(ANY_TEXT, st.integers(0, 40))
def test_result_is_printable_encodable_and_bounded(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert shown.encode().decode() == shown


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_printable_text_is_unchanged(text: str) -> None:
    assert escaped(text, len(text)) == text


def test_escapes_are_not_cut() -> None:
    assert escaped("ab\x1b\x1b", 8) == "ab..."


def test_long_text_costs_only_what_is_shown() -> None:
    assert escaped("\x1b" * 50_000_000, 20) == "\\x1b\\x1b\\x1b\\x1b..."
