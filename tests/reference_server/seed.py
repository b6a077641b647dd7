"""What the reference server holds at start: who may ask, and which runs there are.

The same on every start, except that times count back from the start, so that none lies in the future and the run in
progress is a plausible one.
"""

import hashlib
import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any, get_args

from sqlalchemy.orm import Session

from .database import Credential, Definition, ReadAccess, User, add_runs
from .models import PartType

# No secrets: they open nothing but this server, which holds nothing but what stands below.
TOKEN = "reference-server-token"
KS_UAT = "reference-server-session"

DEFINITION_ID = "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10"
EMPTY_DEFINITION_ID = "b3d94a17-25fe-4c61-8d0a-7e5c90f2613b"
FORBIDDEN_DEFINITION_ID = "e07a6c52-91bd-4f38-a4c6-18d3f5072e9c"
FOREIGN_DEFINITION_ID = "2c85f3b9-d740-4e1a-b96f-53a1c8e04d76"

RUNS = 137

TENANT = uuid.UUID("91f4a0d3-7c2e-4b65-8e19-c60d3f7a5b28")
FOREIGN_TENANT = uuid.UUID("4ad0e7c6-38b1-4d92-a57f-0b9e61c2f384")
USER = uuid.UUID("c4a7d1f2-1b3e-4c5d-8e9f-a0b1c2d3e4f5")
COLLEAGUE = uuid.UUID("73be08d5-f2a9-4160-9c4b-e81d5a6f3027")

NAMES = ("Weekly supplier digest", "Résumé des contrats, 週報 📄", "تقرير أسبوعي", "Ω" * 255)
FOLDERS = ("/purchasing/suppliers/reports", "/Einkauf/Verträge", "/資料/週報", "/" + "/".join(["deep"] * 40))

LONGEST = 86400
"""Seconds: the most that a definition allows a run to take."""
SHORTEST = 60
"""Seconds: the least. Here, runs that are given no more are those that hang, until they are failed."""
GRACE = 30
"""Seconds: how long after its time was up a run is failed."""
ERRORS = (
    "The runner stopped.",
    'Quelle nicht lesbar: "Verträge\\2026"\t📄',
    ("Traceback: Zeile für Zeile, 一行ずつ ✗\n" * 300)[:8192],
)


def digest(token: bytes) -> bytes:
    """The form in which a token is stored and compared."""
    return hashlib.sha256(token).digest()


def seed(session: Session, runs: int, now: datetime) -> None:
    """Fills an empty database; `runs` is the number of runs of DEFINITION_ID."""
    definitions = {
        DEFINITION_ID: (TENANT, runs),
        EMPTY_DEFINITION_ID: (TENANT, 0),
        FORBIDDEN_DEFINITION_ID: (TENANT, 3),
        FOREIGN_DEFINITION_ID: (FOREIGN_TENANT, 3),
    }
    session.add_all([User(id=USER, tenant_id=TENANT), User(id=COLLEAGUE, tenant_id=TENANT)])
    session.add_all([Definition(id=uuid.UUID(text), tenant_id=tenant) for text, (tenant, _) in definitions.items()])
    session.flush()
    session.add_all(
        [
            Credential(digest=digest(TOKEN.encode()), user_id=USER, is_user_token=False),
            Credential(digest=digest(KS_UAT.encode()), user_id=USER, is_user_token=True),
            ReadAccess(user_id=USER, definition_id=uuid.UUID(DEFINITION_ID)),
            ReadAccess(user_id=USER, definition_id=uuid.UUID(EMPTY_DEFINITION_ID)),
        ]
    )
    for text, (_, count) in definitions.items():
        history = _history(Invocations(uuid.UUID(text), random.Random(text)), count, now)
        while batch := list(islice(history, 1000)):
            add_runs(session, batch)


