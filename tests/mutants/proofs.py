"""Which checks each mutant proves, without starting one: for the reports of a contract run.

What the mutants are made of takes a second to import, so it is done once, and kept beside what Python compiles from
their modules.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

FAULTS = Path(__file__).with_name("faults")
KEPT = Path(__file__).with_name("__pycache__") / "killed_by.json"


def killed_by() -> dict[str, list[str]]:
    """Returns, by mutant, the checks that must kill it."""
    files = sorted(FAULTS.glob("*.py"))
    state = hashlib.sha256(b"\0".join(each.name.encode() + b"\0" + each.read_bytes() for each in files)).hexdigest()
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        if kept["of"] == state:
            return {str(name): [str(check) for check in checks] for name, checks in kept["killed_by"].items()}
    from .faults import MUTANTS

    found = {name: sorted(mutant.killed_by) for name, mutant in MUTANTS.items()}
    # A folder that cannot be written to only makes the next run slower.
    with suppress(OSError):
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps({"of": state, "killed_by": found}), encoding="utf-8")
    return found
