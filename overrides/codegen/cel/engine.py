"""Compiles and evaluates rules in CEL. The only module that imports the engine, Google's `cel-expr-python`.

A rule is compiled once. It takes null, Booleans, 64-bit integers, numbers, text, protobuf's `Timestamp`, and lists and
mappings of these, which values.py makes from JSON. A rule that cannot be evaluated is `NOT_JUDGED`, never an exception:
a missing field, a type that an operator does not accept, or more than the engine's 10,000 iterations, which also bound
the time that a hostile answer takes.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]

from codegen.cel.tree import Path, Uses, equal_pairs, uses

# Values in one evaluation, to stay within the engine's iterations.
MAX_ROWS = 500


class Result(enum.Enum):
    """The result of a rule for a value."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOT_JUDGED = "not judged"


class RuleError(Exception):
    """An invalid rule. The message has the reason, and the place in the rule."""


class Program:
    """A compiled rule.

    Attributes:
        source: The rule.
        variables: Its variables.
        uses: What it reads.
    """

    def __init__(self, source: str, variables: tuple[str, ...]) -> None:
        """Compile a rule.

        Args:
            source: The rule.
            variables: Its variables, such as `self` and `now`.

        Raises:
            RuleError: It is not valid CEL, or uses another variable.
        """
        self.source = source
        self.variables = variables
        self.one = _compile(_environment(variables), source)
        self.uses = uses(self.one.serialize(), variables)
        self._each: dict[tuple[tuple[str, ...], bool], Any] = {}

    @property
    def equals(self) -> list[tuple[Path, Path]]:
        """The pairs of values that the rule states to be equal."""
        return equal_pairs(self.one.serialize())

    def judge(self, values: Mapping[str, Any]) -> Result:
        """Evaluate the rule for the values of the variables."""
        return _result(self.one, _environment(self.variables).Activation(values))

    def each(self, names: tuple[str, ...], is_one: bool) -> Any:
        """Return a rule that holds if this one holds for all `rows`.

        A row has the values of `names`; if `is_one`, it is the value of each of them.
        """
        if (names, is_one) not in self._each:
            # On separate lines: the rule may end with a comment.
            source = f"(\n{self.source}\n)"
            for name in names:
                source = f"[row{'' if is_one else f'.{name}'}].all({name}, {source})"
            source = f"rows.all(row, {source})"
            self._each[names, is_one] = _compile(_environment((*self.variables, "rows")), source)
        return self._each[names, is_one]


def judge_each(
    programs: Sequence[Program], rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any]
) -> list[list[Result]]:
    """Evaluate the rules of one place for many values.

    Args:
        programs: The rules. All have the same variables.
        rows: For each evaluation, the values of the variables that differ. All rows have the same variables.
        values: The values of the other variables.

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
    # `self` and `oldSelf` are often the same object. Passing it once saves most of the time.
    is_one = all(row[name] is row[names[0]] for row in rows for name in names)
    given = [row[names[0]] for row in rows] if is_one else rows
    variables = programs[0].variables
    all_rows = _environment((*variables, "rows")).Activation({**values, "rows": given})
    activations: list[Any] = []
    for each in programs:
        # One evaluation for all rows. Usually all hold; only if not, each row is evaluated.
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
    """Return a compiled rule, cached.

    Raises:
        RuleError: It is not valid CEL, or uses another variable.
    """
    return Program(source, variables)


def check_types(source: str, pool: Any, variables: Mapping[str, str]) -> None:
    """Check the types of a rule: of each operand and argument, and that the result is Boolean.

    Args:
        source: The rule.
        pool: The `DescriptorPool` with the message types.
        variables: By name, the type: the name of a message, a CEL type such as `int`, or `list(...)` of one.

    Raises:
        RuleError: A type is wrong.
    """
    types = {name: _type(kind) for name, kind in variables.items()}
    kind = _compile(cel.NewEnv(pool, variables=types), source).return_type().name()
    if kind not in ("BOOL", "DYN"):
        raise RuleError(f"the result must be true or false (got type {kind.lower()})")


def check_text_arguments(uses: Uses) -> None:
    """Check literal durations, times and patterns. The engine would report them only at the evaluation.

    Raises:
        RuleError: One is invalid.
    """
    for function, text in uses.texts:
        if (
            function in _TEXT_PROBES
            and program(_TEXT_PROBES[function], ("self",)).judge({"self": text}) is Result.NOT_JUDGED
        ):
            raise RuleError(f"'{text}' is not a valid argument of {function}()")


# By function, a condition that can be evaluated only with a valid argument.
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
        raise RuleError("it has a NUL or a lone surrogate")
    try:
        return env.compile(source)
    except RuntimeError as error:
        raise RuleError(_reason(str(error))) from None


def _reason(text: str) -> str:
    """Return the engine's message without its picture of the place."""
    found = re.search(r"<input>:(\d+):(\d+): (.*)", text)
    if found is None:
        return " ".join(text.split())
    message = re.sub(r"^Syntax error: | \(in container ''\)| \[[A-Z_]+\]$|rules\.", "", found[3])
    return f"line {found[1]}, character {found[2]}: {message}"
