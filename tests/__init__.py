"""Products, and the tests of all parts.

Products, each with a command:

    contract/            the contract run of a live server: `make contract`
    fleet/               the contract run of many deployments: `make fleet`
    reference_server/    a strict server of the contract: `make serve`
    mutants/             deliberate faults, which the contract run must find: `make mutants`
    benchmarks/          comparison with other tools: `make benchmark`

Tests, each folder for one part; tests of fleet, mutants and benchmarks are next to their code:

    client/              the generated client, against test servers
    codegen/             the driver: generation, docs, breaking, drift
    contract_run/        the contract run: checks, reports, no false alarms
    server/              the reference server
    spec/                openapi.yaml and its linter
    testing_kit/         the client's testing kit, `ks_workflow_runs.testing`
    vendor/              vendoring, build and release; consumer/ is an example project
    board/               all of it with a second, richer contract and a server of its own

Importing this package makes the driver importable, so that `python -m tests.contract` needs no PYTHONPATH.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "overrides"))
