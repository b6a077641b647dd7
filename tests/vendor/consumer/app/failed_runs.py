"""Prints the runs of a workflow definition that failed. Address and token: `KS_BASE_URL`, `KS_TOKEN`."""

import sys

from app._vendor import ks_workflow_runs as ks

try:
    with ks.AuthenticatedClient() as client:
        for run in ks.iter_workflow_runs(client, sys.argv[1]):
            if run.status == "FAILED":
                print(run.created_at, run.id, run.error)
except ks.ApiError as error:
    sys.exit(f"cannot list the runs: {error}")
