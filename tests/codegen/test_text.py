"""Text of others as it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.text import escaped

# Lone surrogates too: JSON can hold them, and no stream can be written with them.
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
def test_what_does_not_print_is_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(ANY_TEXT, st.integers(0, 40))
def test_the_result_prints_can_be_encoded_and_has_a_bounded_length(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert shown.encode().decode() == shown


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_text_that_prints_stays_as_it_is(text: str) -> None:
    assert escaped(text, len(text)) == text


def test_no_escape_is_cut_in_two() -> None:
    assert escaped("ab\x1b\x1b", 8) == "ab..."


def test_a_huge_text_costs_no_more_than_what_is_shown() -> None:
    assert escaped("\x1b" * 50_000_000, 20) == "\\x1b\\x1b\\x1b\\x1b..."
