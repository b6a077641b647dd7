"""Makes items that satisfy the schema and the rules of the contract.

A random value is generated from the schema. If it violates a rule, `repair` changes it until it does not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .contract import Contract, Path, Rule, Schema, as_object, at
from .generation import PARTIAL_OBJECT, ValueGenerator, given_paths
from .repair import Repair, with_part
from .rules import RuleChecker, Violation
from .schemas import Fault, Schemas

# Attempts to generate and repair one value.
_ATTEMPTS = 6
# Starting from the choices of an earlier valid value is faster: how many are kept, and how often one is used.
_MAX_TEMPLATES, _TEMPLATE_CHANCE = 12, 0.9


class ItemFactory:
    """Makes items of one schema.

    Args:
        contract: The contract that the items satisfy.
        schema: The schema of the items.
        seed: Seeds all random choices.
    """

    def __init__(self, contract: Contract, schema: Schema, seed: int | str) -> None:
        self.schemas = Schemas(contract.schemas)
        self.schema = schema
        self.rng = random.Random(seed)
        self._rules = RuleChecker(self.schemas, contract.rules, schema)
        # The choices made in earlier valid values, keyed by the paths that were given.
        self._templates: dict[frozenset[Path], list[dict[Path, Any]]] = {}

    def make(
        self, fields: Mapping[str, Any], moment: datetime, now: datetime, extra_rules: Sequence[Rule] = ()
    ) -> dict[str, Any]:
        """Return a new item.

        Args:
            fields: Fields of the item, as JSON values. Objects may be partial.
            moment: The approximate time of all date-times; the exact time if it equals `now`.
            now: The current time.
            extra_rules: Rules that must hold in addition.

        Raises:
            ValueError: The fields do not fit the schema, or no item with these fields satisfies the rules.
        """
        given = given_paths(self.schemas, self.schema, fields)
        violations: list[Violation] = []
        templates = self._templates.setdefault(frozenset(given), [])
        for attempt in range(_ATTEMPTS):
            from_template = len(templates) == _MAX_TEMPLATES and not attempt and self.rng.random() < _TEMPLATE_CHANCE
            choices = self.rng.choice(templates) if from_template else {}
            generated = ValueGenerator(self.schemas, self.rng, moment, given, choices).value(self.schema)
            if not templates:
                # Once is enough: later values have the same given fields.
                self.check(generated)
            repair = Repair(self._rules, self.rng, moment, now, pinned=given, extra_rules=extra_rules)
            value, violations = repair.repair(generated)
            if not violations and (value is generated or next(self.schemas.faults(self.schema, value), None) is None):
                if len(templates) < _MAX_TEMPLATES:
                    templates.append(self._choices(value))
                return as_object(repair.vary_times(value) if moment < now else value) or {}
        raise _violation_error(violations, fields)

    def change(
        self,
        value: Mapping[str, Any],
        fields: Mapping[str, Any],
        touched: Mapping[str, Any],
        frozen: Sequence[str],
        now: datetime,
        extra_rules: Sequence[Rule] = (),
    ) -> dict[str, Any]:
        """Return a changed copy of an item. Fields that the rules tie to the given ones are changed too.

        Args:
            value: The item.
            fields: The fields to change.
            touched: Fields to change as well, if the rules allow it.
            frozen: Fields that keep their values.
            now: The current time.
            extra_rules: Rules that must hold in addition.

        Raises:
            ValueError: The fields do not fit the schema, or no item with these fields satisfies the rules.
        """
        given = given_paths(self.schemas, self.schema, fields)
        changed: Any = {**value, **touched}
        for path, each in given.items():
            changed = self._with_given(changed, path, each, given, now)
        self.check(changed)
        pinned: dict[Path, Any] = {**given, **{tuple(name.split(".")): None for name in frozen}}
        repair = Repair(self._rules, self.rng, now, now, pinned=pinned, old=value, extra_rules=extra_rules)
        changed, violations = repair.repair(changed)
        if violations:
            raise _violation_error(violations, fields)
        return as_object(changed) or {}

    def _with_given(self, value: Any, path: Path, part: Any, given: Mapping[Path, Any], now: datetime) -> Any:
        """Return the value with one given part. Generates the object around the part if there is none yet."""
        for length in range(1, len(path) + (part is PARTIAL_OBJECT)):
            try:
                exists = at(value, path[:length]) is not None
            except (LookupError, TypeError):
                exists = False
            schema = self.schemas.at(self.schema, value, path[:length])
            if not exists and schema is not None:
                generated = ValueGenerator(self.schemas, self.rng, now, given, {}).value(schema, path[:length])
                return with_part(value, path[:length], generated)
        return value if part is PARTIAL_OBJECT else with_part(value, path, part)

    def check(self, value: Any) -> None:
        """Raise ValueError if a value does not fit the schema."""
        for fault in self.schemas.faults(self.schema, value):
            raise ValueError(fault_message(fault))

    def _choices(self, value: Any) -> dict[Path, Any]:
        """Return the choices made at the paths that rules read: null, present, or a value of an enum."""
        choices: dict[Path, Any] = {}
        for place, _, names in self._rules.instances(self.schema, value, ()):
            rules = [self._rules.rules[name] for name in names if name in self._rules.rules]
            for path in (path for rule in rules for condition in rule.conditions for path in condition.reads):
                whole = (*place, *path)
                schema = self.schemas.at(self.schema, value, whole)
                try:
                    choices[whole] = at(value, whole)
                except (LookupError, TypeError):
                    continue
                if choices[whole] is not None and (schema is None or "enum" not in schema):
                    choices[whole] = True
        return choices


def fault_message(fault: Fault) -> str:
    """Return what is wrong with a value, as a sentence for an error."""
    where = ".".join(map(str, fault.place)) or "the value"
    got = "" if fault.kind in ("required", "additionalProperties") else f" (got {_short(fault.value)})"
    return f"'{where}' must be {fault.must}{got}"


def _violation_error(violations: Sequence[Violation], fields: Mapping[str, Any]) -> ValueError:
    given = ", ".join(f"{name}={_short(value)}" for name, value in fields.items())
    return ValueError(f"{violations[0].rule.message}{f' (got {given})' if given else ''}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
