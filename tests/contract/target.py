"""What is tested: the deployment that the environment names, or the reference server. And whether it can be tested."""

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests

ROOT = Path(__file__).parents[2]
OPERATION = "/v1/workflow-definitions/{}/runs"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# Seconds.
SERVER_START = 60
SERVER_STOP = 10
ANSWER = 10


class Problem(Exception):
    """Why the contract cannot be tested, and what to do about it."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True)
class Target:
    """A server under test, and how to test it."""

    base_url: str
    """Without a trailing slash; empty until the reference server runs."""
    definition_id: str
    token: str
    """Empty if not given, as is `ks_uat`."""
    ks_uat: str
    is_deployment: bool
    max_examples: int
    seed: int
    rate_limit: str
    report_dir: Path
    total: int = 0
    """Number of the definition's runs at the start."""

    @property
    def secrets(self) -> dict[str, str]:
        """Those that are given, by variable."""
        return {name: value for name, value in (("TOKEN", self.token), ("KS_UAT", self.ks_uat)) if value}


def read_environment(environment: Mapping[str, str]) -> Target:
    """Raises Problem for the first thing that is missing or wrong."""
    given = {name: value.strip() for name, value in environment.items()}
    base_url, definition_id = given.get("BASE_URL", ""), given.get("DEFINITION_ID", "")
    target = Target(
        base_url=base_url.rstrip("/"),
        definition_id=definition_id,
        token=given.get("TOKEN", ""),
        ks_uat=given.get("KS_UAT", ""),
        is_deployment=bool(base_url),
        max_examples=read_number("MAX_EXAMPLES", given.get("MAX_EXAMPLES") or "100", least=1),
        seed=read_number("SEED", given.get("SEED") or "0", least=0),
        rate_limit=given.get("RATE_LIMIT") or "20/s",
        report_dir=Path(given.get("REPORT_DIR") or "reports"),
    )
    if not re.fullmatch(r"[1-9][0-9]*/[smh]", target.rate_limit, re.ASCII):
        raise Problem(
            f"RATE_LIMIT is '{target.rate_limit}', which is no rate", "give requests per time: RATE_LIMIT=5/s"
        )
    if not target.is_deployment:
        if definition_id:
            raise Problem(
                "DEFINITION_ID is given, but not BASE_URL: which server is to be tested?",
                "give BASE_URL too; or, to test the reference server, unset DEFINITION_ID",
            )
        return target
    check_base_url(target.base_url)
    check_credentials(target)
    if not definition_id:
        raise Problem(
            "DEFINITION_ID is not given. One is needed because the operation lists the runs of one workflow "
            "definition: its id cannot be guessed, and without a definition that has runs every answer would be a "
            "404, and nothing would be tested",
            "give the id of a definition that has runs: DEFINITION_ID=01234567-89ab-4cde-8f01-23456789abcd",
        )
    if not UUID.fullmatch(definition_id):
        raise Problem(
            f"DEFINITION_ID is '{definition_id}', which is no UUID",
            "give the id as the API writes it: DEFINITION_ID=01234567-89ab-4cde-8f01-23456789abcd",
        )
    return target


def without_secrets(text: str, variables: Mapping[str, str]) -> str:
    """Should a secret get past Schemathesis's own filter (in an answer that repeats it, say), it ends here."""
    for name in ("TOKEN", "KS_UAT"):
        secret = variables.get(name, "").strip()
        # A shorter one is no secret, and would be found in the middle of any word.
        if len(secret) >= 6:
            for form in {secret, escape(secret), quote(secret, safe="")}:
                text = text.replace(form, f"${name}")
    return text


def read_number(name: str, text: str, least: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) < least:
        raise Problem(f"{name} is '{text}', which is no number from {least} up", f"give one: {name}={least + 100}")
    return int(text)


def check_base_url(base_url: str) -> None:
    fix = "give what comes before /v1 in the API's addresses: BASE_URL=https://host.example/api"
    try:
        url = urlsplit(base_url)
        # Reading the port checks it.
        valid = url.scheme in ("http", "https") and url.hostname is not None and url.port != 0
    except ValueError:
        valid = False
        url = urlsplit("")
    if url.username is not None:
        # Not shown: there is a password in it.
        raise Problem("BASE_URL holds credentials, which would be sent instead of TOKEN", fix)
    if not valid or url.query or url.fragment or re.search(r"\s", base_url):
        raise Problem(f"BASE_URL is '{base_url}', which is not an http or https address", fix)
    if "/v1/workflow-definitions" in url.path:
        raise Problem(f"BASE_URL is '{base_url}', which already holds the operation's own path", fix)


def check_credentials(target: Target) -> None:
    if not target.secrets:
        raise Problem(
            "neither TOKEN nor KS_UAT is given, and the API answers nobody without credentials",
            "put an API key or a user access token into the environment variable TOKEN, or a session cookie's value "
            "into KS_UAT",
        )
    # What a value may hold to travel unchanged, in a header or a cookie. The value itself is not shown.
    for name, allowed in (("TOKEN", r"[!-~]*"), ("KS_UAT", r"[!#-+\--:<-\[\]-~]*")):
        value = target.secrets.get(name, "")
        if not re.fullmatch(allowed, value, re.ASCII):
            raise Problem(
                f"{name} holds characters that no credential can have",
                f"give the bare value as {name}, without 'Bearer', quotes or blanks",
            )


