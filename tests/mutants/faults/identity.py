"""Identity."""

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run

from .making import OTHER_ID, Body, RunFault, StepFault, always_true, mutant, put
from .paging import dice

RULES = "rules"


mutant(
    RULES,
    "rare_foreign_run",
    RunFault(
        lambda run: (
            put(run, "workflow_definition_id", OTHER_ID),
            put(run, "run_snapshot", "workflow_definition_id", OTHER_ID),
        )
    ),
    "runs_of_the_definition",
)
mutant(
    RULES,
    "snapshot_of_another_definition",
    RunFault(lambda run: put(run, "run_snapshot", "workflow_definition_id", OTHER_ID)),
    "snapshot_of_the_run",
)
mutant(
    RULES,
    "snapshot_of_another_user",
    RunFault(lambda run: put(run, "run_snapshot", "user_id", OTHER_ID)),
    "snapshot_of_the_run",
)


class SharedId(ReferenceServer):
    """Two runs far apart have one id."""

    def render_run(self, run: Run) -> Body:
        return super().render_run(run) | ({"id": OTHER_ID} if run.sequence in (10, 130) else {})


class NeighboursShareId(ReferenceServer):
    def render_run(self, run: Run) -> Body:
        return super().render_run(run) | ({"id": OTHER_ID} if run.sequence in (17, 18) else {})


class PathIgnored(ReferenceServer):
    """Always the runs of one definition, whichever was asked for."""

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return super().load_page(session, replace(parameters, definition_id=uuid.UUID(seed.DEFINITION_ID)))


mutant(RULES, "one_id_on_two_runs", SharedId, "unique_ids")
mutant(RULES, "one_id_on_neighbours", NeighboursShareId, "unique_ids")
mutant(
    RULES,
    "another_id_each_time",
    RunFault(lambda run: put(run, "id", str(uuid.UUID(int=dice.getrandbits(128), version=4))), always_true),
    "unique_ids",
    "one_list",
)
mutant(
    RULES,
    "snapshot_as_it_is_now",
    RunFault(lambda run: dice.shuffle(run["run_snapshot"]["sources"]), always_true),
    "frozen_fields",
)
mutant(RULES, "path_id_ignored", PathIgnored, "runs_of_the_definition")
mutant(
    RULES,
    "runs_of_all_definitions",
    StepFault(
        "load_page",
        lambda original, session, asked: (
            len(runs := session.scalars(select(Run).order_by(Run.sequence)).all()),
            runs[asked.offset : asked.offset + asked.limit],
        ),
    ),
    "runs_of_the_definition",
    "one_running",
)
