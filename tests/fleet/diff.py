"""In what two deployments differ, or one from itself at another time: what they keep, take, answer, and how fast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.contract import Problem
from tests.contract.promise_results import BROKEN, JUDGED, OPEN

from .results import UNTESTED, Result

# How many times as long answers have to take, and by how many seconds longer, before it is more than chance.
SLOWER, LONGER = 2, 0.05
DOCUMENT = "fleet.json"


def read(text: str, variable: str, folder: Path) -> Result:
    """Returns a deployment's result. Raises Problem.

    Args:
        text: NAME, of the last run, or FILE#NAME.
        variable: Which variable has it, for messages.
        folder: Where the reports of the last run are.
    """
    path, is_named, name = text.rpartition("#")
    file = Path(path) if is_named else folder / DOCUMENT
    fix = f"give the name of a deployment, {variable}=berlin, or with the file of another run, {variable}=FILE#berlin"
    if not name:
        raise Problem(f"{variable} is not given", fix)
    try:
        data: Any = json.loads(file.read_text("utf-8"))
        found: list[Result] = [each for each in data["deployments"] if each["name"] == name]
        names = ", ".join(each["name"] for each in data["deployments"])
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror}", f"make fleet, which writes it; or {fix}") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Problem(f"{file} is not the {DOCUMENT} of a run", fix) from error
    if not found:
        raise Problem(f"{variable} is '{name}', which {file} does not have", f"give one that it has: {names}")
    if found[0]["outcome"] == UNTESTED:
        raise Problem(f"{name} could not be tested: {found[0]['problem']}", "take a run that tested it")
    return found[0]


def differences(one: Result, other: Result) -> Iterator[str]:
    """Each in a line; nothing if they are alike as far as a run can tell."""
    if one["contract"] != other["contract"]:
        was, now = (f"{each['contract']['version']} ({each['contract']['sha256'][:12]})" for each in (one, other))
        yield f"contract   {was} -> {now}"
    for title, key in (("version", "server_version"), ("outcome", "outcome")):
        if one[key] != other[key]:
            yield f"{title:<10} {one[key] or 'none told'} -> {other[key] or 'none told'}"
    before, after = states(one), states(other)
    for pointer in sorted(before.keys() | after.keys()):
        was, now = before.get(pointer, JUDGED), after.get(pointer, JUDGED)
        if was != now:
            yield f"promise    {pointer}: {named(was)} -> {named(now)}"
    yield from findings(one, other)
    for name in sorted(one["lenient"].keys() | other["lenient"].keys()):
        was, now = (", ".join(each["lenient"].get(name, [])) or "none" for each in (one, other))
        if was != now:
            yield f"lenient    {name}: {was} -> {now}"
    for kind in sorted(one["answers"].keys() ^ other["answers"].keys()):
        was, now = (each["answers"].get(kind, 0) for each in (one, other))
        yield f"answers    {kind}: {was or 'none'} -> {now or 'none'}"
    for key in ("median", "most"):
        was, now = ((each["times"] or {}).get(key, 0.0) for each in (one, other))
        if abs(was - now) > LONGER and max(was, now) > SLOWER * min(was, now):
            what = "half" if key == "median" else "95 of 100"
            yield f"time       {what} of the answers within {was:.3f} s -> {now:.3f} s"


def states(result: Result) -> dict[str, str]:
    """Those promises that are not just kept."""
    found = {pointer: OPEN for each in result["not_judged"] for pointer in each["promises"]}
    return found | dict.fromkeys(result["broken"], BROKEN)


def named(state: str) -> str:
    return "kept" if state == JUDGED else state


def findings(one: Result, other: Result) -> Iterator[str]:
    """The checks that only one of them fails."""
    before, after = ({each["check"]: each["message"] for each in result["findings"]} for result in (one, other))
    for check in sorted(before.keys() ^ after.keys()):
        yield f"finding    {check}: {before.get(check, 'none')} -> {after.get(check, 'none')}"
