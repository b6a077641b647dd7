"""The fleet: one contract run for each of many deployments of the same API.

    python -m tests.fleet run       tests all deployments, several at once
    python -m tests.fleet report    merges the results of all shards below REPORT_DIR, and writes the reports again
    python -m tests.fleet matrix    prints a matrix of shards for GitHub Actions
    python -m tests.fleet diff      prints the differences between the deployments A and B

Environment variables:

    FLEET        the file that lists the deployments (default fleet.toml)
    JOBS         run: deployments tested at once (default twice the processors); matrix: shards (default 8)
    SHARD        2/8: the second of eight shards
    RESUME       1 keeps the results of an interrupted run, and tests the rest
    NEW_ONLY     1 fails only for findings that the last run did not have
    REPORT_DIR   the folder of the reports and of earlier results (default reports)
    A, B         diff: names of deployments, or FILE#NAME with the fleet.json of another run

RATE_LIMIT, MAX_EXAMPLES, MAX_TIME and MAX_ANSWER apply where the file sets no limit, as in the contract run. Only GET,
HEAD and OPTIONS requests are sent.

Exit codes: 0 if every deployment conforms, at least in part; 1 if one violates the contract (with NEW_ONLY, in a new
way); 2 if one could not be tested, or on an error. diff: 0 without differences, 1 with differences.

An example of the file. `[defaults]` applies to each deployment that does not set a key itself:

    [defaults]
    rate_limit = "10/s"
    max_time = 300
    env = { TOKEN = "FLEET_TOKEN" }

    [[deployment]]
    name = "berlin"
    base_url = "https://berlin.example.com/api"
    definition_id = "6f1c2f0e-6c0b-4a58-9a3e-0d6f4c1b7a10"

    [[deployment]]
    name = "oslo"
    base_url = "https://oslo.example.com"
    definition_id = ["0b8f1d52-6a3f-4f3b-9a55-6f0c5a0f7f01", "8a6e0c4e-5a3b-4a7e-8f0e-0d5a3a1b2c03"]
    env = { TOKEN = "OSLO_TOKEN", KS_UAT = "OSLO_SESSION" }
    rate_limit = "2/s"

`env` names the environment variables that hold the credentials, never the credentials. The keys for ids are the
variables of the contract run in lower case.
"""
