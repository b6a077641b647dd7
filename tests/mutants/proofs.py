"""Which checks and promises each mutant proves, without starting one: for the reports of a contract run.

What the mutants are made of takes a second to import, so it is done once, and kept beside what Python compiles from
their modules.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests.contract.contract import OPENAPI

HERE = Path(__file__).parent
KEPT = HERE / "__pycache__" / "proofs.json"


@cache
def proofs() -> dict[str, dict[str, list[str]]]:
    """Returns what is known of the mutants.

    Returns:
        `killed_by`: by mutant made by hand, the checks that must kill it. `breaking`: by the JSON pointer of a promise
        of the contract under test, the mutants that follow from it.
    """
    digest = hashlib.sha256()
    for file in (OPENAPI, *sorted(HERE.rglob("*.py"))):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
        if kept.pop("of") == digest.hexdigest():
            return kept
    from .derived import derived
    from .faults import MUTANTS

    found: dict[str, dict[str, list[str]]] = {
        "killed_by": {name: sorted(mutant.killed_by) for name, mutant in MUTANTS.items()},
        "breaking": {},
    }
    for pointer, name in pairs(derived()):
        found["breaking"].setdefault(pointer, []).append(name)
    # A folder that cannot be written to only makes the next run slower.
    with suppress(OSError):
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps({"of": digest.hexdigest(), **found}), encoding="utf-8")
    return found


def pairs(mutants: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each promise that a mutant is about, and its name."""
    for name, mutant in mutants.items():
        for pointer in dict.fromkeys(mutant.promises):
            yield pointer, name
