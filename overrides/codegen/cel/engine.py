"""CEL, the language of the contract's rules: the one place that knows the engine, Google's (`cel-expr-python`).

A rule is compiled once and judges plain values: null, Booleans, integers of 64 bits, numbers, text, protobuf's
`Timestamp`, and lists and mappings of these. `values.py` makes them of JSON, as a schema has it. What cannot be judged
is `NOT_JUDGED`, never an exception: a field that is not there, a type that an operator does not take, or more
iterations than the engine allows (10,000, which is also what keeps a hostile answer from taking long).
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]

from codegen.cel.tree import Path, Uses, equal_pairs, uses

# How many values are judged in one evaluation, to stay within the engine's iterations.
MAX_ROWS = 500


class Result(enum.Enum):
    """What came of judging a value by a rule."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOT_JUDGED = "not judged"


class RuleError(Exception):
    """A rule that cannot be used; the message says why, and where in the rule."""


class Program:
    """A compiled rule.

    Attributes:
        source: The rule.
        variables: What it may speak of.
        uses: What it reads.
    """

    def __init__(self, source: str, variables: tuple[str, ...]) -> None:
        """Compiles a rule.

        Args:
            source: The rule.
            variables: What it may speak of, `self` and `now`, say.

        Raises:
            RuleError: It is not CEL, or names something else.
        """
        self.source = source
        self.variables = variables
        self.one = _compile(_environment(variables), source)
        self.uses = uses(self.one.serialize(), variables)
        self._each: dict[tuple[tuple[str, ...], bool], Any] = {}

    @property
    def equals(self) -> list[tuple[Path, Path]]:
        """The pairs of values that are equal wherever it holds, as far as it says so itself."""
        return equal_pairs(self.one.serialize())

    def judge(self, values: Mapping[str, Any]) -> Result:
        """Judges the values of the variables."""
        return _result(self.one, _environment(self.variables).Activation(values))

    def each(self, names: tuple[str, ...], is_one: bool) -> Any:
        """Returns the rule for all of `rows`: each has the values of the variables named, or is the one for all."""
        if (names, is_one) not in self._each:
            # On lines of its own: the rule may end with a comment.
            source = f"(\n{self.source}\n)"
            for name in names:
                source = f"[row{'' if is_one else f'.{name}'}].all({name}, {source})"
            source = f"rows.all(row, {source})"
            self._each[names, is_one] = _compile(_environment((*self.variables, "rows")), source)
        return self._each[names, is_one]


def judge_each(
    programs: Sequence[Program], rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any]
) -> list[list[Result]]:
    """Judges many values by the rules of one place.

    Args:
        programs: The rules; all know the same variables.
        rows: For each judgement the values of the variables that differ, the same ones each time.
        values: The values of the others.

    Returns:
        By rule, the result for each row.
    """
    results: list[list[Result]] = [[] for _ in programs]
    for start in range(0, len(rows) if programs else 0, MAX_ROWS):
        for found, more in zip(results, _judge_rows(programs, rows[start : start + MAX_ROWS], values), strict=True):
            found += more
    return results


def _judge_rows(
    programs: Sequence[Program], rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any]
) -> Iterator[list[Result]]:
    names = tuple(rows[0])
    # What was not changed since it was read before need not be given twice: that takes most of the time.
    is_one = all(row[name] is row[names[0]] for row in rows for name in names)
    given = [row[names[0]] for row in rows] if is_one else rows
    variables = programs[0].variables
    all_rows = _environment((*variables, "rows")).Activation({**values, "rows": given})
    activations: list[Any] = []
    for each in programs:
        # One evaluation for all: mostly they all hold, and nothing else has to be known.
        if _result(each.each(names, is_one), all_rows) is Result.HOLDS:
            yield [Result.HOLDS] * len(rows)
        else:
            activations = activations or [_environment(variables).Activation({**values, **row}) for row in rows]
            yield [_result(each.one, activation) for activation in activations]


def _result(compiled: Any, activation: Any) -> Result:
    try:
        value = compiled.eval(activation).value()
    except (RuntimeError, ValueError, TypeError, OverflowError):
        return Result.NOT_JUDGED
    return Result.HOLDS if value is True else Result.BROKEN if value is False else Result.NOT_JUDGED


@functools.cache
def program(source: str, variables: tuple[str, ...]) -> Program:
    """Returns a compiled rule; each is compiled once.

    Raises:
        RuleError: It is not CEL, or names something else than the variables.
    """
    return Program(source, variables)


def check_types(source: str, pool: Any, variables: Mapping[str, str]) -> None:
    """Checks that a rule is true or false, and that each operator and function is given what it takes.

    Args:
        source: The rule.
        pool: The `DescriptorPool` that has the message types.
        variables: By name, the type: the name of a message, `int`, or another one of CEL's, or `list(...)` of one.

    Raises:
        RuleError: It is not so.
    """
    types = {name: _type(kind) for name, kind in variables.items()}
    kind = _compile(cel.NewEnv(pool, variables=types), source).return_type().name()
    if kind not in ("BOOL", "DYN"):
        raise RuleError(f"a rule has to be true or false, and this is of type {kind.lower()}")


def check_text_arguments(uses: Uses) -> None:
    """Checks the texts that stand for durations, times and patterns: the engine would only say that it cannot judge.

    Raises:
        RuleError: One is not.
    """
    for function, text in uses.texts:
        if (
            function in _TEXT_PROBES
            and program(_TEXT_PROBES[function], ("self",)).judge({"self": text}) is Result.NOT_JUDGED
        ):
            raise RuleError(f"{function}() cannot take '{text}'")


# What takes a text, but not any: a condition that can be judged if the text will do.
_TEXT_PROBES = {
    "duration": "duration(self) == duration('1s')",
    "timestamp": "timestamp(self) == timestamp('2000-01-01T00:00:00Z')",
    "matches": "''.matches(self)",
}


def _type(kind: str) -> Any:
    inner = re.fullmatch(r"list\((.*)\)", kind)
    return cel.Type.List(_type(inner[1])) if inner else cel.Type(kind)


@functools.cache
def _environment(variables: tuple[str, ...]) -> Any:
    return cel.NewEnv(variables=dict.fromkeys(variables, cel.Type.DYN))


def _compile(env: Any, source: str) -> Any:
    if any(each == "\0" or "\ud800" <= each <= "\udfff" for each in source):
        # The engine would stop reading there.
        raise RuleError("it holds a character that text cannot have")
    try:
        return env.compile(source)
    except RuntimeError as error:
        raise RuleError(_reason(str(error))) from None


def _reason(text: str) -> str:
    """Returns what the engine says is wrong, without its drawing of the place."""
    found = re.search(r"<input>:(\d+):(\d+): (.*)", text)
    if found is None:
        return " ".join(text.split())
    message = re.sub(r"^Syntax error: | \(in container ''\)| \[[A-Z_]+\]$|rules\.", "", found[3])
    return f"line {found[1]}, character {found[2]}: {message}"
