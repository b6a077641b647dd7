"""Reads the settings of the generators, and reports their errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydantic

from codegen import Problem
from codegen.contract import Contract
from codegen.openapi import read


def load_settings(path: Path) -> dict[str, Any]:
    """Read a file of settings.

    Raises:
        Problem: It cannot be read, or is not a mapping.
    """
    try:
        settings = read(path).value
    except Problem as problem:
        raise Problem(f"overrides/{path.name} cannot be read: {problem.what}", "correct it") from problem
    if not isinstance(settings, dict):
        raise Problem(f"overrides/{path.name} must be a mapping of settings", "write `name: value` lines")
    return settings


def check_settings(path: Path, settings: dict[str, Any], known: Any) -> None:
    """Refuse unknown names: one generator ignores them, the other reports them without the file's name."""
    if unknown := sorted(set(settings) - set(known)):
        raise Problem(f"overrides/{path.name}: no such setting: {', '.join(unknown)}", "correct the name")


def settings_problem(path: Path, error: pydantic.ValidationError) -> Problem:
    """Return the problem with a setting's value."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return Problem(f"overrides/{path.name}: setting `{name}`: {first['msg']}", "correct the value")


def generator_crash(contract: Contract, generator: str, error: Exception) -> Problem:
    """Return the problem for an unexpected exception of a generator."""
    what = f"{generator} cannot use this: {type(error).__name__}: {error}"
    return contract.problem((), what, "check the last edit: the generator does not support it")
