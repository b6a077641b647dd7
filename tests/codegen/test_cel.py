"""The CEL engine: JSON values that CEL does not have, and rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen.cel import (
    MISSING,
    Plan,
    Program,
    Result,
    RuleError,
    compare_conditions,
    converter,
    field_name,
    judge_each,
    program,
    timestamp,
)
from codegen.openapi import Document

# --- values -----------------------------------------------------------------------------------------------------------


def made(schema: dict[str, Any], value: Any, plan: Plan | None = None) -> Any:
    return converter(Document({"components": {}, "schema": schema}).root.at("schema"), plan or Plan(deep=True))(value)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer"}, 20.0, 20),
        ({"type": "integer"}, 20.5, MISSING),
        ({"type": "integer"}, True, MISSING),
        ({"type": "integer"}, "20", MISSING),
        ({"type": "integer"}, 2**63 - 1, 2**63 - 1),
        ({"type": "integer"}, 2**63, MISSING),
        ({"type": "integer"}, 1e300, MISSING),
        ({"type": "integer"}, float("nan"), MISSING),
        ({"type": "integer"}, None, MISSING),
        ({"type": ["integer", "null"]}, None, None),
        ({"type": "number"}, 5, 5.0),
        ({"type": "number"}, 10**400, MISSING),
        ({"type": "number"}, float("inf"), MISSING),
        ({"type": "boolean"}, 1, MISSING),
        ({"type": "string"}, "a\0b", MISSING),
        ({"type": "string"}, "\ud800", MISSING),
        ({"type": "string"}, "\U0001f600", "\U0001f600"),
        (
            {"type": "string", "format": "uuid"},
            "6F1C2F0E-6C0B-4A58-9A3E-0D6F4C1B7A10",
            "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10",
        ),
        ({"type": "string", "format": "uuid"}, "6F1C2F0E6C0B4A589A3E0D6F4C1B7A10", MISSING),
        ({"type": "string", "enum": ["a"]}, "b", MISSING),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, None),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, 5, 5),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, [], MISSING),
        ({"type": "array", "items": {"type": "integer"}}, [1, 2.0], [1, 2]),
        ({"type": "array", "items": {"type": "integer"}}, [1, "2"], MISSING),
        ({"type": "array", "items": {"type": "integer"}}, [1] * 10_001, MISSING),
        ({"type": "object"}, {"a": [1.0, {"b": None}]}, {"a": [1.0, {"b": None}]}),
        ({"type": "object", "properties": {"is-late": {"type": "integer"}}}, {"is-late": 1}, {"is__dash__late": 1}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": "1"}, MISSING),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"b": "1"}, {}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1.0}, {"a": 1}),
        ({}, {"a": float("nan")}, MISSING),
        (True, "x", "x"),
    ],
)
def test_values_are_converted_by_schema(schema: dict[str, Any], value: Any, expected: Any) -> None:
    result = made(schema, value)
    assert result is expected or (result == expected and type(result) is type(expected))


def test_too_deep_values_are_missing() -> None:
    value: Any = 1
    for _ in range(900):
        value = [value]
    assert made({}, value) is MISSING


def test_only_parts_that_rules_read_are_converted() -> None:
    run = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array", "items": {}}}}
    plan = Plan()
    plan.add(("a",), True)
    assert made(run, {"a": 1, "b": "no list"}, plan) == {"a": 1}
    plan.add(("b",), False)
    assert made(run, {"a": 1, "b": [{}, 5]}, plan) == {"a": 1, "b": [None, None]}


@settings(derandomize=True, database=None, deadline=None)
@given(
    st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from("Tt"),
)
def test_times_of_any_offset(moment: datetime, minutes: int, between: str) -> None:
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert timestamp(moment.isoformat(between)).ToDatetime(UTC) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "seconds", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0, 0),
        ("1970-01-01t00:00:01z", 1, 0),
        ("1969-12-31T23:59:59.999999999Z", -1, 999_999_999),
        ("1970-01-01T00:00:00.1234567891Z", 0, 123_456_789),
        ("1970-01-01T00:00:60Z", 60, 0),
        ("1970-01-01T00:00:00-00:01", 60, 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
    ],
)
def test_times_to_the_nanosecond(text: str, seconds: int, nanoseconds: int) -> None:
    assert timestamp(text) == Timestamp(seconds=seconds, nanos=nanoseconds)


@pytest.mark.parametrize(
    "text",
    [
        *("1970-01-01", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00Z", "1970-02-30T00:00:00Z"),
        *("1970-01-01T24:00:00Z", "1970-01-01T00:00:61Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00+0100"),
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"),
        *("", "1970-01-01T00:00:00Z\n", "1970-01-01T00:00:00." + "0" * 1000 + "Z", "\u0661970-01-01T00:00:00Z"),
    ],
)
def test_invalid_times_are_missing(text: str) -> None:
    assert timestamp(text) is MISSING


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("is-late", "is__dash__late"),
        ("a.b", "a__dot__b"),
        ("a/b", "a__slash__b"),
        ("a__b", "a__underscores__b"),
        ("in", "__in__"),
        ("status", "status"),
    ],
)
def test_names_are_escaped_as_kubernetes_does(name: str, escaped: str) -> None:
    assert field_name(name) == escaped
    values = {"self": {escaped: 1}}
    assert Program(f"self.{escaped} == 1", ("self",)).judge(values) is Result.HOLDS


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("self.a == 1", {"a": 1}, Result.HOLDS),
        ("self.a == 1", {"a": 2}, Result.BROKEN),
        ("self.a == 1", {}, Result.NOT_JUDGED),
        ("self.a > 1", {"a": "x"}, Result.NOT_JUDGED),
        ("self.a", {"a": 1}, Result.NOT_JUDGED),
        ("self.a == 1 || self.b == 1", {"b": 1}, Result.HOLDS),
        ("self.a == 1 && self.b == 1", {"b": 2}, Result.BROKEN),
        ("1 / self.a == 1", {"a": 0}, Result.NOT_JUDGED),
        ("self.a + 1 > 0", {"a": 2**63 - 1}, Result.NOT_JUDGED),
        ("self.a.all(x, x > 0)", {"a": [1] * 10_001}, Result.NOT_JUDGED),
        ("self.a.all(x, self.a.all(y, x == y))", {"a": [1] * 1_000}, Result.NOT_JUDGED),
        ("self.a.matches('^(a+)+$')", {"a": "a" * 100_000 + "b"}, Result.BROKEN),
        ("self.a == 1 // and a comment", {"a": 1}, Result.HOLDS),
    ],
)
@pytest.mark.parametrize("count", [1, 3, 1200])
def test_result_of_a_rule(rule: str, value: Any, expected: Result, count: int) -> None:
    compiled = program(rule, ("self", "now"))
    assert compiled.judge({"self": value}) is expected
    if len(str(value)) < 100:
        rows = [{"self": value}] * count
        assert judge_each([compiled, compiled], rows, {}) == [[expected] * count] * 2


@pytest.mark.parametrize("last", [0, 1, "x"])
def test_many_values_give_the_same_results_as_single_ones(last: Any) -> None:
    sources = ("self.a == oldSelf.a", "self.a >= now", "self.a == 0")
    rules = [program(source, ("self", "oldSelf", "now")) for source in sources]
    same, other = {"a": 0}, {"a": last}
    for rows in (
        [{"self": same, "oldSelf": same}] * 3,
        [{"self": same, "oldSelf": same}, {"self": other, "oldSelf": same}],
        [{"self": other, "oldSelf": other}, {"self": same, "oldSelf": same}],
    ):
        each = [[rule.judge({**row, "now": 0}) for row in rows] for rule in rules]
        assert judge_each(rules, rows, {"now": 0}) == each


@pytest.mark.parametrize("rule", ["", "self", "(" * 5000, "self.", "a", "self.a = 1", "\0", "\ud800", "self.f()"])
def test_any_text_is_an_error_or_not_judged(rule: str) -> None:
    try:
        assert Program(rule, ("self",)).judge({"self": {}}) is Result.NOT_JUDGED
    except RuleError as error:
        assert "\n" not in str(error)


def test_reads_of_a_rule() -> None:
    rule = "has(self.a) && self.b.c != null && self.l.all(x, x.d == 'D') && size(self.m) > 0 && self.o == self.p[0].q"
    uses = program(rule, ("self",)).uses
    assert uses.reads == {
        ("self", "a"): False,
        ("self", "b", "c"): False,
        ("self", "l"): False,
        ("self", "l", "*", "d"): True,
        ("self", "m"): False,
        ("self", "o"): True,
        ("self", "p", "*", "q"): True,
    }
    assert [tuple(each) for each in uses.literals] == [(("self", "l", "*", "d"), "D")]
    assert uses.loops == []


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("self.a && self.b", "(self.b&&self.a) // the same", "same"),
        ("self.a && self.a", "self.a", "same"),
        ("self.a && (self.b || self.c)", "(self.c || self.b) && self.a", "same"),
        ("self.a", "self.b && self.a && self.c", "tighter"),
        ("self.a && self.b", "self.a", "looser"),
        ("self.a", "self.b || self.a", "looser"),
        ("self.a || self.b || self.c", "self.c || self.a", "tighter"),
        ("self.l.all(x, x > 1)", "self.l.all(y, y > 1)", "undecided"),
        ("self.l.all(x, x > 1)", "self.l.exists(x, x > 1)", "undecided"),
        ("has(self.a)", "self.a", "undecided"),
        ("self.a == 'A'", "self.a == 'B'", "undecided"),
        ("self.a == 1", "self.a == 1u", "undecided"),
        ("self.a ? self.b : self.c", "self.a ? self.c : self.b", "undecided"),
        ("{'a': self.a} == self.b", "{'b': self.a} == self.b", "undecided"),
        ("self.a in [1, 2]", "self.a in [1]", "undecided"),
        ("self.a", "self.a &&", "undecided"),
        ("self.a &&", "self.a &&", "same"),
    ],
)
def test_strictness_of_a_changed_rule(old: str, new: str, change: str) -> None:
    assert compare_conditions(old, new, ("self",)) == change
    opposite = {"tighter": "looser", "looser": "tighter"}.get(change, change)
    assert compare_conditions(new, old, ("self",)) == opposite


CONDITIONS = st.recursive(
    st.sampled_from(["self.a", "self.b", "self.c"]),
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda each: f"({' '.join(each)})"),
    max_leaves=5,
)


@settings(max_examples=80, derandomize=True, database=None, deadline=None)
@given(CONDITIONS, CONDITIONS)
def test_strictness_holds_for_all_values(old: str, new: str) -> None:
    change = compare_conditions(old, new, ("self",))
    before, after = (program(each, ("self",)) for each in (old, new))
    for bits in range(8):
        value = {"self": {name: bool(bits >> place & 1) for place, name in enumerate("abc")}}
        held, holds = (each.judge(value) is Result.HOLDS for each in (before, after))
        assert change != "same" or held == holds
        assert change != "tighter" or held or not holds
        assert change != "looser" or holds or not held


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("response.body.x == request.path.id", ["response.body.x = request.path.id"]),
        (
            "request.path.id == 'x' && response.body.items.all(each, each.a.b == request.path.id)",
            ["response.body.items.*.a.b = request.path.id"],
        ),
        (
            "response.body.items.all(each, each.a == request.path.id && each.b > 1)",
            ["response.body.items.*.a = request.path.id"],
        ),
        (
            "response.body.items.all(a, a.c.all(b, b == request.path.id))",
            ["response.body.items.*.c.* = request.path.id"],
        ),
        ("response.body.x == request.path.id || now > now", []),
        ("!(response.body.x == request.path.id)", []),
        ("response.body.x != request.path.id", []),
        ("response.body.items.exists(each, each.a == request.path.id)", []),
        ("response.body.items.exists_one(each, each.a == request.path.id)", []),
        ("response.body.items.all(each, each.a == request.path.id || each.b > 1)", []),
        ("response.body.items.filter(each, each.a == request.path.id).size() == 0", []),
        ("has(response.body.x) == request.path.id", []),
    ],
)
def test_equal_values_of_a_rule(rule: str, expected: list[str]) -> None:
    found = program(rule, ("request", "response", "now")).equals
    assert [" = ".join(map(".".join, pair)) for pair in found] == expected
