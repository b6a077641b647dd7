# Copied by `make generate` from overrides/package/_testing/repair.py. Do not edit it here.
"""Local search for a value that violates no rule."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from . import cel
from .contract import Path, Rule, Schema, as_list, as_object, at
from .generation import ABSENT, PARTIAL_OBJECT, ValueGenerator, rfc3339, shifted
from .rules import RuleChecker, Violation

# Steps of one search.
_STEPS = 40


class Repair:
    """Changes a value until it violates no rule.

    Each step changes one part that a violated condition reads: to null, to another value of its enum, to a value found
    elsewhere, to a time before or after. The change that leaves the fewest violations wins.

    Args:
        checker: Checks the rules.
        rng: The source of random choices.
        moment: The time for new date-times.
        now: The current time.
        pinned: The parts that must not change, by path.
        old: The value before the change, for rules about changes.
        extra_rules: Rules that must hold in addition.
    """

    def __init__(
        self,
        checker: RuleChecker,
        rng: random.Random,
        moment: datetime,
        now: datetime,
        *,
        pinned: Mapping[Path, Any],
        old: Any = None,
        extra_rules: Sequence[Rule] = (),
    ) -> None:
        self._checker = checker
        self._schemas = checker.schemas
        self._schema = checker.schema
        self._rng = rng
        self._moment = moment
        self._now = now
        self._pinned = [path for path, value in pinned.items() if value is not PARTIAL_OBJECT]
        self._old = old
        self._extra_rules = extra_rules

    def repair(self, value: Any) -> tuple[Any, list[Violation]]:
        """Return the best value found and the violations that are left."""
        violated = self._violations(value)
        best = value, violated
        seen = {json.dumps(value, sort_keys=True)}
        for _ in range(_STEPS):
            if not violated:
                return value, []
            found: tuple[int, str, Any, list[Violation]] | None = None
            for candidate in self._neighbours(value, violated):
                text = json.dumps(candidate, sort_keys=True)
                if text in seen:
                    continue
                after = self._violations(candidate)
                if found is None or len(after) < found[0]:
                    found = len(after), text, candidate, after
                if not after:
                    break
            if found is None:
                break
            _, text, value, violated = found
            seen.add(text)
            if len(violated) < len(best[1]):
                best = value, violated
        return best

    def vary_times(self, value: Any) -> Any:
        """Return the value with different times, as far as the rules allow."""
        leaves = self._leaves(self._schema, value)
        paths = [
            path for path, _, schema in leaves if schema.get("format") == "date-time" and not self._is_pinned(path)
        ]
        self._rng.shuffle(paths)
        for path in paths:
            step = self._rng.randint(1, 3_600_000) / 1000
            for seconds in (step, -step):
                later = shifted(at(value, path), seconds)
                if later is None or cel.moment(later) > cel.moment(rfc3339(self._now)):
                    continue
                candidate = with_part(value, path, later)
                if not self._violations(candidate):
                    value = candidate
                    break
        return value

    def _violations(self, value: Any) -> list[Violation]:
        return self._checker.violations(value, self._old, self._now, self._extra_rules)

    def _is_pinned(self, path: Path) -> bool:
        return any(each[: len(path)] == path or path[: len(each)] == each for each in self._pinned)

    def _neighbours(self, value: Any, violated: Sequence[Violation]) -> Iterator[Any]:
        """Yield values that differ in one part that a violated condition reads."""
        paths: dict[Path, list[str]] = {}
        for each in violated:
            for path in each.condition.reads:
                for whole in _expand_wildcards(value, (*each.place, *path)):
                    paths.setdefault(whole, []).extend(text for of, text in each.condition.texts if of == path)
        order = [path for path in paths if path and not self._is_pinned(path)]
        self._rng.shuffle(order)
        for path in order:
            allowed = self._schemas.at(self._schema, value, path)
            if allowed is None:
                continue
            for candidate in [*self._candidates(value, path, allowed), *paths[path]]:
                is_allowed = candidate is ABSENT or next(self._schemas.faults(allowed, candidate), None) is None
                changed = with_part(value, path, candidate) if is_allowed else None
                if changed is not None:
                    yield changed

    def _candidates(self, value: Any, path: Path, schema: Schema) -> Iterator[Any]:
        with contextlib.suppress(LookupError, TypeError):
            yield at(self._old, path)
        yield None
        holder = self._schemas.at(self._schema, value, path[:-1]) or {}
        if path[-1] not in self._schemas.select(holder, {}).get("required", ()):
            yield ABSENT
        yield from schema.get("enum", ())
        schema = self._schemas.select(schema, None if schema.get("anyOf") is None else {})
        form = schema.get("format")
        types = [each for each in self._schemas.types(schema) if each != "null"]
        alike = sorted(
            {each for _, each, other in self._leaves(self._schema, value) if _is_same_kind(schema, other)}, key=str
        )
        alike.reverse()
        fresh = (ValueGenerator(self._schemas, self._rng, self._moment, {}, {path: True}) for _ in range(2))
        if form is None and types == ["string"]:
            # A text of another field would make no sense here.
            yield from (each.value(schema, path) for each in fresh)
        yield from alike
        if form == "date-time":
            yield rfc3339(self._now)
            for text in alike:
                yield from (later for seconds in (1, -1) if (later := shifted(text, seconds)))
        elif types and types[0] in ("integer", "number"):
            yield from (each + step for each in alike for step in (1, -1))
        elif types and types[0] == "boolean":
            yield from (True, False)
        elif types and types[0] == "array":
            yield []
        yield from (each.value(schema, path) for each in fresh)

    def _leaves(self, schema: Schema | None, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Schema]]:
        """Yield path, value and schema of each scalar in a value."""
        fields, elements = as_object(value), as_list(value)
        if fields is None and elements is None:
            if schema is not None and value is not None:
                yield path, value, self._schemas.select(schema, value)
            return
        for part, each in fields.items() if fields is not None else enumerate(elements or ()):
            below = None if schema is None else self._schemas.part_schema(schema, value, part)
            yield from self._leaves(below, each, (*path, part))


def _is_same_kind(one: Schema, other: Schema) -> bool:
    kinds = [[each] if isinstance(each, str) else each or [] for each in (one.get("type"), other.get("type"))]
    return one.get("format") == other.get("format") and not {*kinds[0]}.isdisjoint({*kinds[1]} - {"null"})


def _expand_wildcards(value: Any, path: Path) -> list[Path]:
    """Return the paths that a path with wildcards stands for: each list, and each of its elements."""
    found: list[Path] = [()]
    for part in path:
        longer: list[Path] = []
        for each in found:
            try:
                elements = as_list(at(value, each)) if part == "*" else None
            except (LookupError, TypeError):
                continue
            longer += [(*each, index) for index in range(len(elements or ()))] if part == "*" else [(*each, part)]
            longer += [each] if part == "*" else []
        found = longer
    return found


def with_part(value: Any, path: Path, part: Any) -> Any:
    """Return a copy with one part replaced; None if the path does not exist. Unchanged parts are shared."""
    if not path:
        return part
    fields, elements = as_object(value), as_list(value)
    first, rest = path[0], path[1:]
    if fields is not None and isinstance(first, str) and (first in fields or not rest):
        if rest or part is not ABSENT:
            below = with_part(fields.get(first), rest, part)
            return None if below is None and rest else {**fields, first: below}
        return {name: each for name, each in fields.items() if name != first}
    if elements is not None and isinstance(first, int) and first < len(elements) and (rest or part is not ABSENT):
        below = with_part(elements[first], rest, part)
        return None if below is None and rest else [*elements[:first], below, *elements[first + 1 :]]
    return None
