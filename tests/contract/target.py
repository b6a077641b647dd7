"""What is tested: the deployment that the environment names, or the reference server."""

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from .contract import ROOT, Problem

OPERATION = "/v1/workflow-definitions/{}/runs"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# Seconds.
SERVER_START = 60
SERVER_STOP = 10
# Its exit code when it has said what is to be done.
CANNOT_START = 2
ANSWER = 10
# Bytes.
MAX_ANSWER = 16 * 2**20


class Told(Exception):
    """The contract cannot be tested, and the reference server has said why."""


@dataclass(frozen=True)
class Target:
    """A server under test, and how to test it."""

    base_url: str
    """Without a trailing slash; empty until the reference server runs."""
    definitions: tuple[str, ...]
    """Ids in lower case, as are those below. They have runs; most requests are for the first one."""
    token: str
    """Empty if not given, as is `ks_uat`."""
    ks_uat: str
    is_deployment: bool
    max_examples: int
    seed: int
    rate_limit: str
    report_dir: Path
    empty: tuple[str, ...] = ()
    """Definitions without runs."""
    foreign: tuple[str, ...] = ()
    """Definitions that the credentials may not read: of another tenant, or of a path without access."""
    max_time: int = 0
    """Seconds; 0 means no limit."""
    all_methods: bool = True
    fail_fast: bool = False
    thorough: bool = False
    """Every limit, and many offsets."""
    excluded_checks: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """Further arguments of Schemathesis's own command."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Number of each definition's runs at the start."""
    answer_within: int = ANSWER
    """Seconds until a request counts as unanswered: the whole of its answer."""
    max_answer: int = MAX_ANSWER
    """Bytes of an answer's body, decoded, beyond which it counts as unanswered."""
    mutant: str = ""
    """The deliberate fault that the reference server is to have."""

    @property
    def readable(self) -> tuple[str, ...]:
        return self.definitions + self.empty

    @property
    def secrets(self) -> dict[str, str]:
        """Those that are given, by variable."""
        return {name: value for name, value in (("TOKEN", self.token), ("KS_UAT", self.ks_uat)) if value}


def read_environment(environment: Mapping[str, str]) -> Target:
    """Raises Problem for the first thing that is missing or wrong."""
    given = {name: value.strip() for name, value in environment.items()}
    base_url = given.get("BASE_URL", "")
    target = Target(
        base_url=base_url.rstrip("/"),
        definitions=read_list(given, "DEFINITION_ID"),
        empty=read_list(given, "EMPTY_DEFINITION_ID"),
        foreign=read_list(given, "FOREIGN_DEFINITION_ID"),
        token=given.get("TOKEN", ""),
        ks_uat=given.get("KS_UAT", ""),
        is_deployment=bool(base_url),
        max_examples=read_number("MAX_EXAMPLES", given.get("MAX_EXAMPLES") or "30", least=1),
        seed=read_number("SEED", given.get("SEED") or "0", least=0),
        rate_limit=given.get("RATE_LIMIT") or "20/s",
        report_dir=Path(given.get("REPORT_DIR") or "reports"),
        max_time=read_number("MAX_TIME", given.get("MAX_TIME") or "0", least=0),
        max_answer=read_number("MAX_ANSWER", given.get("MAX_ANSWER") or str(MAX_ANSWER), least=1),
        all_methods=read_switch(given, "ALL_METHODS") or not base_url,
        fail_fast=read_switch(given, "FAIL_FAST"),
        thorough=read_switch(given, "THOROUGH"),
        excluded_checks=read_list(given, "EXCLUDE_CHECKS"),
        mutant=given.get("MUTANT", ""),
    )
    if not re.fullmatch(r"[1-9][0-9]*/[smh]", target.rate_limit, re.ASCII):
        raise Problem(
            f"RATE_LIMIT is '{target.rate_limit}', which is no rate", "give requests per time: RATE_LIMIT=5/s"
        )
    if not target.is_deployment:
        for name in ("DEFINITION_ID", "EMPTY_DEFINITION_ID", "FOREIGN_DEFINITION_ID"):
            if given.get(name):
                raise Problem(
                    f"{name} is given, but not BASE_URL: which server is to be tested?",
                    f"give BASE_URL too; or, to test the reference server, unset {name}",
                )
        return target
    if target.mutant:
        raise Problem(
            "MUTANT is given, and BASE_URL: only the reference server has mutants",
            "unset one of them; to see a mutant at another address, start it with make serve MUTANT=...",
        )
    check_base_url(target.base_url)
    check_credentials(target)
    check_definitions(target)
    return target


