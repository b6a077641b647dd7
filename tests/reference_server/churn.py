"""Changes the list of DEFINITION_ID while it is read, as in a real deployment.

Each change is one transaction: it invokes the definition, ends the running run, or deletes a run that is not running.
When a run ends, the next waiting one starts at the same time. Most runs complete or fail with an error. A rare run
hangs until it times out, while others queue up behind it.

The other definitions do not change: one must stay empty, the others are not readable.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from .database import Definition, Run
from .seed import (
    DEFINITION_ID,
    GRACE_SECONDS,
    MIN_RUN_SECONDS,
    RunGenerator,
    ended_fields,
    started_fields,
    timeout_message,
)

DEFINITION = uuid.UUID(DEFINITION_ID)
OF_DEFINITION = Run.workflow_definition_id == DEFINITION


def steady_clock() -> Callable[[], datetime]:
    """Return a clock that never goes back, unlike the system's."""
    start, since = datetime.now(UTC), time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - since)


class Churn:
    """Changes the list, one change at a time. The changes depend only on the seed, the list and the clock."""

    # One run in this many hangs.
    hang_interval = 2000

    def __init__(self, engine: Engine, seed: str, clock: Callable[[], datetime] | None = None) -> None:
        self.engine = engine
        self.clock = clock or steady_clock()
        with Session(engine) as session:
            self.initial_runs = session.scalars(select(Definition.runs).where(Definition.id == DEFINITION)).one()
            # The list stays near this size.
            self.target_size = max(20, self.initial_runs)
            # In a database that was used before, new runs must not get the ids of that time.
            self.rng = random.Random(f"{seed} {self.bounds(session)}")
        self.generator = RunGenerator(DEFINITION, self.rng)
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, rate: float) -> None:
        """Change the list `rate` times per second, in a thread, until `stop`."""
        self.thread = threading.Thread(target=self.run, args=(rate,), name="churn", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self.thread:
            self.thread.join()

    def run(self, rate: float) -> None:
        due = time.monotonic()
        # Always pause, even when late: readers need their turn.
        while not self.stopping.wait(max(due - time.monotonic(), 0.001)):
            due = max(due + 1 / rate, time.monotonic())
            try:
                self.change()
            except (OperationalError, IntegrityError):
                # Another process changes the list or holds a lock. Skip this change.
                continue

    def change(self) -> None:
        """Make one change, in one transaction."""
        with Session(self.engine) as session, session.begin():
            moment = self.clock()
            running = session.scalars(select(Run).where(OF_DEFINITION, Run.status == "RUNNING")).one_or_none()
            hangs = False
            if running:
                longest = running.run_snapshot["max_run_duration_seconds"]
                age = (moment - running.started_at).total_seconds()
                if age > longest + GRACE_SECONDS:
                    self.end(session, running, moment, timeout_message(longest))
                    return
                hangs = longest == MIN_RUN_SECONDS or age > longest
            many = session.scalars(select(Definition.runs).where(Definition.id == DEFINITION)).one() > self.target_size
            # More ends than invocations, or the queue would grow.
            weights = {"invoke": 2 if many else 4, "delete": 4 if many else 2, "end": 4 if running and not hangs else 0}
            [kind] = self.rng.choices(list(weights), list(weights.values()))
            if running and kind == "end":
                self.end(session, running, moment, self.generator.error() if self.rng.random() < 0.2 else None)
            elif kind == "delete":
                self.delete(session)
            else:
                self.invoke(session, moment, may_start=running is None)

    def invoke(self, session: Session, moment: datetime, may_start: bool) -> None:
        longest = MIN_RUN_SECONDS if self.rng.randrange(self.hang_interval) == 0 else None
        row = self.generator.pending(self.bounds(session)[1] + 1, moment, longest)
        session.add(Run(**row | (started_fields(moment) if may_start else {})))

    def end(self, session: Session, run: Run, moment: datetime, error: str | None) -> None:
        """End the run, and start the one that has waited longest."""
        self.update(run, ended_fields(moment, error))
        # Written first: the database allows one running run.
        session.flush()
        waiting = select(Run).where(OF_DEFINITION, Run.status == "PENDING").order_by(Run.sequence).limit(1)
        if following := session.scalars(waiting).one_or_none():
            self.update(following, started_fields(moment))

    def delete(self, session: Session) -> None:
        """Delete a run that is not running, preferably an old one."""
        first, last = self.bounds(session)
        place = first + round((last - first) * self.rng.random() ** 2)
        for direction in (Run.sequence >= place, Run.sequence < place):
            run = select(Run).where(OF_DEFINITION, direction, Run.status != "RUNNING").order_by(Run.sequence).limit(1)
            if found := session.scalars(run).one_or_none():
                session.delete(found)
                return

    @staticmethod
    def bounds(session: Session) -> tuple[int, int]:
        """Return the smallest and the largest sequence number, or zeros if there are no runs."""
        first, last = (
            session.scalar(select(which(Run.sequence)).where(OF_DEFINITION)) for which in (func.min, func.max)
        )
        return first or 0, last or 0

    @staticmethod
    def update(run: Run, changes: dict[str, object]) -> None:
        for name, value in changes.items():
            setattr(run, name, value)
