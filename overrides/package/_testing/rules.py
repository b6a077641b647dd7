"""Checks values against the rules of the contract."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from . import cel
from .contract import Condition, Path, Rule, Schema, as_list, as_object, at
from .generation import rfc3339
from .schemas import ReadPlan, Schemas, read_plan


class Violation(NamedTuple):
    """A condition that does not hold.

    Attributes:
        rule: The rule that the condition belongs to.
        condition: The condition.
        place: The path of the value that violates it.
    """

    rule: Rule
    condition: Condition
    place: Path


class RuleChecker:
    """Checks values of one schema against the rules of the contract.

    Args:
        schemas: The schemas of the contract.
        rules: The rules of the contract, by id.
        schema: The schema of the values.
    """

    def __init__(self, schemas: Schemas, rules: Mapping[str, Rule], schema: Schema) -> None:
        self.schemas = schemas
        self.rules = rules
        self.schema = schema
        # Keyed by the ids of the rules. The rules are kept too, so that no other object gets the same id.
        self._plans: dict[tuple[int, ...], tuple[Sequence[Rule], ReadPlan]] = {}

    def violations(self, value: Any, old: Any, now: datetime, extra_rules: Sequence[Rule] = ()) -> list[Violation]:
        """Return the conditions that a value violates. A condition that cannot be evaluated is not one of them."""
        moment = cel.moment(rfc3339(now))
        found: list[Violation] = []
        for place, schema, names in self.instances(self.schema, value, ()):
            stated = (self.rules[name] for name in names if name in self.rules)
            rules = [
                *(each for each in stated if old is not None or not each.of_changes),
                *(() if place else extra_rules),
            ]
            itself = self.schemas.for_rules(schema, at(value, place), self._plan(rules))
            earlier = None
            if old is not None:
                with contextlib.suppress(LookupError, TypeError):
                    earlier = self.schemas.for_rules(schema, at(old, place))
            for rule in rules:
                for condition in rule.conditions:
                    try:
                        if condition.holds(itself, earlier, moment) is False:
                            found.append(Violation(rule, condition, place))
                    except cel.EVALUATION_ERRORS:
                        continue
        return found

    def _plan(self, rules: Sequence[Rule]) -> ReadPlan:
        key = tuple(map(id, rules))
        if key not in self._plans:
            paths = (path for rule in rules for condition in rule.conditions for path in condition.reads)
            self._plans[key] = rules, read_plan(paths)
        return self._plans[key][1]

    def instances(self, schema: Schema, value: Any, place: Path) -> Iterator[tuple[Path, Schema, Sequence[str]]]:
        """Yield path, schema and rule ids of the value itself and of each value inside it that has rules."""
        schema = self.schemas.resolve(schema)
        names: list[str] = list(schema.get("x-rules", ()))
        chosen = self.schemas.select(schema, value)
        if chosen is not schema and value is not None:
            names += chosen.get("x-rules", ())
        if (names and value is not None) or not place:
            yield place, chosen, names
        fields, elements = as_object(value), as_list(value)
        below = fields.items() if fields is not None else enumerate(elements or ())
        for part, each in below:
            inner = self.schemas.part_schema(chosen, value, part) if isinstance(each, dict | list) else None
            if inner is not None and self.schemas.has_rules(inner):
                yield from self.instances(inner, each, (*place, part))
