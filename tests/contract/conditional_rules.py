"""Conditional rules, `!(condition) || ...`: they say something only about values that satisfy the condition.

A run that saw no such value has not judged the rule.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from codegen.cel import MISSING, Plan, Program, Result, RuleError, converter, program
from codegen.cel.tree import operands, tree
from codegen.extensions import Rule

from .contract import contract


def condition_of(source: str) -> str:
    """Return the condition that a rule begins with; empty if it has none.

    Args:
        source: The rule, in CEL.
    """
    text, depth, quote = source.strip(), 0, ""
    for index, character in enumerate(text[1:] if text.startswith("!(") else "", 1):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return text[2:index] if text[index + 1 :].lstrip().startswith("||") else ""
    return ""


class Condition:
    """The condition of a rule at a schema."""

    def __init__(self, rule: Rule, condition: Program, pointer: str) -> None:
        self.rule, self.condition = rule, condition
        plan = Plan()
        for path, deep in condition.uses.reads.items():
            plan.add(path[1:], deep)
        node = contract().promised.document.find(pointer)
        assert node is not None
        self.convert = converter(node, plan)

    def holds(self, value: Any, before: Any = None) -> bool:
        """True if the value, with its previous value, satisfies the condition, or if that cannot be determined."""
        values = {"self": self.convert(value), "now": None}
        if self.rule.is_transition:
            values["oldSelf"] = self.convert(before)
        return MISSING in values.values() or self.condition.judge(values) is not Result.BROKEN


@cache
def conditions() -> dict[str, Condition]:
    """Return the conditions of the rules at schemas, by id of the rule."""
    found = {}
    for pointer, rules in contract().promised.rules.items():
        for rule in rules:
            try:
                condition = program(condition_of(rule.source) or "true", rule.program.variables)
            except RuleError:
                continue
            negated = "!_", False, tree(condition.one.serialize())
            # The condition found in the text must be the one in the parsed rule.
            if negated in operands("_||_", tree(rule.program.one.serialize())):
                found[rule.id] = Condition(rule, condition, pointer)
    return found