class Invocations:
    """Makes up the runs of one definition: what each consists of, and what befalls it."""

    def __init__(self, definition: uuid.UUID, rng: random.Random) -> None:
        self.definition = definition
        self.rng = rng
        self.part_types = cycle(get_args(PartType))
        # The long one is rare, as a million runs may be wanted.
        self.errors = cycle((*ERRORS[:2] * 4, ERRORS[2]))
        self.configuration: dict[str, Any] = {}

    def pending(self, sequence: int, created: datetime, longest: int | None = None) -> dict[str, Any]:
        """A run that was just invoked; `longest` is how many seconds it may take, by default what is configured."""
        # Whoever invokes a definition seldom changes it before.
        if not self.configuration or self.rng.random() < 0.3:
            self.configuration = self._configuration()
        user = self.rng.choice((USER, COLLEAGUE))
        snapshot = self.configuration | {"user_id": str(user)}
        if longest is not None:
            snapshot["max_run_duration_seconds"] = longest
        return {
            "workflow_definition_id": self.definition,
            "sequence": sequence,
            "id": self._identifier(),
            "user_id": user,
            "runner_type": "SELF_HOSTED",
            "status": "PENDING",
            # The contract wants a start also of a run that still waits; until it has one, that is when it was created.
            "started_at": created,
            "completed_at": None,
            "run_snapshot": snapshot,
            "error": None,
            "created_at": created,
            "updated_at": created,
        }

    def error(self) -> str:
        """What the runner says when a run fails."""
        return next(self.errors)

    def _configuration(self) -> dict[str, Any]:
        return {
            "workflow_definition_id": str(self.definition),
            "workflow_name": self.rng.choice(NAMES),
            "runner_type": "SELF_HOSTED",
            "max_run_duration_seconds": self.rng.choice((300, 3600, LONGEST)),
            "sources": self._paths(),
            "instructions": self._paths(),
            "outputs": [self._path("FOLDER") for _ in range(self.rng.randint(1, 2))],
            "template": self._path("DOCUMENT_VERSION") if self.rng.random() < 0.5 else None,
        }

    def _paths(self) -> list[dict[str, str]]:
        count = 20 if self.rng.random() < 0.03 else self.rng.randint(1, 3)
        return [self._path(next(self.part_types)) for _ in range(count)]

    def _path(self, part_type: str) -> dict[str, str]:
        return {
            "path_part_id": str(self._identifier()),
            "materialized_path": f"{self.rng.choice(FOLDERS)}/{self.rng.randrange(1000)}",
            "part_type": part_type,
        }

    def _identifier(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)


def started(moment: datetime) -> dict[str, Any]:
    """What changes in a run when it starts."""
    return {"status": "RUNNING", "started_at": moment, "updated_at": moment}


def ended(moment: datetime, error: str | None) -> dict[str, Any]:
    """What changes in a run when it ends, well or with an error."""
    status = "COMPLETED" if error is None else "FAILED"
    return {"status": status, "completed_at": moment, "updated_at": moment, "error": error}


def timed_out(longest: int) -> str:
    """What a run is failed with after so many seconds."""
    return f"The run exceeded its maximum duration of {longest} seconds."


def _history(invocations: Invocations, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Runs as they come about, at most one at a time. Newest first, as their times count back from now."""
    rng = invocations.rng

    def seconds(least: float, most: float) -> timedelta:
        return timedelta(seconds=round(rng.uniform(least, most), 6))

    moment = now
    waiting = min(5, count // 4)
    for number in range(count):
        sequence = count - number
        if number <= waiting:
            moment -= seconds(1, 5)
            if number < waiting:
                yield invocations.pending(sequence, moment)
            else:
                yield invocations.pending(sequence, moment - seconds(0.1, 1), LONGEST) | started(moment)
            continue
        completed = moment - seconds(10, 600)
        moment = completed - seconds(5, 290)
        longest = error = None
        if number % 20 == 7:
            # Failed by the background process: after the longest time allowed and a grace period.
            longest, error = SHORTEST, timed_out(SHORTEST)
            moment = completed - timedelta(seconds=SHORTEST + GRACE)
        elif rng.random() < 0.15:
            error = invocations.error()
        created = moment - seconds(0.1, 5)
        yield invocations.pending(sequence, created, longest) | started(moment) | ended(completed, error)
