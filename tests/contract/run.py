"""Runs Schemathesis's own `run` command on a target, and keeps what its events say.

In this process rather than as a subprocess: the events have the requests as they were sent, from which the verdict
makes its figures and its curl commands; its printed output and reports have neither. An extension of its command line
("handler") may listen to them.
"""

import io
import os
import shlex
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis import cli
from schemathesis.core.failures import Failure
from schemathesis.engine import Status, events
from schemathesis.engine.errors import ServerUnavailable, UnhealthyAPIError, UnresponsiveOperationError
from schemathesis.engine.recorder import Request

from .checks import read_page
from .target import ANSWER, ROOT, Target, without_secrets

CONFIG = Path(__file__).with_name("schemathesis.toml")
OPENAPI = ROOT / "openapi.yaml"
# Sent with every request, and of no use in a command that repeats it.
ROUTINE_HEADERS = {"accept", "accept-encoding", "connection", "user-agent", "x-schemathesis-testcaseid"}
# What Schemathesis reports as an error of its run, though it is the server that did not answer.
SERVER_FAULTS = (requests.RequestException, UnhealthyAPIError, UnresponsiveOperationError)


@dataclass
class Finding:
    """One way in which a check failed."""

    check: str
    message: str
    curl: str = ""
    """A command that repeats the first such request; empty if the check judged the run as a whole."""
    count: int = 1


@dataclass
class Outcome:
    """What happened during a run."""

    answers: Counter[str] = field(default_factory=Counter)
    """How often each kind of answer was seen."""
    checks: set[str] = field(default_factory=set)
    """Those that judged at least one answer."""
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    unanswered: str = ""
    """A curl command for the first request that got no answer."""
    outage: str = ""
    """What Schemathesis said if the server went away for good."""
    errors: list[str] = field(default_factory=list)
    """Why Schemathesis could not do its work."""
    exit_code: int = 0

    def add(self, key: tuple[str, str], finding: Finding) -> None:
        if key in self.findings:
            self.findings[key].count += 1
        else:
            self.findings[key] = finding


