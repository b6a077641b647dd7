"""What came of deployments, as JSON: the shape is in fleet.schema.json. What is known there by its key stays."""

from __future__ import annotations

import hashlib
import json
import shlex
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from codegen.text import escaped
from tests.contract.contract import OPENAPI, contract
from tests.contract.sharding import hash_files

from .reading import Deployment

# One deployment, or one of its findings.
Result = dict[str, Any]

CONFORMS, PART, VIOLATES, UNTESTED = "conforms", "conforms in part", "violates", "could not be tested"
# The worst first.
OUTCOMES = (VIOLATES, UNTESTED, PART, CONFORMS)
# What decides what comes of a deployment, besides itself.
SOURCES = ("requirements.lock", "overrides/codegen", "tests/contract", "tests/fleet")
LONGEST = 1000


def fingerprint() -> dict[str, str]:
    """Which contract it is."""
    return {
        "file": OPENAPI.name,
        "version": str(contract().document["info"]["version"]),
        "sha256": hashlib.sha256(OPENAPI.read_bytes()).hexdigest(),
    }


def state(deployment: Deployment, sources: str) -> str:
    """A hash of what a result is of: the contract, what tests it, and what the file says of the deployment.

    Args:
        deployment: The deployment.
        sources: As `state_of` returns it, of `SOURCES`.
    """
    of = [sources, fingerprint()["sha256"], dict(deployment.given), dict(deployment.credentials)]
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()


def states(deployments: Iterable[Deployment]) -> dict[str, str]:
    """The same for each, by name."""
    sources = hash_files(SOURCES)
    return {each.name: state(each, sources) for each in deployments}


def repeat(deployment: Deployment) -> str:
    """The command that tests it again: with the names of variables in place of credentials."""
    secrets = [f'{name}="${source}"' for name, source in deployment.credentials.items()]
    # Twice, as make takes one for a variable.
    given = (f"{name}={shlex.quote(value.replace('$', '$$'))}" for name, value in deployment.given.items())
    return " ".join([*secrets, "make contract", *given])


def described(deployment: Deployment) -> Result:
    """What is known of it before it is tested."""
    return {
        "name": deployment.name,
        "server": deployment.given["BASE_URL"],
        "credentials": dict(deployment.credentials),
        "repeat": repeat(deployment),
        "contract": fingerprint(),
    }


def untested(deployment: Deployment, problem: str, fix: str, began: float) -> Result:
    """What stands for the result of one that could not be tested.

    Args:
        deployment: The deployment.
        problem: Why.
        fix: What to do about it.
        began: When, in seconds since 1970.
    """
    return described(deployment) | {
        "outcome": UNTESTED,
        "problem": escaped(problem, LONGEST),
        "fix": escaped(fix, LONGEST),
        "began": moment(began),
        "seconds": round(time.time() - began, 1),
        "requests": 0,
        "server_version": None,
        "ended_early": "",
        "answers": {},
        "promises": {"promises": 0, "judged": 0, "broken": 0, "not judged": 0},
        "broken": [],
        "not_judged": [],
        "unseen": [],
        "classes": {},
        "checks": [],
        "lenient": {},
        "times": None,
        "findings": [],
    }


def moment(seconds: float) -> str:
    """In UTC, as RFC 3339 has it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def latest(results: Iterable[Result], current: Mapping[str, str]) -> dict[str, Result]:
    """By name, the last result of each deployment that is of its current state.

    Args:
        results: In any order, each with its `state`.
        current: The states by name.
    """
    found: dict[str, Result] = {}
    for each in results:
        name = each.get("name", "")
        is_current = current.get(name, "") == each.get("state", None)
        if is_current and (name not in found or found[name]["began"] <= each["began"]):
            found[name] = each
    return found


def as_document(results: Sequence[Result], made: float) -> Result:
    """The whole of fleet.json.

    Args:
        results: Of all deployments, with what memory.py says of their findings.
        made: When, in seconds since 1970.
    """
    counts = Counter(each["outcome"] for each in results)
    return {
        "version": 1,
        "contract": fingerprint(),
        "made": moment(made),
        "counts": {outcome: counts[outcome] for outcome in OUTCOMES},
        "deployments": [{key: value for key, value in each.items() if key != "state"} for each in results],
    }
