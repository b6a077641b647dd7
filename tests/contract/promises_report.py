"""`promises.json` and `promises.html`: the contract with the result of each of its promises.

The shape of the JSON is in promises.schema.json. Existing keys stay; new ones may be added.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from codegen.html_page import render_page

from .contract import OPENAPI, contract
from .coverage import lines
from .outcome import Outcome
from .promise_results import BROKEN, JUDGED, OPEN, Entry
from .target import Target

TEMPLATE = Path(__file__).with_name("promises.html.jinja")
# Maximum number of named mutants per promise.
MUTANTS_SHOWN = 5


@cache
def proofs() -> dict[str, dict[str, list[str]]]:
    """Return the data of tests/mutants/proofs.py; empty if the mutants are not installed."""
    try:
        from tests.mutants.proofs import proofs
    except ImportError:
        return {"killed_by": {}, "breaking": {}}
    return proofs()


def mutants_of(pointer: str) -> tuple[str, ...]:
    """Return the mutants derived from a promise, then hand-written ones that prove its checks."""
    checks = (check for line in lines() if line.promise.node.pointer == pointer for check in line.checks)
    return (*proofs()["breaking"].get(pointer, ()), *proving(frozenset(checks)))


@cache
def proving(checks: frozenset[str]) -> tuple[str, ...]:
    """Return the mutants that one of the checks must kill, the most specific ones first."""
    named = [(len(killers), name) for name, killers in proofs()["killed_by"].items() if checks.intersection(killers)]
    return tuple(name for _, name in sorted(named))


def as_data(target: Target, outcome: Outcome, found: list[Entry]) -> dict[str, Any]:
    """Return all results, in the shape of promises.schema.json."""
    states = Counter(each.state for each in found)
    return {
        "version": 1,
        "contract": {
            "file": OPENAPI.name,
            "version": str(contract().document["info"]["version"]),
            "sha256": hashlib.sha256(OPENAPI.read_bytes()).hexdigest(),
        },
        "server": target.base_url,
        "counts": {
            "promises": len(found),
            "judged": states[JUDGED] + states[BROKEN],
            "broken": states[BROKEN],
            "not judged": states[OPEN],
            "requests": outcome.sent,
        },
        "promises": [promise_of(each) for each in found],
        "findings": findings_of(outcome),
    }


def findings_of(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the findings with their numbers."""
    return [
        {
            "number": number,
            "check": finding.check,
            "message": finding.message,
            "also": finding.also,
            "curl": finding.curl,
            "requests": finding.count,
            "promises": sorted(finding.promises),
        }
        for number, finding in enumerate(outcome.listed, 1)
    ]


def promise_of(entry: Entry) -> dict[str, Any]:
    promise, mutants = entry.line.promise, mutants_of(entry.pointer)
    found: dict[str, Any] = {
        "pointer": entry.pointer,
        "line": promise.node.line,
        "kind": promise.kind,
        "name": promise.name,
        "place": entry.place,
        "state": entry.state,
        "reason": entry.reason.text,
        "checks": list(entry.line.checks),
        "judged": dict(sorted(entry.judged.items())),
        "findings": list(entry.findings),
        "mutants": {"count": len(mutants), "first": list(mutants[:MUTANTS_SHOWN])},
    }
    if promise.kind == "keyword" and promise.name == "enum" and isinstance(promise.node.value, list):
        seen = [json.loads(each) for each in entry.values]
        found["values"] = {"seen": seen, "not seen": [each for each in promise.node.value if each not in seen]}
    return found


def as_json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"


def as_html(data: dict[str, Any], title: str) -> str:
    """Return the page: findings, promises not judged, all promises, and the text of the contract.

    Args:
        data: The result of `as_data`.
        title: The name of the tested server.
    """
    by_line: dict[int, list[dict[str, Any]]] = {}
    places: dict[str, list[dict[str, Any]]] = {}
    for each in data["promises"]:
        by_line.setdefault(each["line"] or 0, []).append(each)
        places.setdefault(each["place"], []).append(each)
    reasons: dict[str, list[dict[str, Any]]] = {}
    for each in data["promises"]:
        if each["state"] == OPEN:
            reasons.setdefault(each["reason"], []).append(each)
    text = OPENAPI.read_text("utf-8").split("\n")
    return render_page(
        TEMPLATE,
        filters={"classed": lambda state: state.replace(" ", "-")},
        title=title,
        data=data,
        places=places,
        reasons=sorted(reasons.items(), key=lambda entry: -len(entry[1])),
        lines=[(number, line, marked(by_line.get(number, []))) for number, line in enumerate(text, 1)],
    )


def marked(found: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the mark beside a line: the worst result of its promises; None if it has none."""
    if not found:
        return None
    states = Counter(each["state"] for each in found)
    state = next(each for each in (BROKEN, OPEN, JUDGED) if states[each])
    count = max(sum(each["judged"].values()) for each in found)
    part = f"{states[state]} of {len(found)} " if states[state] < len(found) else ""
    return {"state": state, "word": f"{part}{state}" + (f" {count}" if state == JUDGED else "")}
