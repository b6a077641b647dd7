"""A program as a user writes it: prints the failed runs of the last day with their errors.

The README shows it; tests run it and type-check it. Takes the definition's id; address and token come from the
environment, `KS_BASE_URL` and `KS_TOKEN`.
"""

import sys
from datetime import UTC, datetime, timedelta

from ks_workflow_runs import ApiError, AuthenticatedClient, iter_workflow_runs
from ks_workflow_runs.models import WorkflowRunStatus


def main(definition_id: str) -> None:
    since = datetime.now(UTC) - timedelta(days=1)
    with AuthenticatedClient() as client:
        for run in iter_workflow_runs(client, definition_id):
            if run.status == WorkflowRunStatus.FAILED and run.created_at >= since:
                print(f"{run.created_at:%H:%M} {run.id} {run.error}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except ApiError as error:
        sys.exit(f"cannot list the runs: {error}")