def check_definitions(target: Target) -> None:
    if not target.definitions:
        raise Problem(
            "DEFINITION_ID is not given. One is needed because the operation lists the runs of one workflow "
            "definition: its id cannot be guessed, and without a definition that has runs every answer would be a "
            "404, and nothing would be tested",
            "give the id of a definition that has runs: DEFINITION_ID=01234567-89ab-4cde-8f01-23456789abcd",
        )
    seen: dict[str, str] = {}
    for name, ids in (
        ("DEFINITION_ID", target.definitions),
        ("EMPTY_DEFINITION_ID", target.empty),
        ("FOREIGN_DEFINITION_ID", target.foreign),
    ):
        for definition in ids:
            if not UUID.fullmatch(definition):
                raise Problem(
                    f"{name} is '{definition}', which is no UUID",
                    f"give the id as the API writes it: {name}=01234567-89ab-4cde-8f01-23456789abcd",
                )
            if definition in seen:
                raise Problem(
                    f"the definition {definition} is given twice, as {seen[definition]} and as {name}",
                    "give it once, as what it is: one with runs, one without, or one that may not be read",
                )
            seen[definition] = name


def read_list(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in given.get(name, "").split(",") if word.strip())


def read_switch(given: Mapping[str, str], name: str) -> bool:
    if given.get(name, "") not in ("", "0", "1"):
        raise Problem(f"{name} is '{given[name]}', which is neither 0 nor 1", f"give {name}=1, or leave it out")
    return given.get(name) == "1"


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
    if url.username is not None or "@" in base_url.partition("/")[0]:
        # Not shown: there is a password in it.
        raise Problem("BASE_URL holds credentials, which would be sent instead of TOKEN", fix)
    if "://" not in base_url:
        raise Problem(f"BASE_URL is '{base_url}', without http:// or https:// in front", f"BASE_URL=http://{base_url}")
    if url.query or url.fragment:
        raise Problem(f"BASE_URL is '{base_url}', which has a query or a fragment", fix)
    if not valid or re.search(r"\s", base_url):
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
    if target.ks_uat.startswith("ks_uat="):
        raise Problem("KS_UAT holds the cookie's name besides its value", "give what comes after ks_uat=")


def start_reference_server(target: Target, cleanup: ExitStack) -> Target:
    """Runs the reference server on a free port until `cleanup` is closed."""
    # Here, as a deployment can be tested without what the server needs.
    from tests.reference_server import seed

    # A proxy would be asked for this machine's own addresses otherwise.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    command = [sys.executable, "-m", "tests.reference_server", "--port", "0", "--end-with-input"]
    # The pipe to its input closes with this process, also when that is killed: no server is left behind.
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    cleanup.callback(stop, process)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        # To the end, so that the server never waits for room in the pipe.
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        process.stdout.close()
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    try:
        line = lines.get(timeout=SERVER_START)
    except queue.Empty:
        line = None
    found = re.match(r"Listening on (\S+)", line or "")
    if found is None:
        if line == "" and process.wait(SERVER_STOP) == CANNOT_START:
            raise Told
        raise Problem("the reference server did not start", "see what it says by itself: make serve PORT=0")
    return replace(
        target,
        base_url=found[1],
        definitions=(seed.DEFINITION_ID,),
        empty=(seed.EMPTY_DEFINITION_ID,),
        foreign=(seed.FOREIGN_DEFINITION_ID, seed.FORBIDDEN_DEFINITION_ID),
        token=seed.TOKEN,
        ks_uat=seed.KS_UAT,
        totals={seed.DEFINITION_ID: seed.RUNS},
    )


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(SERVER_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
