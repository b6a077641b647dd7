"""Results of deployments, as JSON in the shape of fleet.schema.json. Keys are public: they are never renamed."""

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

from .config import Deployment

# A deployment, or one of its findings.
Result = dict[str, Any]

CONFORMS, PART, VIOLATES, UNTESTED = "conforms", "conforms in part", "violates", "could not be tested"
# Worst first.
OUTCOMES = (VIOLATES, UNTESTED, PART, CONFORMS)
# Files whose change invalidates a result.
SOURCES = ("requirements.lock", "overrides/codegen", "tests/contract", "tests/fleet")
LONGEST = 1000


def fingerprint() -> dict[str, str]:
    """Return file name, version and hash of the contract."""
    return {
        "file": OPENAPI.name,
        "version": str(contract().document["info"]["version"]),
        "sha256": hashlib.sha256(OPENAPI.read_bytes()).hexdigest(),
    }


def state_hash(deployment: Deployment, sources: str) -> str:
    """Return a hash of what a result depends on: the contract, the code and the deployment's settings.

    Args:
        deployment: The deployment.
        sources: The hash of `SOURCES`, as `state_of` returns it.
    """
    inputs = [sources, fingerprint()["sha256"], dict(deployment.settings), dict(deployment.credentials)]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def state_hashes(deployments: Iterable[Deployment]) -> dict[str, str]:
    """Return the state hashes of deployments, by name."""
    sources = hash_files(SOURCES)
    return {each.name: state_hash(each, sources) for each in deployments}


def reproduce_command(deployment: Deployment) -> str:
    """Return the command that tests the deployment again, with names of variables in place of credentials."""
    secrets = [f'{name}="${source}"' for name, source in deployment.credentials.items()]
    # "$$": make would expand a single "$".
    given = (f"{name}={shlex.quote(value.replace('$', '$$'))}" for name, value in deployment.settings.items())
    return " ".join([*secrets, "make contract", *given])


def base_result(deployment: Deployment) -> Result:
    """Return the part of a result that is known before the test."""
    return {
        "name": deployment.name,
        "server": deployment.settings["BASE_URL"],
        "credentials": dict(deployment.credentials),
        "repeat": reproduce_command(deployment),
        "contract": fingerprint(),
    }


def untested_result(deployment: Deployment, problem: str, fix: str, began: float) -> Result:
    """Return the result of a deployment that could not be tested.

    Args:
        deployment: The deployment.
        problem: Why it could not be tested.
        fix: What to do about it.
        began: Start, in seconds since 1970.
    """
    return base_result(deployment) | {
        "outcome": UNTESTED,
        "problem": escaped(problem, LONGEST),
        "fix": escaped(fix, LONGEST),
        "began": format_time(began),
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


def format_time(seconds: float) -> str:
    """Format seconds since 1970 as an RFC 3339 date-time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def latest_results(results: Iterable[Result], current: Mapping[str, str]) -> dict[str, Result]:
    """Return the latest result of each deployment, by name. Skips results of another state.

    Args:
        results: In any order, each with its state hash as `state`.
        current: The current state hashes, by name.
    """
    found: dict[str, Result] = {}
    for each in results:
        name = each.get("name", "")
        is_current = current.get(name, "") == each.get("state", None)
        if is_current and (name not in found or found[name]["began"] <= each["began"]):
            found[name] = each
    return found


def as_document(results: Sequence[Result], made: float) -> Result:
    """Return the content of fleet.json.

    Args:
        results: The results of all deployments, as `classify_findings` returns them.
        made: Seconds since 1970.
    """
    counts = Counter(each["outcome"] for each in results)
    return {
        "version": 1,
        "contract": fingerprint(),
        "made": format_time(made),
        "counts": {outcome: counts[outcome] for outcome in OUTCOMES},
        "deployments": [{key: value for key, value in each.items() if key != "state"} for each in results],
    }