def configuration(target: Target, junit: Path) -> schemathesis.Config:
    """schemathesis.toml, completed."""
    data = tomllib.loads(CONFIG.read_text("utf-8"))
    total = target.total
    data |= {
        "base-url": target.base_url,
        "color": False,
        "seed": target.seed,
        "request-timeout": ANSWER,
        "reports": {"junit": {"path": str(junit)}},
        "auth": {"openapi": {}},
    }
    # By the environment: a secret may hold what Schemathesis would take for a placeholder.
    if target.token:
        data["auth"]["openapi"]["bearerAuth"] = {"bearer": "${TOKEN}"}
    if target.ks_uat:
        data["auth"]["openapi"]["sessionCookie"] = {"api_key": "${KS_UAT}"}
    data["generation"]["max-examples"] = target.max_examples
    # Around the edges of this list, spread over it, and far past its end.
    offsets = {0, 1, *(total * part // 7 for part in range(1, 7)), total - 1, total, total + 1, 2**31, 2**63 - 1, -1}
    data["dictionaries"] |= {
        "definitions": {"values": [target.definition_id]},
        "offsets": {"values": sorted(offsets)},
    }
    if target.is_deployment:
        data["rate-limit"] = target.rate_limit
        # Without other methods these have nothing to judge, and would pass all the same.
        data["checks"] |= {"unsupported_method": {"enabled": False}, "allow_header_conformance": {"enabled": False}}
    else:
        del data["phases"]["coverage"]["unexpected-methods"]
    return schemathesis.Config.from_dict(data, base_dir=str(CONFIG.parent))


def run(target: Target, folder: Path) -> Outcome:
    """Tests the target. Reports are in its report folder afterwards, without secrets; until then in `folder`."""
    os.environ |= {"DEFINITION_ID": target.definition_id, "TOKEN": target.token, "KS_UAT": target.ks_uat}
    outcome = Outcome()
    output = io.StringIO()
    terminal = sys.stdout

    class Listener(cli.EventHandler[Any]):
        def handle_event(self, ctx: Any, event: events.EngineEvent) -> None:
            listen(target, outcome, event)
            if isinstance(event, events.ScenarioFinished) and event.recorder.interactions:
                print(f"  {event.phase.value}: {len(event.recorder.interactions)} requests", file=terminal, flush=True)

    cli.handler()(Listener)
    junit = folder / "junit.xml"
    try:
        with redirect_stdout(output), redirect_stderr(output):
            cli.schemathesis.commands["run"].main(
                [str(OPENAPI)],
                prog_name="schemathesis run",
                obj=configuration(target, junit),
                standalone_mode=False,
            )
    except SystemExit as ended:
        outcome.exit_code = ended.code if isinstance(ended.code, int) else 1
    finally:
        reports = {"schemathesis.txt": output.getvalue().replace(str(folder), str(target.report_dir))}
        if junit.exists():
            reports[junit.name] = junit.read_text("utf-8")
        for name, text in reports.items():
            (target.report_dir / name).write_text(without_secrets(text, target.secrets), "utf-8")
    return outcome


def listen(target: Target, outcome: Outcome, event: events.EngineEvent) -> None:
    if isinstance(event, events.ScenarioFinished):
        recorder = event.recorder
        for interaction in recorder.interactions.values():
            outcome.answers[kind_of(interaction.response)] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                outcome.checks.add(check.name)
                if check.status is Status.FAILURE and check.failure_info is not None:
                    failure = check.failure_info.failure
                    curl = as_curl(recorder.interactions[case_id].request, target)
                    outcome.add((check.name, failure.title), Finding(check.name, describe(failure), curl))
        for case_id, node in recorder.cases.items():
            if not outcome.unanswered and recorder.find_response(case_id=case_id) is None:
                request = requests.Request(**node.value.as_transport_kwargs()).prepare()
                outcome.unanswered = as_curl(Request.from_prepared_request(request), target)
    elif isinstance(event, events.NonFatalError):
        if isinstance(event.value, ServerUnavailable):
            outcome.outage = event.info.message
        elif event.related_to_operation and isinstance(event.value, SERVER_FAULTS):
            phase = event.phase.value if event.phase else "running"
            message = f"{' '.join(event.info.message.split())}; the {phase} phase ended there"
            outcome.add(("no_answer", event.info.title), Finding("no_answer", message))
        else:
            outcome.errors.append(f"{event.info.title}: {event.info.message}")
    elif isinstance(event, events.FatalError):
        outcome.errors.append(str(event.exception))
    elif isinstance(event, events.EngineFinished):
        for failure in event.failures:
            name = failure.title.removeprefix("Custom check failed: ").strip("`")
            outcome.add((name, failure.title), Finding(name, describe(failure)))
        for finding in outcome.findings.values():
            if finding.check == "no_answer":
                finding.curl = outcome.unanswered


def kind_of(response: schemathesis.Response | None) -> str:
    if response is None:
        return "no answer"
    page = read_page(response)
    if page is None or not isinstance(page.get("items"), list):
        return str(response.status_code)
    return "200 with items" if page["items"] else "200 without items"


def describe(failure: Failure) -> str:
    """In one line. A check of ours says all in its message, one of Schemathesis's needs its title."""
    message = " ".join(failure.message.split())
    return message if failure.title.startswith("Custom check failed") else f"{failure.title}. {message}"


def as_curl(request: Request, target: Target) -> str:
    """The request as it was sent, but with variables in place of secrets and of an address that is gone afterwards."""
    variables = dict(target.secrets)
    if not target.is_deployment:
        variables["BASE_URL"] = target.base_url
    words = ["curl", "--include"]
    if set("[]{}") & set(request.uri):
        words.append("--globoff")
    if request.uri.startswith("https:") and os.environ.get("REQUESTS_CA_BUNDLE"):
        words += ["--cacert", '"$REQUESTS_CA_BUNDLE"']
    if request.method != "GET":
        words += ["--request", request.method]
    for name, values in request.headers.items():
        if name.lower() not in ROUTINE_HEADERS:
            value = values[0].decode("latin-1") if isinstance(values[0], bytes) else values[0]
            words += ["--header", quoted(f"{name}: {value}", variables)]
    return " ".join([*words, quoted(request.uri, variables)])


def quoted(text: str, variables: Mapping[str, str]) -> str:
    """One word for a shell, with references to variables in place of the values that it begins or ends with."""
    for name, value in variables.items():
        if text.startswith(value):
            rest = text.removeprefix(value)
            return f'"${name}"' + (shlex.quote(rest) if rest else "")
        if text.endswith(value):
            return shlex.quote(text.removesuffix(value)) + f'"${name}"'
    return shlex.quote(text)
