"""Life on the reference server: while it is read, the list of DEFINITION_ID changes as a deployment's would.

Each change is one transaction, in which the definition is invoked, its running run ends, or a run is deleted that is
not running. When one ends, the next that waits starts in the same moment. Most end well or fail with an error; a rare
one hangs, until it is failed because its time is up, while further ones queue up behind it.

The other definitions keep still: of one, no runs are wanted, the others' cannot be read.
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
from .seed import DEFINITION_ID, GRACE, SHORTEST, Invocations, ended, started, timed_out

DEFINITION = uuid.UUID(DEFINITION_ID)
OF_DEFINITION = Run.workflow_definition_id == DEFINITION


def steady_clock() -> Callable[[], datetime]:
    """The time, but never earlier than before, as the computer's clock may be put back."""
    start, since = datetime.now(UTC), time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - since)


class Churn:
    """Changes the list, one change at a time; which depends on nothing but the seed, the list and the clock."""

    # One run in so many hangs.
    hangs = 2000

    def __init__(self, engine: Engine, seed: str, clock: Callable[[], datetime] | None = None) -> None:
        self.engine = engine
        self.clock = clock or steady_clock()
        with Session(engine) as session:
            self.found = session.scalars(select(Definition.runs).where(Definition.id == DEFINITION)).one()
            # Around this many it will be kept.
            self.size = max(20, self.found)
            # In a database that was in use before, runs must not get the ids that they got then.
            self.rng = random.Random(f"{seed} {self.bounds(session)}")
        self.invocations = Invocations(DEFINITION, self.rng)
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self, rate: float) -> None:
        """Changes the list so many times a second, in a thread, until it is stopped."""
        self.thread = threading.Thread(target=self.run, args=(rate,), name="churn", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self.thread:
            self.thread.join()

    def run(self, rate: float) -> None:
        due = time.monotonic()
        # Never without a pause, however late it is: those who read need their turn.
        while not self.stopping.wait(max(due - time.monotonic(), 0.001)):
            due = max(due + 1 / rate, time.monotonic())
            try:
                self.change()
            except (OperationalError, IntegrityError):
                # Somebody else changes the same, or holds a lock. Nothing came of this one; something may of the next.
                continue

    def change(self) -> None:
        """One change, whole or not at all."""
        with Session(self.engine) as session, session.begin():
            moment = self.clock()
            running = session.scalars(select(Run).where(OF_DEFINITION, Run.status == "RUNNING")).one_or_none()
            hangs = False
            if running:
                longest = running.run_snapshot["max_run_duration_seconds"]
                age = (moment - running.started_at).total_seconds()
                if age > longest + GRACE:
                    self.end(session, running, moment, timed_out(longest))
                    return
                hangs = longest == SHORTEST or age > longest
            many = session.scalars(select(Definition.runs).where(Definition.id == DEFINITION)).one() > self.size
            # More ends than beginnings, else ever more would wait.
            weights = {"invoke": 2 if many else 4, "delete": 4 if many else 2, "end": 4 if running and not hangs else 0}
            [kind] = self.rng.choices(list(weights), list(weights.values()))
            if running and kind == "end":
                self.end(session, running, moment, self.invocations.error() if self.rng.random() < 0.2 else None)
            elif kind == "delete":
                self.delete(session)
            else:
                self.invoke(session, moment, may_start=running is None)

    def invoke(self, session: Session, moment: datetime, may_start: bool) -> None:
        longest = SHORTEST if self.rng.randrange(self.hangs) == 0 else None
        row = self.invocations.pending(self.bounds(session)[1] + 1, moment, longest)
        session.add(Run(**row | (started(moment) if may_start else {})))

    def end(self, session: Session, run: Run, moment: datetime, error: str | None) -> None:
        """Ends the run, and starts the one that waits longest."""
        self.update(run, ended(moment, error))
        # Before another one is running.
        session.flush()
        waiting = select(Run).where(OF_DEFINITION, Run.status == "PENDING").order_by(Run.sequence).limit(1)
        if following := session.scalars(waiting).one_or_none():
            self.update(following, started(moment))

    def delete(self, session: Session) -> None:
        """Deletes a run, rather an old one, and none that is running."""
        first, last = self.bounds(session)
        place = first + round((last - first) * self.rng.random() ** 2)
        for direction in (Run.sequence >= place, Run.sequence < place):
            run = select(Run).where(OF_DEFINITION, direction, Run.status != "RUNNING").order_by(Run.sequence).limit(1)
            if found := session.scalars(run).one_or_none():
                session.delete(found)
                return

    @staticmethod
    def bounds(session: Session) -> tuple[int, int]:
        """The least and the greatest number of a run; zeros if there is none."""
        first, last = (
            session.scalar(select(which(Run.sequence)).where(OF_DEFINITION)) for which in (func.min, func.max)
        )
        return first or 0, last or 0

    @staticmethod
    def update(run: Run, changes: dict[str, object]) -> None:
        for name, value in changes.items():
            setattr(run, name, value)
