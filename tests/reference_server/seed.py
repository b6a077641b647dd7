"""What the reference server holds at start: who may ask, and which runs there are.

The same on every start, except that times count back from the start, so that none lies in the future and the run in
progress is a plausible one.
"""

import hashlib
import random
import uuid
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any, get_args

from sqlalchemy import insert
from sqlalchemy.orm import Session

from .database import Credential, Definition, ReadAccess, Run, User
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
        if count:
            session.execute(insert(Run), _history(uuid.UUID(text), count, now))


def _history(definition: uuid.UUID, count: int, now: datetime) -> list[dict[str, Any]]:
    """Runs of one definition, oldest first, as they come about: one after the other, at most one at a time."""
    rng = random.Random(definition.int)
    part_types = cycle(get_args(PartType))
    failures = 0

    def seconds(least: float, most: float) -> timedelta:
        return timedelta(seconds=round(rng.uniform(least, most), 6))

    def identifier() -> uuid.UUID:
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    def path(part_type: str) -> dict[str, str]:
        return {
            "path_part_id": str(identifier()),
            "materialized_path": f"{rng.choice(FOLDERS)}/{rng.randrange(1000)}",
            "part_type": part_type,
        }

    def paths() -> list[dict[str, str]]:
        return [path(next(part_types)) for _ in range(20 if rng.random() < 0.02 else rng.randint(1, 3))]

    def run(
        status: str, created: datetime, started: datetime, completed: datetime | None, **more: Any
    ) -> dict[str, Any]:
        user = rng.choice((USER, COLLEAGUE))
        snapshot = {
            "workflow_definition_id": str(definition),
            "workflow_name": rng.choice(NAMES),
            "runner_type": "SELF_HOSTED",
            "user_id": str(user),
            "max_run_duration_seconds": rng.choice((300, 3600, 86400)),
            "sources": paths(),
            "instructions": paths(),
            "outputs": [path("FOLDER") for _ in range(rng.randint(1, 2))],
            "template": path("DOCUMENT_VERSION") if rng.random() < 0.5 else None,
        }
        return {
            "id": identifier(),
            "workflow_definition_id": definition,
            "user_id": user,
            "runner_type": "SELF_HOSTED",
            "status": status,
            "started_at": started,
            "completed_at": completed,
            "run_snapshot": snapshot | more.pop("snapshot", {}),
            "error": None,
            "created_at": created,
            "updated_at": completed or started,
        } | more

    # Backwards from now: first those that wait, then the one that runs, then those that have ended.
    newest_first = []
    moment = now - seconds(1, 5)
    for _ in range(min(5, count // 4)):
        # The contract wants a start also of a run that still waits; until it has one, that is when it was created.
        newest_first.append(run("PENDING", moment, moment, None))
        moment -= seconds(1, 5)
    newest_first.append(
        run("RUNNING", moment - seconds(0.1, 1), moment, None, snapshot={"max_run_duration_seconds": 86400})
    )
    while len(newest_first) < count:
        completed = moment - seconds(10, 600)
        if rng.random() < 0.8:
            moment = completed - seconds(5, 290)
            newest_first.append(run("COMPLETED", moment - seconds(0.1, 5), moment, completed))
            continue
        failures += 1
        if failures % 4 == 1:
            # Failed by the background process: after the longest time allowed and a grace period.
            moment = completed - timedelta(seconds=90)
            more = {
                "error": "The run exceeded its maximum duration of 60 seconds.",
                "snapshot": {"max_run_duration_seconds": 60},
            }
        else:
            moment = completed - seconds(5, 290)
            trace = "Traceback: Zeile für Zeile, 一行ずつ ✗\n" * 300
            errors = ("The runner stopped.", trace[:8192], 'Quelle nicht lesbar: "Verträge\\2026"\t📄')
            more = {"error": errors[failures % 3]}
        newest_first.append(run("FAILED", moment - seconds(0.1, 5), moment, completed, **more))
    return newest_first[::-1]
