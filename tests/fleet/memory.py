"""What earlier runs found: which findings are new, which are known, and since when, and which are gone.

A finding is known by its check and the promises that it says to be broken, wherever these stand in the file: what is
inserted before them changes neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from codegen.openapi import Node
from tests.contract.contract import contract

from .results import UNTESTED, Result

NEW, KNOWN, GONE = "new", "known", "gone"
# How many outcomes are kept.
KEPT = 30
# What tells the entries of a list apart, the first that they have.
NAMES = ("id", "name", "stage", "$ref")


@cache
def lasting(pointer: str) -> str:
    """The pointer of a promise with names in place of numbers: these change with what stands before."""
    document, parts, found = contract().promised.document, pointer.split("/"), ["#"]
    for number in range(1, len(parts)):
        holder, entry = (document.find("/".join(parts[:end])) for end in (number, number + 1))
        is_entry = holder is not None and isinstance(holder.value, list) and entry is not None
        found.append(name_of(entry) if is_entry and entry is not None else parts[number])
    return "/".join(found)


def name_of(entry: Node) -> str:
    value = entry.value
    if isinstance(value, dict):
        names = [str(value[key]) for key in NAMES if isinstance(value.get(key), (str, int))]
        # That of a parameter is only unique with its place; of credentials, the keys are the names.
        return ":".join([*([str(value["in"])] if "in" in value else []), *(names[:1] or map(str, value))])
    return str(value) if isinstance(value, (str, int)) else entry.pointer.rpartition("/")[2]


def keys_of(finding: Result) -> frozenset[str]:
    """What it is known by: any of these is enough, as each run sees other promises broken by one fault."""
    return frozenset(f"{finding['check']} {lasting(each)}" for each in finding["promises"]) or frozenset(
        {finding["check"]}
    )


def remembered(results: Iterable[Result], earlier: dict[str, list[Result]], today: str) -> list[Result]:
    """The results with the state of each finding, and those that are gone.

    Args:
        results: Of this run.
        earlier: By name of a deployment, the findings that were open after the last run that tested it.
        today: When this run was, as `moment` returns it.
    """
    return [one(each, earlier.get(each["name"]), today) for each in results]


def one(result: Result, earlier: list[Result] | None, today: str) -> Result:
    if result["outcome"] == UNTESTED:
        return result | {"gone": [], "open": earlier or []}
    left = list(earlier or [])
    findings = []
    for each in result["findings"]:
        keys = keys_of(each)
        same = [other for other in left if keys.intersection(other["keys"])]
        since = min((other["since"] for other in same), default=today)
        # Before there was any run to compare with, all are as new as the run.
        findings.append(each | {"keys": sorted(keys), "since": since, "state": KNOWN if same else NEW})
    met = {key for each in findings for key in each["keys"]}
    left = [each for each in left if not met.intersection(each["keys"])]
    unseen = [each for each in left if not is_judged(result, each["check"])]
    gone = [each for each in left if each not in unseen]
    still = [brief(each) for each in findings] + unseen
    return result | {"findings": findings, "gone": gone, "open": still}


def is_judged(result: Result, check: str) -> bool:
    """Whether the check had anything to judge; one that is no longer there has nothing to say either."""
    states = {each["check"]: each["state"] for each in result["checks"]}
    return bool(states.get(check) != "skipped")


def brief(finding: Result) -> Result:
    return {key: finding[key] for key in ("check", "class", "message", "keys", "since")}


class History:
    """The outcomes of earlier runs, a file for each; the oldest go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[Path]:
        """The oldest first: their names are when they were made."""
        return sorted(self.folder.glob("*.json"))

    def documents(self) -> Iterator[Result]:
        for file in self.files():
            try:
                data: Any = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(data, dict) and isinstance(data.get("deployments"), list):
                yield data

    def earlier(self) -> dict[str, list[Result]]:
        """By name, the findings that were open when a deployment was tested last."""
        found: dict[str, list[Result]] = {}
        for document in self.documents():
            for each in document["deployments"]:
                if "open" in each:
                    found[each["name"]] = each["open"]
        return found

    def add(self, document: Result) -> None:
        """Keeps the outcome, and drops the oldest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = document["made"].replace(":", "")
        kept = [{key: value for key, value in each.items() if key != "checks"} for each in document["deployments"]]
        (self.folder / f"{name}.json").write_text(json.dumps(document | {"deployments": kept}) + "\n", "utf-8")
        for file in self.files()[:-KEPT]:
            file.unlink()
