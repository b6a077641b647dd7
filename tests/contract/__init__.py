"""The contract run: property tests of openapi.yaml against a live server, by Schemathesis and checks of our own.

    python -m tests.contract

tests the embedded reference server; with BASE_URL it tests that deployment, which is sent GET requests only unless
ALL_METHODS=1 says otherwise.
This is the command below `make contract`; make turns every failure into 2, this keeps three exit codes apart:

    0  the server conforms, as far as the run can tell
    1  the server violates the contract
    2  it could not be found out; the message says why, and what to do

Everything is given by environment variables, so that no secret shows in a list of processes. Empty means not given.

    BASE_URL       the deployment, with its path prefix if it has one: https://host.example/api
    TOKEN          API key or user access token, without "Bearer"; this or KS_UAT is needed, both may be given
    KS_UAT         value of the session cookie
    DEFINITION_ID  a workflow definition that has runs and that the credentials may read; several with commas
    EMPTY_DEFINITION_ID
                   one that the credentials may read and that has no runs; several with commas
    FOREIGN_DEFINITION_ID
                   one that the credentials may not read: of another tenant, or of a path without access; several
                   with commas
    OPERATION      the only operation to test, by its operationId (default all)
    ALL_METHODS    1 sends a deployment also methods that might change something: those that the contract does not have
                   must be refused; those that it has add something, and change or delete nothing but that
    EXCLUDE_CHECKS names of checks to leave out, with commas
    FAIL_FAST      1 stops at the first violation
    THOROUGH       1 also asks for every limit, and for some hundred offsets: 300 to 500 requests more
    MAX_EXAMPLES   how many requests the fuzzing phase makes at most (default 30)
    MAX_TIME       seconds after which no more requests are made; 0 means no limit (default 0)
    MAX_ANSWER     bytes that an answer may have, beyond which it counts as none (default 16777216)
    SEED           another number, other requests (default 0)
    RATE_LIMIT     requests to a deployment at most, as number/s, /m or /h (default 20/s)
    MUTANT         a deliberate fault of the reference server, to see how the run names it
    REPORT_DIR     where the reports go (default reports)

The reports:

    promises.html  the contract with what came of each of its promises: judged, broken, not judged and why; .json has
                   the same for programs, in the shape of tests/contract/promises.schema.json
    junit.xml, ctrf.json
                   a test case for each check, `<class>.<check>`
    contract.sarif the findings, at the lines of the contract
    html/index.html, requests.har, schemathesis.txt
                   what Schemathesis has to say, and every request with its answer

What an operation is about is given by the parameter in its path, in capitals: `{definition_id}` as DEFINITION_ID, with
EMPTY_ and FOREIGN_ before it for the other kinds. Where a list of the contract links to an operation, it may be left
out: the ids come from the list's items. What cannot be tested without more is told.

Arguments are passed on to `schemathesis run`.

Of the environment it also heeds what the requests library does: REQUESTS_CA_BUNDLE names the certificate (PEM) of a
private CA, HTTPS_PROXY and NO_PROXY work as usual.
"""