def start_reference_server(target: Target, cleanup: ExitStack) -> Target:
    """Runs the reference server on a free port until `cleanup` is closed."""
    # Here, as a deployment can be tested without what the server needs.
    from tests.reference_server import seed

    # A proxy would be asked for this machine's own addresses otherwise.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    command = [sys.executable, "-m", "tests.reference_server", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    cleanup.callback(stop, process)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        # To the end, so that the server never waits for room in the pipe.
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    try:
        found = re.match(r"Listening on (\S+)", lines.get(timeout=SERVER_START))
    except queue.Empty:
        found = None
    if found is None:
        raise Problem(
            "the reference server did not start",
            "see what it says by itself: .venv/bin/python -m tests.reference_server",
        )
    return replace(
        target,
        base_url=found[1],
        definition_id=seed.DEFINITION_ID,
        token=seed.TOKEN,
        ks_uat=seed.KS_UAT,
        total=seed.RUNS,
    )


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(SERVER_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def preflight(target: Target) -> Target:
    """Finds out whether a deployment can be tested, and how many runs there are. Raises Problem if it cannot be.

    An answer that breaks the contract is no reason: the tests will tell.
    """
    total = 0
    for name, value in target.secrets.items():
        response = ask(target, {name: value})
        check_answer(target, name, response)
        page = read_object(response)
        if response.status_code == 200 and page is not None:
            if page.get("items") == [] and page.get("total") == 0:
                raise Problem(
                    f"the definition {target.definition_id} has no runs, so no page with runs can ever be seen",
                    "give the DEFINITION_ID of one that has runs, or invoke this one first",
                )
            if isinstance(page.get("total"), int):
                total = page["total"]
    return replace(target, total=total)


def ask(target: Target, secrets: Mapping[str, str], definition_id: str = "") -> requests.Response:
    url = target.base_url + OPERATION.format(definition_id or target.definition_id)
    try:
        return requests.get(
            url,
            params={"limit": 1},
            headers={"Authorization": f"Bearer {secrets['TOKEN']}"} if "TOKEN" in secrets else {},
            cookies={"ks_uat": secrets["KS_UAT"]} if "KS_UAT" in secrets else {},
            timeout=ANSWER,
            allow_redirects=False,
        )
    except requests.exceptions.SSLError as error:
        raise Problem(
            f"no secure connection to {target.base_url}: {root_cause(error)}",
            "for a private CA, name its certificate: REQUESTS_CA_BUNDLE=/path/to/ca.pem; a server without TLS has a "
            "BASE_URL that begins with http://",
        ) from error
    except requests.exceptions.Timeout as error:
        raise Problem(
            f"{target.base_url} gave no answer within {ANSWER} seconds",
            "check that BASE_URL is right, that the server runs, and that no firewall is in between",
        ) from error
    # The library's own errors are OSErrors; so is a CA file that does not exist.
    except (OSError, ValueError) as error:
        raise Problem(
            f"{target.base_url} cannot be reached: {root_cause(error)}",
            "check that BASE_URL is right and that the server runs",
        ) from error


def root_cause(error: BaseException) -> str:
    """What the operating system said, below the layers of libraries."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return str(error)


def read_object(response: requests.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def check_answer(target: Target, name: str, response: requests.Response) -> None:
    """Raises Problem unless the answer is a page, or breaks the contract."""
    status = response.status_code
    body = read_object(response)
    right_address = "give what comes before /v1 in the API's addresses: BASE_URL=https://host.example/api"
    if status == 401:
        raise Problem(
            f"{target.base_url} refuses the credentials in {name} (401)",
            f"give valid ones as {name}: not expired, not revoked, and of this deployment",
        )
    if status == 403:
        raise Problem(
            f"the credentials in {name} may not read the definition {target.definition_id} (403)",
            "give credentials that may, or the DEFINITION_ID of another definition",
        )
    if status == 429:
        raise Problem(
            "the quota is exceeded already (429)", f"wait; the server says {response.headers.get('Retry-After')} s"
        )
    if status in (502, 503, 504):
        raise Problem(
            f"{target.base_url} says that the API is not available at the moment ({status})",
            "wait, or see to the server, and run this again",
        )
    if 300 <= status < 400:
        place = urlsplit(response.headers.get("Location", ""))._replace(query="", fragment="").geturl()
        raise Problem(f"{target.base_url} is not the API: it redirects to '{place}' ({status})", right_address)
    if status == 404 and knows_operation(target, name):
        raise Problem(
            f"there is no definition {target.definition_id} (404), or the credentials in {name} are another tenant's",
            "check DEFINITION_ID, and that the definition, BASE_URL and the credentials belong together",
        )
    is_json = "json" in response.headers.get("Content-Type", "").lower()
    other_page = status == 200 and body is not None and not {"items", "total", "limit", "offset"} & body.keys()
    if status == 404 or other_page or (status < 500 and not is_json and body is None):
        kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
        raise Problem(f"{target.base_url} answers, but is not the API ({status}, {kind})", right_address)


def knows_operation(target: Target, name: str) -> bool:
    """Whether a 404 is about the definition; an address where there is no API says 404 as well, to anything."""
    malformed = ask(target, {name: target.secrets[name]}, definition_id="malformed")
    return malformed.status_code == 422 or ask(target, {}).status_code == 401
