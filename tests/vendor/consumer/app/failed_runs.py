"""Prints the runs of a workflow definition that failed. Address and token: `KS_BASE_URL`, `KS_TOKEN`."""

import sys

from app._vendor.ks_workflow_runs import AuthenticatedClient, iter_workflow_runs
from app._vendor.ks_workflow_runs.models import WorkflowRunStatus

with AuthenticatedClient() as client:
    for run in iter_workflow_runs(client, sys.argv[1]):
        if run.status == WorkflowRunStatus.FAILED:
            print(run.id)
