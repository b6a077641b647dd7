"""Initial data of the reference server: users, credentials, definitions and runs.

The same on every start, except for times: they count back from the start, so that none is in the future and the
running run has a plausible start.
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

# Not secrets: they are valid for this server only, which holds only the data below.
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

MAX_RUN_SECONDS = 86400
"""The largest maximum duration of a run, in seconds."""
MIN_RUN_SECONDS = 60
"""The smallest maximum duration of a run, in seconds. Here, only runs that hang and time out have it."""
GRACE_SECONDS = 30
"""Seconds after its maximum duration until a run is marked as failed."""
ERRORS = (
    "The runner stopped.",
    'Quelle nicht lesbar: "Verträge\\2026"\t📄',
    ("Traceback: Zeile für Zeile, 一行ずつ ✗\n" * 300)[:8192],
)


def hash_token(token: bytes) -> bytes:
    """Return the hash that is stored and compared."""
    return hashlib.sha256(token).digest()


def seed(session: Session, runs: int, now: datetime) -> None:
    """Fill an empty database. `runs` is the number of runs of DEFINITION_ID."""
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
            Credential(digest=hash_token(TOKEN.encode()), user_id=USER, is_user_token=False),
            Credential(digest=hash_token(KS_UAT.encode()), user_id=USER, is_user_token=True),
            ReadAccess(user_id=USER, definition_id=uuid.UUID(DEFINITION_ID)),
            ReadAccess(user_id=USER, definition_id=uuid.UUID(EMPTY_DEFINITION_ID)),
        ]
    )
    for text, (_, count) in definitions.items():
        generated = _generate_runs(RunGenerator(uuid.UUID(text), random.Random(text)), count, now)
        while batch := list(islice(generated, 1000)):
            add_runs(session, batch)


class RunGenerator:
    """Generates the runs of one definition."""

    def __init__(self, definition: uuid.UUID, rng: random.Random) -> None:
        self.definition = definition
        self.rng = rng
        self.part_types = cycle(get_args(PartType))
        # The long error is rare, to keep a million runs small.
        self.errors = cycle((*ERRORS[:2] * 4, ERRORS[2]))
        self.configuration: dict[str, Any] = {}

    def pending(self, sequence: int, created: datetime, longest: int | None = None) -> dict[str, Any]:
        """Return a run that was just invoked. `longest` overrides the configured maximum duration, in seconds."""
        # Most runs have the configuration of the one before.
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
            # The contract requires a start even of a waiting run: until it starts, its creation.
            "started_at": created,
            "completed_at": None,
            "run_snapshot": snapshot,
            "error": None,
            "created_at": created,
            "updated_at": created,
        }

    def error(self) -> str:
        """Return the error of a failed run."""
        return next(self.errors)

    def _configuration(self) -> dict[str, Any]:
        return {
            "workflow_definition_id": str(self.definition),
            "workflow_name": self.rng.choice(NAMES),
            "runner_type": "SELF_HOSTED",
            "max_run_duration_seconds": self.rng.choice((300, 3600, MAX_RUN_SECONDS)),
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


def started_fields(moment: datetime) -> dict[str, Any]:
    """Return the fields that change when a run starts."""
    return {"status": "RUNNING", "started_at": moment, "updated_at": moment}


def ended_fields(moment: datetime, error: str | None) -> dict[str, Any]:
    """Return the fields that change when a run completes or fails."""
    status = "COMPLETED" if error is None else "FAILED"
    return {"status": status, "completed_at": moment, "updated_at": moment, "error": error}


def timeout_message(longest: int) -> str:
    """Return the error of a run that timed out."""
    return f"The run exceeded its maximum duration of {longest} seconds."


def _generate_runs(generator: RunGenerator, count: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield runs that never overlap, newest first, because times count back from now."""
    rng = generator.rng

    def seconds(least: float, most: float) -> timedelta:
        return timedelta(seconds=round(rng.uniform(least, most), 6))

    moment = now
    waiting = min(5, count // 4)
    for number in range(count):
        sequence = count - number
        if number <= waiting:
            moment -= seconds(1, 5)
            if number < waiting:
                yield generator.pending(sequence, moment)
            else:
                yield generator.pending(sequence, moment - seconds(0.1, 1), MAX_RUN_SECONDS) | started_fields(moment)
            continue
        completed = moment - seconds(10, 600)
        moment = completed - seconds(5, 290)
        longest = error = None
        if number % 20 == 7:
            # Timed out: failed by the background process after the maximum duration and a grace period.
            longest, error = MIN_RUN_SECONDS, timeout_message(MIN_RUN_SECONDS)
            moment = completed - timedelta(seconds=MIN_RUN_SECONDS + GRACE_SECONDS)
        elif rng.random() < 0.15:
            error = generator.error()
        created = moment - seconds(0.1, 5)
        yield generator.pending(sequence, created, longest) | started_fields(moment) | ended_fields(completed, error)
