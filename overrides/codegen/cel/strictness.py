"""Compares two versions of a condition: tighter, looser or undecided."""

from __future__ import annotations

from typing import Literal

from codegen.cel.engine import RuleError, program
from codegen.cel.tree import operands, tree

Change = Literal["same", "tighter", "looser", "undecided"]


def compare_conditions(old: str, new: str, variables: tuple[str, ...]) -> Change:
    """Compare two conditions.

    Ignores spaces, comments, parentheses and the order around `&&` and `||`, and recognizes an operand that is added or
    removed there. All else is undecided, also for conditions that do not compile.

    Args:
        old: The old condition.
        new: The new condition.
        variables: The variables of both.
    """
    try:
        before, after = (tree(program(source, variables).one.serialize()) for source in (old, new))
    except (RuleError, RecursionError):
        return "same" if old == new else "undecided"
    if before == after:
        return "same"
    ours, theirs = (operands("_&&_", each) for each in (before, after))
    if ours < theirs or theirs < ours:
        return "tighter" if ours < theirs else "looser"
    ours, theirs = (operands("_||_", each) for each in (before, after))
    if ours < theirs or theirs < ours:
        return "looser" if ours < theirs else "tighter"
    return "undecided"
