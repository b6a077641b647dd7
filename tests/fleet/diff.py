"""Compares two deployments, or two runs of one: promises, findings, accepted variants, statuses and response times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.contract import Problem
from tests.contract.promise_results import BROKEN, JUDGED, OPEN

from .results import UNTESTED, Result

# Response times differ if they exceed this factor and this many seconds. Less is chance.
MIN_FACTOR, MIN_SECONDS = 2, 0.05
DOCUMENT = "fleet.json"


def read_result(text: str, variable: str, folder: Path) -> Result:
    """Return a deployment's result. Raises Problem.

    Args:
        text: NAME (in the last run) or FILE#NAME.
        variable: The variable that contains it, for messages.
        folder: The reports of the last run.
    """
    path, is_named, name = text.rpartition("#")
    file = Path(path) if is_named else folder / DOCUMENT
    fix = f"name a deployment: {variable}=berlin, or in the fleet.json of another run: {variable}=FILE#berlin"
    if not name:
        raise Problem(f"{variable} is not set", fix)
    try:
        data: Any = json.loads(file.read_text("utf-8"))
        found: list[Result] = [each for each in data["deployments"] if each["name"] == name]
        names = ", ".join(each["name"] for each in data["deployments"])
    except OSError as error:
        raise Problem(f"cannot read {file}: {error.strerror}", f"run make fleet, which writes it; or {fix}") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Problem(f"{file} must be the {DOCUMENT} of a run", fix) from error
    if not found:
        raise Problem(f"{variable} must be a deployment in {file} (got '{name}')", f"choose one of {names}")
    if found[0]["outcome"] == UNTESTED:
        raise Problem(f"{name} could not be tested: {found[0]['problem']}", "compare a run that tested it")
    return found[0]


def differences(one: Result, other: Result) -> Iterator[str]:
    """Yield one line for each difference."""
    if one["contract"] != other["contract"]:
        was, now = (f"{each['contract']['version']} ({each['contract']['sha256'][:12]})" for each in (one, other))
        yield f"contract   {was} -> {now}"
    for title, key in (("version", "server_version"), ("outcome", "outcome")):
        if one[key] != other[key]:
            yield f"{title:<10} {one[key] or 'unknown'} -> {other[key] or 'unknown'}"
    before, after = promise_states(one), promise_states(other)
    for pointer in sorted(before.keys() | after.keys()):
        was, now = before.get(pointer, JUDGED), after.get(pointer, JUDGED)
        if was != now:
            yield f"promise    {pointer}: {state_label(was)} -> {state_label(now)}"
    yield from diff_findings(one, other)
    for name in sorted(one["lenient"].keys() | other["lenient"].keys()):
        was, now = (", ".join(each["lenient"].get(name, [])) or "none" for each in (one, other))
        if was != now:
            yield f"variants   {name}: {was} -> {now}"
    for kind in sorted(one["answers"].keys() ^ other["answers"].keys()):
        was, now = (each["answers"].get(kind, 0) for each in (one, other))
        yield f"answers    {kind}: {was or 'none'} -> {now or 'none'}"
    for key in ("median", "most"):
        was, now = ((each["times"] or {}).get(key, 0.0) for each in (one, other))
        if abs(was - now) > MIN_SECONDS and max(was, now) > MIN_FACTOR * min(was, now):
            what = "median" if key == "median" else "95th percentile"
            yield f"time       {what} {was:.3f} s -> {now:.3f} s"


def promise_states(result: Result) -> dict[str, str]:
    """Return the state of each promise that is broken or was not judged."""
    found = {pointer: OPEN for each in result["not_judged"] for pointer in each["promises"]}
    return found | dict.fromkeys(result["broken"], BROKEN)


def state_label(state: str) -> str:
    return "kept" if state == JUDGED else state


def diff_findings(one: Result, other: Result) -> Iterator[str]:
    """Yield the checks that only one of the two fails."""
    before, after = ({each["check"]: each["message"] for each in result["findings"]} for result in (one, other))
    for check in sorted(before.keys() ^ after.keys()):
        yield f"finding    {check}: {before.get(check, 'none')} -> {after.get(check, 'none')}"
