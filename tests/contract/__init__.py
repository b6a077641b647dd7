"""The contract run: Schemathesis and checks of our own test a live server against openapi.yaml.

    python -m tests.contract

tests the embedded reference server. With BASE_URL it tests that deployment, and sends it GET requests only, unless
ALL_METHODS=1.

`make contract` runs this command. make turns every failure into exit code 2; the command has three:

    0  the server conforms, as far as it was tested
    1  the server violates the contract
    2  the server could not be tested; the message says why, and what to do

All settings are environment variables, so that no secret shows in a list of processes. An empty one counts as not
given.

    BASE_URL       the deployment, with its path prefix if it has one: https://host.example/api
    TOKEN          API key or user access token, without "Bearer"; this or KS_UAT is required, both are possible
    KS_UAT         value of the session cookie
    DEFINITION_ID  a workflow definition that has runs and that the credentials may read; several with commas
    EMPTY_DEFINITION_ID
                   one that the credentials may read and that has no runs; several with commas
    FOREIGN_DEFINITION_ID
                   one that the credentials may not read: of another tenant, or of a path without access; several
                   with commas
    OPERATION      operationId of the only operation to test (default all)
    ALL_METHODS    1 also sends unsafe methods to a deployment: those outside the contract, which it must refuse, and
                   those of the contract, which create items, and change or delete only these
    EXCLUDE_CHECKS names of checks to leave out, with commas
    FAIL_FAST      1 stops at the first violation
    THOROUGH       1 also requests every limit, and some hundred offsets: 300 to 500 requests more
    MAX_EXAMPLES   maximum number of requests in the fuzzing phase (default 30)
    MAX_TIME       seconds after which no more requests are sent; 0 means no limit (default 0)
    MAX_ANSWER     maximum size of a response in bytes; a larger one counts as no response (default 16777216)
    SEED           seed of the random requests (default 0)
    RATE_LIMIT     maximum rate of requests to a deployment, as number/s, /m or /h (default 20/s)
    MUTANT         a deliberate fault of the reference server, to see how the run reports it
    REPORT_DIR     folder for the reports (default reports)

The reports:

    promises.html  the contract with the result of each promise: judged, broken, or not judged and why; .json has the
                   same for programs, in the shape of tests/contract/promises.schema.json
    junit.xml, ctrf.json
                   a test case for each check, `<class>.<check>`
    contract.sarif the findings, at the lines of the contract
    html/index.html, requests.har, schemathesis.txt
                   Schemathesis's report, every request with its response, Schemathesis's output

An id in a path is given by the name of its parameter in capitals, `{definition_id}` as DEFINITION_ID, and with EMPTY_
and FOREIGN_ before it. It may be left out for operations that a list of the contract links to: their ids come from its
items. The verdict says what could not be tested without further ids.

Arguments are passed to `schemathesis run`.

The requests library reads further variables: REQUESTS_CA_BUNDLE, the certificate (PEM) of a private CA, HTTPS_PROXY and
NO_PROXY.
"""
