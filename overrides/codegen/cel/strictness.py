"""What became of a condition: whether it asks for more than before, or for less."""

from __future__ import annotations

from typing import Literal

from codegen.cel.engine import RuleError, program
from codegen.cel.tree import operands, tree

Change = Literal["same", "tighter", "looser", "undecided"]


def compare_conditions(old: str, new: str, variables: tuple[str, ...]) -> Change:
    """Compares two conditions.

    Decided is what needs no reasoning: spaces, comments, parentheses, the order around `&&` and `||`, and that one is
    the other with a further condition beside it. All else is undecided, also for conditions that do not compile.

    Args:
        old: The condition as it was.
        new: The condition as it is.
        variables: What both may speak of.
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
