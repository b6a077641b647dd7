"""Prints the failed runs of a workflow definition. Address and token come from `KS_BASE_URL` and `KS_TOKEN`."""

import sys

from app._vendor import ks_workflow_runs as ks


def print_failed_runs(client: ks.Client, definition_id: str) -> None:
    for run in ks.iter_workflow_runs(client, definition_id):
        if run.status == "FAILED":
            print(run.created_at, run.id, run.error)


if __name__ == "__main__":
    try:
        with ks.AuthenticatedClient() as client:
            print_failed_runs(client, sys.argv[1])
    except ks.ApiError as error:
        sys.exit(f"cannot list the runs: {error}")
