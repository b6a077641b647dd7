"""Compares findings with those of earlier runs: new, known (since when) or gone.

Findings are identified by their check and the promises they break. Insertions into the contract do not change that:
promises are named by stable pointers, with names in place of list indexes.
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
# Results of this many runs are kept.
MAX_RUNS = 30
# The first of these keys that a list entry has names it.
NAME_KEYS = ("id", "name", "stage", "$ref")


@cache
def stable_pointer(pointer: str) -> str:
    """Return the pointer of a promise with names in place of list indexes, which change with insertions."""
    document, parts, found = contract().promised.document, pointer.split("/"), ["#"]
    for number in range(1, len(parts)):
        holder, entry = (document.find("/".join(parts[:end])) for end in (number, number + 1))
        is_entry = holder is not None and isinstance(holder.value, list) and entry is not None
        found.append(entry_name(entry) if is_entry and entry is not None else parts[number])
    return "/".join(found)


def entry_name(entry: Node) -> str:
    value = entry.value
    if isinstance(value, dict):
        names = [str(value[key]) for key in NAME_KEYS if isinstance(value.get(key), (str, int))]
        # Names of parameters are unique only together with `in`; a security requirement is named by its keys.
        return ":".join([*([str(value["in"])] if "in" in value else []), *(names[:1] or map(str, value))])
    return str(value) if isinstance(value, (str, int)) else entry.pointer.rpartition("/")[2]


def finding_keys(finding: Result) -> frozenset[str]:
    """Return the keys of a finding. Findings with a common key are the same: a fault breaks other promises each run."""
    return frozenset(f"{finding['check']} {stable_pointer(each)}" for each in finding["promises"]) or frozenset(
        {finding["check"]}
    )


def classify_findings(results: Iterable[Result], earlier: dict[str, list[Result]], today: str) -> list[Result]:
    """Return the results with the state of each finding, and with the findings that are gone.

    Args:
        results: The results of this run.
        earlier: By deployment, the open findings after the last run that tested it.
        today: The time of this run, as `format_time` returns it.
    """
    return [classify_result(each, earlier.get(each["name"]), today) for each in results]


def classify_result(result: Result, earlier: list[Result] | None, today: str) -> Result:
    if result["outcome"] == UNTESTED:
        return result | {"gone": [], "open": earlier or []}
    left = list(earlier or [])
    findings = []
    for each in result["findings"]:
        keys = finding_keys(each)
        same = [other for other in left if keys.intersection(other["keys"])]
        since = min((other["since"] for other in same), default=today)
        # Without an earlier run, all findings are new.
        findings.append(each | {"keys": sorted(keys), "since": since, "state": KNOWN if same else NEW})
    met = {key for each in findings for key in each["keys"]}
    left = [each for each in left if not met.intersection(each["keys"])]
    unseen = [each for each in left if not is_judged(result, each["check"])]
    gone = [each for each in left if each not in unseen]
    still = [summarize(each) for each in findings] + unseen
    return result | {"findings": findings, "gone": gone, "open": still}


def is_judged(result: Result, check: str) -> bool:
    """True if the check was not skipped. True for a check that no longer exists."""
    states = {each["check"]: each["state"] for each in result["checks"]}
    return bool(states.get(check) != "skipped")


def summarize(finding: Result) -> Result:
    return {key: finding[key] for key in ("check", "class", "message", "keys", "since")}


class History:
    """The results of the last MAX_RUNS runs, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[Path]:
        """Return the files, oldest first: they are named by time."""
        return sorted(self.folder.glob("*.json"))

    def documents(self) -> Iterator[Result]:
        for file in self.files():
            try:
                data: Any = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(data, dict) and isinstance(data.get("deployments"), list):
                yield data

    def open_findings(self) -> dict[str, list[Result]]:
        """Return the open findings after the last test of each deployment, by name."""
        found: dict[str, list[Result]] = {}
        for document in self.documents():
            for each in document["deployments"]:
                if "open" in each:
                    found[each["name"]] = each["open"]
        return found

    def add(self, document: Result) -> None:
        """Save the results of a run, and remove those of the oldest."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = document["made"].replace(":", "")
        kept = [{key: value for key, value in each.items() if key != "checks"} for each in document["deployments"]]
        (self.folder / f"{name}.json").write_text(json.dumps(document | {"deployments": kept}) + "\n", "utf-8")
        for file in self.files()[:-MAX_RUNS]:
            file.unlink()
