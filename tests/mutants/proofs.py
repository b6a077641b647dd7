"""Which checks and promises each mutant proves, for the reports of a contract run. Starts no mutant.

Importing the mutants takes a second, so the answer is cached beside the bytecode of their modules.
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
CACHE_FILE = HERE / "__pycache__" / "proofs.json"


@cache
def proofs() -> dict[str, dict[str, list[str]]]:
    """Return what the mutants prove.

    Returns:
        `killed_by`: by handmade mutant, the checks that must kill it. `breaking`: by JSON pointer of a promise, the
        derived mutants that break it.
    """
    digest = hashlib.sha256()
    for file in (OPENAPI, *sorted(HERE.rglob("*.py"))):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept: dict[str, Any] = json.loads(CACHE_FILE.read_text(encoding="utf-8"))
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
    # Without the cache, the next run is only slower.
    with suppress(OSError):
        CACHE_FILE.parent.mkdir(exist_ok=True)
        CACHE_FILE.write_text(json.dumps({"of": digest.hexdigest(), **found}), encoding="utf-8")
    return found


def pairs(mutants: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each promise that a mutant breaks, with the name of the mutant."""
    for name, mutant in mutants.items():
        for pointer in dict.fromkeys(mutant.promises):
            yield pointer, name
