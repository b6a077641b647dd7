"""Values that are true to schemas and rules, whatever is given.

A value is filled in by its schema. Where a rule does not hold then, what the rule reads is changed, one part at a time,
to what may help: null, another value of an enum, what stands elsewhere, a time before or after; whatever leaves the
fewest conditions broken.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from . import cel
from .contract import Condition, Contract, Path, Rule, Schema, as_list, as_object, at
from .filling import ABSENT, SOME, Filling, as_text, given_paths, moved
from .schemas import Fault, Plan, Schemas, plan_of

# How often a value is begun anew, and how many steps each such attempt has.
_ATTEMPTS, _STEPS = 6, 40
# How many values that came out well are remembered, and how many of all are begun as one of them: that is quicker.
_REMEMBERED, _KNOWN = 12, 0.9


class Broken(NamedTuple):
    """A condition that does not hold, of which rule, and where the value stands that it is about."""

    rule: Rule
    condition: Condition
    place: Path


class Maker:
    """Makes values of one schema.

    Args:
        contract: What has to hold.
        schema: What is made.
        seed: Another one, other values.
    """

    def __init__(self, contract: Contract, schema: Schema, seed: int | str) -> None:
        self.schemas = Schemas(contract.schemas)
        self._rules = contract.rules
        self.schema = schema
        self.chance = random.Random(seed)
        # By what was given: what was chosen in values that came out well.
        self._known: dict[frozenset[Path], list[dict[Path, Any]]] = {}
        # By the rules, which are kept so that no others have their ids: what they read.
        self._plans: dict[tuple[int, ...], tuple[Sequence[Rule], Plan]] = {}

    def make(
        self, fields: Mapping[str, Any], moment: datetime, now: datetime, further: Sequence[Rule] = ()
    ) -> dict[str, Any]:
        """Returns a value.

        Args:
            fields: What it has to have, as JSON values; objects may be given in part.
            moment: When about its times are; all of them exactly, where that is now.
            now: The time.
            further: What has to hold besides.

        Raises:
            ValueError: It would not be what the schema allows, or would break a rule.
        """
        given = given_paths(self.schemas, self.schema, fields)
        last: list[Broken] = []
        known = self._known.setdefault(frozenset(given), [])
        for attempt in range(_ATTEMPTS):
            is_known = len(known) == _REMEMBERED and not attempt and self.chance.random() < _KNOWN
            chosen = self.chance.choice(known) if is_known else {}
            filled = Filling(self.schemas, self.chance, moment, given, chosen).value(self.schema)
            if not known:
                # All others are as this one.
                self.check(filled)
            search = _Search(self, given, None, now, further, moment)
            value, last = search.repaired(filled)
            if not last and (value is filled or next(self.schemas.faults(self.schema, value), None) is None):
                if len(known) < _REMEMBERED:
                    known.append(self._choices(value))
                return as_object(search.varied(value) if moment < now else value) or {}
        raise _refused(last, fields)

    def change(
        self,
        value: Mapping[str, Any],
        fields: Mapping[str, Any],
        touched: Mapping[str, Any],
        frozen: Sequence[str],
        now: datetime,
        further: Sequence[Rule] = (),
    ) -> dict[str, Any]:
        """Returns a changed value. What has to change with the fields that are given does so too.

        Args:
            value: The value as it is.
            fields: What is to be otherwise.
            touched: What is to be so as well, if the rules allow it.
            frozen: Fields that stay.
            now: The time.
            further: What has to hold besides.

        Raises:
            ValueError: It would not be what the schema allows, or would break a rule.
        """
        given = given_paths(self.schemas, self.schema, fields)
        changed: Any = {**value, **touched}
        for path, each in given.items():
            changed = self._with(changed, path, each, given, now)
        self.check(changed)
        pinned: dict[Path, Any] = {**given, **{tuple(name.split(".")): None for name in frozen}}
        changed, broken = _Search(self, pinned, value, now, further, now).repaired(changed)
        if broken:
            raise _refused(broken, fields)
        return as_object(changed) or {}

    def _with(self, value: Any, path: Path, part: Any, given: Mapping[Path, Any], now: datetime) -> Any:
        """Returns a value in which a part is as given; an object that is not there yet is filled in around it."""
        for length in range(1, len(path) + (part is SOME)):
            try:
                is_there = at(value, path[:length]) is not None
            except (LookupError, TypeError):
                is_there = False
            schema = self.schemas.at(self.schema, value, path[:length])
            if not is_there and schema is not None:
                filled = Filling(self.schemas, self.chance, now, given, {}).value(schema, path[:length])
                return _changed(value, path[:length], filled)
        return value if part is SOME else _changed(value, path, part)

    def check(self, value: Any) -> None:
        """Raises ValueError where a value is not what the schema allows."""
        for fault in self.schemas.faults(self.schema, value):
            raise ValueError(said(fault))

    def broken(self, value: Any, old: Any, now: datetime, further: Sequence[Rule] = ()) -> list[Broken]:
        """Returns the conditions that a value breaks; what cannot be judged is not among them."""
        moment = cel.moment(as_text(now))
        found: list[Broken] = []
        for place, schema, names in self._instances(self.schema, value, ()):
            stated = (self._rules[name] for name in names if name in self._rules)
            rules = [*(each for each in stated if old is not None or not each.of_changes), *(() if place else further)]
            itself = self.schemas.seen(schema, at(value, place), self._plan(rules))
            earlier = None
            if old is not None:
                with contextlib.suppress(LookupError, TypeError):
                    earlier = self.schemas.seen(schema, at(old, place))
            for rule in rules:
                for condition in rule.conditions:
                    try:
                        if condition.holds(itself, earlier, moment) is False:
                            found.append(Broken(rule, condition, place))
                    except cel.NOT_JUDGED:
                        continue
        return found

    def _plan(self, rules: Sequence[Rule]) -> Plan:
        key = tuple(map(id, rules))
        if key not in self._plans:
            self._plans[key] = rules, plan_of(path for rule in rules for each in rule.conditions for path in each.reads)
        return self._plans[key][1]

    def _instances(self, schema: Schema, value: Any, place: Path) -> Iterator[tuple[Path, Schema, Sequence[str]]]:
        """Yields the values in a value that rules are about: where, what it is, and which; the value itself first."""
        schema = self.schemas.resolved(schema)
        names: list[str] = list(schema.get("x-rules", ()))
        chosen = self.schemas.of(schema, value)
        if chosen is not schema and value is not None:
            names += chosen.get("x-rules", ())
        if (names and value is not None) or not place:
            yield place, chosen, names
        fields, elements = as_object(value), as_list(value)
        below = fields.items() if fields is not None else enumerate(elements or ())
        for part, each in below:
            inner = self.schemas.below(chosen, value, part) if isinstance(each, dict | list) else None
            if inner is not None and self.schemas.holds_rules(inner):
                yield from self._instances(inner, each, (*place, part))

    def _choices(self, value: Any) -> dict[Path, Any]:
        """Returns what was chosen where rules read: null, or which value of an enum."""
        found: dict[Path, Any] = {}
        for place, _, names in self._instances(self.schema, value, ()):
            for name in names:
                if name not in self._rules:
                    continue
                for path in (path for each in self._rules[name].conditions for path in each.reads):
                    whole = (*place, *path)
                    schema = self.schemas.at(self.schema, value, whole)
                    try:
                        found[whole] = at(value, whole)
                    except (LookupError, TypeError):
                        continue
                    if found[whole] is not None and (schema is None or "enum" not in schema):
                        found[whole] = True
        return found


class _Search:
    """Looks for a value that no condition is broken by."""

    def __init__(
        self,
        maker: Maker,
        pinned: Mapping[Path, Any],
        old: Any,
        now: datetime,
        further: Sequence[Rule],
        moment: datetime,
    ) -> None:
        self._maker = maker
        self._schemas = maker.schemas
        self._schema = maker.schema
        self._chance = maker.chance
        self._pinned = [path for path, value in pinned.items() if value is not SOME]
        self._old = old
        self._now = now
        self._further = further
        self._moment = moment

    def repaired(self, value: Any) -> tuple[Any, list[Broken]]:
        """Returns the value, repaired, and what of it could not be."""
        broken = self._broken(value)
        best = value, broken
        seen = {json.dumps(value, sort_keys=True)}
        for _ in range(_STEPS):
            if not broken:
                return value, []
            found: tuple[int, str, Any, list[Broken]] | None = None
            for candidate in self._neighbours(value, broken):
                text = json.dumps(candidate, sort_keys=True)
                if text in seen:
                    continue
                after = self._broken(candidate)
                if found is None or len(after) < found[0]:
                    found = len(after), text, candidate, after
                if not after:
                    break
            if found is None:
                break
            _, text, value, broken = found
            seen.add(text)
            if len(broken) < len(best[1]):
                best = value, broken
        return best

    def varied(self, value: Any) -> Any:
        """Returns the value with times that differ, as far as the rules allow."""
        leaves = self._leaves(self._schema, value)
        paths = [
            path for path, _, schema in leaves if schema.get("format") == "date-time" and not self._is_pinned(path)
        ]
        self._chance.shuffle(paths)
        for path in paths:
            step = self._chance.randint(1, 3_600_000) / 1000
            for seconds in (step, -step):
                later = moved(at(value, path), seconds)
                if later is None or cel.moment(later) > cel.moment(as_text(self._now)):
                    continue
                candidate = _changed(value, path, later)
                if not self._broken(candidate):
                    value = candidate
                    break
        return value

    def _broken(self, value: Any) -> list[Broken]:
        return self._maker.broken(value, self._old, self._now, self._further)

    def _is_pinned(self, path: Path) -> bool:
        return any(each[: len(path)] == path or path[: len(each)] == each for each in self._pinned)

    def _neighbours(self, value: Any, broken: Sequence[Broken]) -> Iterator[Any]:
        """Yields values that differ in one part that a broken condition reads."""
        paths: dict[Path, list[str]] = {}
        for each in broken:
            for path in each.condition.reads:
                for whole in _expanded(value, (*each.place, *path)):
                    paths.setdefault(whole, []).extend(text for of, text in each.condition.texts if of == path)
        order = [path for path in paths if path and not self._is_pinned(path)]
        self._chance.shuffle(order)
        for path in order:
            allowed = self._schemas.at(self._schema, value, path)
            if allowed is None:
                continue
            for candidate in [*self._candidates(value, path, allowed), *paths[path]]:
                is_allowed = candidate is ABSENT or next(self._schemas.faults(allowed, candidate), None) is None
                changed = _changed(value, path, candidate) if is_allowed else None
                if changed is not None:
                    yield changed

    def _candidates(self, value: Any, path: Path, schema: Schema) -> Iterator[Any]:
        with contextlib.suppress(LookupError, TypeError):
            yield at(self._old, path)
        yield None
        holder = self._schemas.at(self._schema, value, path[:-1]) or {}
        if path[-1] not in self._schemas.of(holder, {}).get("required", ()):
            yield ABSENT
        yield from schema.get("enum", ())
        schema = self._schemas.of(schema, None if schema.get("anyOf") is None else {})
        form = schema.get("format")
        types = [each for each in self._schemas.types(schema) if each != "null"]
        alike = sorted(
            {each for _, each, other in self._leaves(self._schema, value) if _is_alike(schema, other)}, key=str
        )
        alike.reverse()
        fresh = (Filling(self._schemas, self._chance, self._moment, {}, {path: True}) for _ in range(2))
        if form is None and types == ["string"]:
            # What another text says is nothing to say here.
            yield from (each.value(schema, path) for each in fresh)
        yield from alike
        if form == "date-time":
            yield as_text(self._now)
            for text in alike:
                yield from (later for seconds in (1, -1) if (later := moved(text, seconds)))
        elif types and types[0] in ("integer", "number"):
            yield from (each + step for each in alike for step in (1, -1))
        elif types and types[0] == "boolean":
            yield from (True, False)
        elif types and types[0] == "array":
            yield []
        yield from (each.value(schema, path) for each in fresh)

    def _leaves(self, schema: Schema | None, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Schema]]:
        """Yields what is neither a list nor an object in a value."""
        fields, elements = as_object(value), as_list(value)
        if fields is None and elements is None:
            if schema is not None and value is not None:
                yield path, value, self._schemas.of(schema, value)
            return
        for part, each in fields.items() if fields is not None else enumerate(elements or ()):
            below = None if schema is None else self._schemas.below(schema, value, part)
            yield from self._leaves(below, each, (*path, part))


def _is_alike(one: Schema, other: Schema) -> bool:
    kinds = [[each] if isinstance(each, str) else each or [] for each in (one.get("type"), other.get("type"))]
    return one.get("format") == other.get("format") and not {*kinds[0]}.isdisjoint({*kinds[1]} - {"null"})


def _expanded(value: Any, path: Path) -> list[Path]:
    """Returns the places that a path stands for: of a list that too, and each of its elements."""
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


def _changed(value: Any, path: Path, part: Any) -> Any:
    """Returns the value with another part; None where there is no place for it. What does not differ is shared."""
    if not path:
        return part
    fields, elements = as_object(value), as_list(value)
    first, rest = path[0], path[1:]
    if fields is not None and isinstance(first, str) and (first in fields or not rest):
        if rest or part is not ABSENT:
            below = _changed(fields.get(first), rest, part)
            return None if below is None and rest else {**fields, first: below}
        return {name: each for name, each in fields.items() if name != first}
    if elements is not None and isinstance(first, int) and first < len(elements) and (rest or part is not ABSENT):
        below = _changed(elements[first], rest, part)
        return None if below is None and rest else [*elements[:first], below, *elements[first + 1 :]]
    return None


def said(fault: Fault) -> str:
    """Returns what is wrong with a value, as an error says it."""
    where = ".".join(map(str, fault.place)) or "the value"
    got = "" if fault.kind in ("required", "additionalProperties") else f" (got {_shown(fault.value)})"
    return f"'{where}' must be {fault.must}{got}"


def _refused(broken: Sequence[Broken], fields: Mapping[str, Any]) -> ValueError:
    given = ", ".join(f"{name}={_shown(value)}" for name, value in fields.items())
    return ValueError(f"{broken[0].rule.message}{f' (got {given})' if given else ''}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
