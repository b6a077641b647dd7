"""Runs of other definitions, duplicate ids, and snapshots of something else."""

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.reference_server import seed
from tests.reference_server.app import Parameters, ReferenceServer
from tests.reference_server.database import Run

from .base import OTHER_ID, Body, MethodFault, RunFault, add_mutant, any_run, set_field
from .paging import rng

RULES = "rules"


add_mutant(
    RULES,
    "rare_foreign_run",
    RunFault(
        lambda run: (
            set_field(run, "workflow_definition_id", OTHER_ID),
            set_field(run, "run_snapshot", "workflow_definition_id", OTHER_ID),
        )
    ),
    "runs_of_the_definition",
)
add_mutant(
    RULES,
    "snapshot_of_another_definition",
    RunFault(lambda run: set_field(run, "run_snapshot", "workflow_definition_id", OTHER_ID)),
    "snapshot_of_the_run",
)
add_mutant(
    RULES,
    "snapshot_of_another_user",
    RunFault(lambda run: set_field(run, "run_snapshot", "user_id", OTHER_ID)),
    "snapshot_of_the_run",
)


class SharedId(ReferenceServer):
    """Two runs far apart share an id."""

    def render_run(self, run: Run) -> Body:
        return super().render_run(run) | ({"id": OTHER_ID} if run.sequence in (10, 130) else {})


class NeighboursShareId(ReferenceServer):
    def render_run(self, run: Run) -> Body:
        return super().render_run(run) | ({"id": OTHER_ID} if run.sequence in (17, 18) else {})


class PathIgnored(ReferenceServer):
    """Returns the runs of one definition, whatever the path says."""

    def load_page(self, session: Session, parameters: Parameters) -> Any:
        return super().load_page(session, replace(parameters, definition_id=uuid.UUID(seed.DEFINITION_ID)))


add_mutant(RULES, "one_id_on_two_runs", SharedId, "unique_ids")
add_mutant(RULES, "one_id_on_neighbours", NeighboursShareId, "unique_ids")
add_mutant(
    RULES,
    "another_id_each_time",
    RunFault(lambda run: set_field(run, "id", str(uuid.UUID(int=rng.getrandbits(128), version=4))), any_run),
    "unique_ids",
    "one_list",
)
add_mutant(
    RULES,
    "snapshot_as_it_is_now",
    RunFault(lambda run: rng.shuffle(run["run_snapshot"]["sources"]), any_run),
    "frozen_fields",
)
add_mutant(RULES, "path_id_ignored", PathIgnored, "runs_of_the_definition")


def load_all_runs(original: Any, session: Session, parameters: Parameters) -> Any:
    """Load the page from the runs of all definitions."""
    runs = session.scalars(select(Run).order_by(Run.sequence)).all()
    return len(runs), runs[parameters.offset : parameters.offset + parameters.limit]


add_mutant(
    RULES,
    "runs_of_all_definitions",
    MethodFault("load_page", load_all_runs),
    "runs_of_the_definition",
    "one_running",
)
