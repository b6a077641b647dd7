"""The fleet: the contract run on many deployments of the same API.

    python -m tests.fleet run       tests all of them, side by side
    python -m tests.fleet report    makes the reports anew, from the results of all shares below REPORT_DIR
    python -m tests.fleet matrix    prints the matrix of shares that GitHub Actions takes
    python -m tests.fleet diff      says in what A and B differ

Variables of the environment:

    FLEET        the file that lists the deployments (default fleet.toml)
    JOBS         how many are tested at once (default twice the processors); of a matrix how many shares (default 8)
    SHARD        2/8: the second of eight shares
    RESUME       1 goes on from the results of an earlier run: what could not be tested is tried again
    NEW_ONLY     1 fails only for findings that were not there before
    REPORT_DIR   where the reports go, and where the earlier outcomes are (default reports)
    A, B         of a diff: names of deployments, each as NAME or FILE#NAME with the fleet.json of another run

Limits that the file leaves out are taken from the environment, as the contract run does: RATE_LIMIT, MAX_EXAMPLES,
MAX_TIME, MAX_ANSWER. A deployment is sent GET, HEAD and OPTIONS only.

Exit code 0 if every deployment conforms, at least in part; 1 if one violates the contract, with NEW_ONLY only where
that is new; 2 if one could not be tested, or nothing could be done. Of a diff: 0 if they are alike, 1 if not.

The file, by example. What `[defaults]` has holds for every deployment that says nothing else:

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

`env` has the names of the variables that hold the credentials, never the credentials. What is tested of a deployment is
given by the contract run's own variables, in lower case.
"""
