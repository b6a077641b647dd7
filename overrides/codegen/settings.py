"""The settings of the two generators, and what goes wrong with one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydantic

from codegen import Problem
from codegen.contract import Contract
from codegen.openapi import read


def load_settings(path: Path) -> dict[str, Any]:
    """Reads a file of settings.

    Raises:
        Problem: It cannot be read, or holds none.
    """
    try:
        settings = read(path).value
    except Problem as problem:
        raise Problem(f"overrides/{path.name} cannot be read: {problem.what}", "correct it") from problem
    if not isinstance(settings, dict):
        raise Problem(f"overrides/{path.name} holds no settings", "write `name: value` lines")
    return settings


def check_settings(path: Path, settings: dict[str, Any], known: Any) -> None:
    """Refuses unknown names: one generator would ignore them, the other refuse them without the file's name."""
    if unknown := sorted(set(settings) - set(known)):
        raise Problem(f"overrides/{path.name}: no such setting: {', '.join(unknown)}", "correct the name")


def settings_problem(path: Path, error: pydantic.ValidationError) -> Problem:
    """Returns what is wrong with a value."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return Problem(f"overrides/{path.name}: setting `{name}`: {first['msg']}", "correct the value")


def generator_crash(contract: Contract, generator: str, error: Exception) -> Problem:
    """Returns what a generator says that has no error of its own for what it met."""
    what = f"{generator} cannot use this: {type(error).__name__}: {error}"
    return contract.problem((), what, "see what was edited last: it is not as the generator expects it")
