"""Runs Schemathesis's `run` command on a target, and records its events.

In this process rather than a subprocess: only the events have the requests as they were sent, from which the verdict
takes its figures and its curl commands. A handler, an extension of its command line, receives them.
"""

import gc
import io
import json
import os
import shlex
import shutil
import tempfile
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import requests
import schemathesis
import schemathesis.checks
from schemathesis import cli
from schemathesis.core import SCHEMATHESIS_TEST_CASE_HEADER
from schemathesis.core.failures import Failure
from schemathesis.core.transport import USER_AGENT
from schemathesis.engine import Status, events
from schemathesis.engine.errors import ServerUnavailable, UnhealthyAPIError, UnresponsiveOperationError
from schemathesis.engine.recorder import Request
from schemathesis.openapi.checks import JsonSchemaError

from codegen.text import escaped

from .checks import CLASSES, Violation
from .contract import OPENAPI, Problem, contract
from .coverage import violated_promises
from .operation import Operation, label_of
from .outcome import Finding, Outcome
from .redaction import encoded_forms, without_secrets
from .run_state import begin, run_state
from .session import Session
from .target import Target

CONFIG = Path(__file__).with_name("schemathesis.toml")
# The address of `make serve`.
SERVE_URL = "http://127.0.0.1:8000"
# Headers of every request, not needed in curl commands.
ROUTINE_HEADERS = {**requests.utils.default_headers(), "User-Agent": USER_AGENT, "Connection": "close"}
# Offsets beyond any list.
FAR_OFFSETS = (2**31, 2**63 - 1)
# Characters.
MAX_MESSAGE, MAX_LINE = 2000, 10_000
REPORTS = {"har": "requests.har", "html": "html"}
# Errors in Schemathesis's report that are the server's fault.
SERVER_FAULTS = (requests.RequestException, UnhealthyAPIError, UnresponsiveOperationError)


def expected_kinds(operation: Operation) -> list[set[str]]:
    """Return sets of kinds of responses: one of each set must be seen."""
    success = str(operation.page_status)
    kinds = ("with", "without") if operation.is_offset_list else ("with",) if operation.listing else ()
    found = [{f"{success} {kind} items"} for kind in kinds] or [{success}]
    stages = ("credentials", "parameters", "existence") if operation.is_safe else ()
    refused = [set(map(str, operation.refused(stage))) for stage in stages]
    return found + [each for each in refused if each]


def configuration(target: Target, folder: Path) -> schemathesis.Config:
    """Return the configuration: schemathesis.toml and the settings of the target."""
    data = tomllib.loads(CONFIG.read_text("utf-8"))
    # As environment variables: a secret may contain what Schemathesis reads as a placeholder.
    schemes = {
        each.scheme: {"bearer" if each.prefix else "api_key": f"${{{each.variable}}}"}
        for each in contract().credentials
        if each.variable in target.secrets
    }
    data |= {
        "base-url": target.base_url,
        "color": False,
        "seed": target.seed,
        "request-timeout": target.answer_within,
        "reports": {name: {"path": str(folder / file)} for name, file in REPORTS.items() if target.has_reports},
        "auth": {"openapi": schemes},
    }
    data["generation"]["max-examples"] = target.max_examples
    data["operations"], data["dictionaries"] = [], {}
    for operation in target.tested:
        used_for, lists = dictionary_values(target, operation)
        if used_for:
            data["operations"].append({"include-name": operation.label, "parameters": used_for})
        data["dictionaries"] |= lists
    # They stay in the document: otherwise their methods would count as unsupported.
    labels = {each.label for each in target.tested}
    data["operations"] += [
        {"include-name": label_of(each), "enabled": False}
        for each in contract().promised.operations.values()
        if label_of(each) not in labels
    ]
    used = {check for names in CLASSES.values() for check in names} - set(target.excluded_checks)
    if target.all_methods:
        del data["phases"]["coverage"]["unexpected-methods"]
    else:
        # Without other methods these would pass with nothing to judge.
        used -= {"unsupported_method", "allow_header_conformance"}
    used.add("transient_answers")
    data["checks"] = {name: {"enabled": name in used} for name in schemathesis.checks.CHECKS.get_all_names()}
    if target.fail_fast:
        data |= {"continue-on-failure": False, "max-failures": 1}
    return schemathesis.Config.from_dict(data, base_dir=str(CONFIG.parent))


def dictionary_values(target: Target, operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values that Schemathesis uses for some parameters, and how often."""
    listing, limits, ids = operation.listing, operation.limits, target.ids_to_send(operation)
    parameters: dict[str, tuple[float, list[Any]]] = {}
    if operation.parent:
        # Mostly existing ids, since random ones are refused and show no pages. Not pinned: a plain value would replace
        # the malformed ids as well.
        parameters[f"path.{operation.parent}"] = 0.9, list(ids.known)
    if listing is not None:
        inside = {limits[0], limits[0] + 1, operation.defaults[listing.limit], 7, 37, limits[-1] - 1, limits[-1]}
        # By default Schemathesis picks limits and offsets at random, and hardly ever reads an item in the middle.
        # Invalid values are used only for requests that are to be refused.
        parameters[f"query.{listing.limit}"] = (
            0.5,
            [*sorted(inside & set(limits)), limits[0] - 1, -1, limits[-1] + 1],
        )
    if listing is not None and listing.offset:
        total = target.total(operation, ids.readable[0])
        # At the boundaries of the list, spread over it, and far beyond its end.
        parameters[f"query.{listing.offset}"] = (
            0.7,
            sorted({0, 1, *(total * part // 7 for part in range(1, 7)), total - 1, total, total + 1, *FAR_OFFSETS, -1}),
        )
    named = {name: f"{operation.name}.{name}" for name in parameters}
    used = {name: {"dictionary": named[name], "probability": often} for name, (often, _) in parameters.items()}
    return used, {named[name]: {"values": listed} for name, (_, listed) in parameters.items()}


@dataclass
class Listener:
    """Receives the events of the current run."""

    target: Target
    outcome: Outcome
    progress: Callable[[str], None]

    def handle(self, event: events.EngineEvent) -> None:
        record_event(self.target, self.outcome, event)
        if isinstance(event, events.ScenarioFinished) and event.recorder.interactions:
            self.progress(f"  {event.phase.value} done: {len(event.recorder.interactions)} requests")


_listeners: list[Listener] = []


@cli.handler()
class Handler(cli.EventHandler[Any]):
    # Registered once per process, for all runs.
    def handle_event(self, ctx: Any, event: events.EngineEvent) -> None:
        for listener in _listeners:
            listener.handle(event)


def collect_rarely() -> None:
    """Let the garbage collector run less often: nearly all objects live to the end, and it took a sixth of the time."""
    gc.set_threshold(20_000, 20, 50)


def run(
    target: Target,
    folder: Path,
    progress: Callable[[str], None] = lambda line: None,
    session: Session | None = None,
) -> Outcome:
    """Test the target. Reports are written to `folder`, and without secrets to the report folder."""
    if session is None:
        with Session(target).opened() as session:
            return run(target, folder, progress, session)
    os.environ |= {name: target.secrets.get(name, "") for name in contract().variables}
    session.progress = progress
    outcome = Outcome(required=tuple(kinds for operation in target.tested for kinds in expected_kinds(operation)))
    state = begin(target, session)
    outcome.began = time.time()
    output = io.StringIO()
    _listeners[:] = [Listener(target, outcome, progress)]
    # As JSON: Schemathesis reads YAML 1.1, in which `on` and `no` are Booleans.
    place = Path(tempfile.mkdtemp())
    document = place / "openapi.json"
    try:
        document.write_text(json.dumps(contract().document), "utf-8")
        with redirect_stdout(output), redirect_stderr(output):
            cli.schemathesis.commands["run"].main(
                [str(document), *target.arguments],
                prog_name="schemathesis run",
                obj=configuration(target, folder),
                standalone_mode=False,
            )
    except SystemExit as ended:
        outcome.exit_code = ended.code if isinstance(ended.code, int) else 1
    except click.UsageError as error:
        fix = "see what it takes: .venv/bin/schemathesis run --help"
        raise Problem(f"Schemathesis refuses its arguments: {error.format_message()}", fix) from error
    finally:
        outcome.ended = time.time()
        outcome.choices, outcome.requests_by_operation = state.choices, state.requests_by_operation
        outcome.sent, outcome.rows, outcome.ended_early = state.sent, state.rows, state.ended_early
        outcome.accepted_variants, outcome.inconclusive, outcome.foreign_statuses = (
            state.accepted_variants,
            state.inconclusive,
            state.foreign_statuses,
        )
        outcome.not_sent = state.not_sent
        add_ending_finding(target, session, outcome)
        shutil.rmtree(place, ignore_errors=True)
        text = output.getvalue().replace(str(folder), str(target.report_dir)).replace(str(document), OPENAPI.name)
        folder.mkdir(parents=True, exist_ok=True)
        lines = (escaped(line, MAX_LINE) for line in text.split("\n"))
        (folder / "schemathesis.txt").write_text("\n".join(lines), "utf-8")
        copy_reports(folder, target)
    return outcome


def add_ending_finding(target: Target, session: Session, outcome: Outcome) -> None:
    """Report what ended the run, even if only requests of checks met it."""
    if session.ended_by and all(finding.check != "no_answer" for finding in outcome.findings.values()):
        request, reason = session.ended_by
        curl = as_curl(Request.from_prepared_request(request), target)
        outcome.add(("no_answer", "no_answer"), Finding("no_answer", one_line(reason, target), curl))


def copy_reports(folder: Path, target: Target) -> None:
    """Copy Schemathesis's reports to the report folder, without secrets and control characters."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = target.report_dir / file.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = without_secrets(file.read_text("utf-8", "backslashreplace"), secrets_to_hide(target))
        place.write_text(printable(text), "utf-8", newline="")


def printable(text: str) -> str:
    """Escape unprintable characters, in a form that is valid in JSON and readable in HTML and XML."""
    unseen = {each for each in set(text) - set("\n\r\t") if not each.isprintable()}
    return text.translate({ord(each): as_json(each) for each in unseen})


def as_json(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"


def record_event(target: Target, outcome: Outcome, event: events.EngineEvent) -> None:
    if isinstance(event, events.ScenarioFinished):
        recorder = event.recorder
        for case_id in recorder.interactions:
            outcome.answers[run_state().kinds.get(case_id, "no answer")] += 1
        for interaction in recorder.interactions.values():
            if interaction.response is not None:
                outcome.times.note(interaction.response)
        for case_id, checks in recorder.checks.items():
            names = {check.name for check in checks}
            reached = run_state().reached.pop(case_id, None)
            if reached is not None:
                outcome.coverage.note(reached, names)
            outcome.classes.update(kind for kind, members in CLASSES.items() if names & set(members))
            outcome.checks.update(names)
            for check in checks:
                if check.status is Status.FAILURE and check.failure_info is not None:
                    failure = check.failure_info.failure
                    name = check.name if check.name != "transient_answers" else failed_check(failure)
                    curl = as_curl(recorder.interactions[case_id].request, target)
                    broken = set(violated_promises(reached, check.name, name, keywords_of(failure)))
                    finding = Finding(name, describe_failure(failure, target), curl, promises=broken)
                    outcome.add((name, failure.title), finding)
        for case_id, node in recorder.cases.items():
            if not outcome.unanswered and recorder.find_response(case_id=case_id) is None:
                request = requests.Request(**node.value.as_transport_kwargs()).prepare()
                outcome.unanswered = as_curl(Request.from_prepared_request(request), target)
    elif isinstance(event, events.NonFatalError):
        if isinstance(event.value, ServerUnavailable):
            outcome.outage = event.info.message
        elif event.related_to_operation and isinstance(event.value, SERVER_FAULTS):
            phase = event.phase.value if event.phase else "running"
            message = f"{one_line(' '.join(event.info.message.split()), target)}; the {phase} phase ended there"
            outcome.add(("no_answer", event.info.title), Finding("no_answer", message))
        else:
            outcome.errors.append(f"{event.info.title}: {event.info.message}")
    elif isinstance(event, events.FatalError):
        outcome.errors.append(str(event.exception))
    elif isinstance(event, events.EngineFinished):
        for failure in event.failures:
            name = failed_check(failure)
            outcome.add((name, failure.title), Finding(name, describe_failure(failure, target)))
        for finding in outcome.findings.values():
            if finding.check == "no_answer":
                finding.curl = finding.curl or outcome.unanswered


def failed_check(failure: Failure) -> str:
    """Return the name of the check that failed: of those that report such a failure, one that is enabled."""
    used = {check for names in CLASSES.values() for check in names}
    named = failure.title.removeprefix("Custom check failed: ").strip("`")
    return next((name for name in failure.checks if name in used), named)


def keywords_of(failure: Failure) -> list[str]:
    """Return ends of pointers of the broken keyword, the most specific first."""
    if isinstance(failure, Violation) and failure.pointer:
        return [failure.pointer]
    if not isinstance(failure, JsonSchemaError) or not failure.schema_path:
        return []
    path = "".join(f"/{part}" for part in failure.schema_path)
    *_, field, keyword = ("", "", *(str(part) for part in failure.schema_path))
    return [path, f"/{field}/{keyword}", f"/{keyword}"]


def describe_failure(failure: Failure, target: Target) -> str:
    """Describe a failure in one printable line. Messages of Schemathesis need their title."""
    return one_line(failure_text(failure), target)


def one_line(text: str, target: Target, limit: int = MAX_MESSAGE) -> str:
    """Return the text in one line. Secrets are removed before it is cut, as half a secret would stay."""
    return escaped(without_secrets(text[: 10 * limit], secrets_to_hide(target)), limit)


def failure_text(failure: Failure) -> str:
    if isinstance(failure, JsonSchemaError):
        # The problem and its location; the schema is in the contract.
        what, place = failure.message.partition("\n\n")[0], "".join(f"/{part}" for part in failure.instance_path)
        return f"{failure.title}: at {place or 'its root'}, {' '.join(what.split())}"
    message = " ".join(failure.message.split())
    return message if isinstance(failure, Violation) else f"{failure.title}. {message}"


def secrets_to_hide(target: Target) -> Mapping[str, str]:
    """Return the secrets. The reference server has none."""
    return target.secrets if target.is_deployment else {}


def as_curl(request: Request, target: Target) -> str:
    """Return a curl command for the request, with variables in place of secrets.

    For the reference server, which has ended by then, it uses the address of `make serve`, and its public credentials.
    """
    variables = secrets_to_hide(target)
    address = request.uri if target.is_deployment else request.uri.replace(target.base_url, SERVE_URL, 1)
    words = ["curl", "--include"]
    if set("[]{}") & set(request.uri):
        words.append("--globoff")
    if request.uri.startswith("https:") and os.environ.get("REQUESTS_CA_BUNDLE"):
        words += ["--cacert", '"$REQUESTS_CA_BUNDLE"']
    if request.method != "GET":
        words += ["--request", request.method]
    for name, values in request.headers.items():
        value = values[0].decode("latin-1") if isinstance(values[0], bytes) else values[0]
        if ROUTINE_HEADERS.get(name) != value and name != SCHEMATHESIS_TEST_CASE_HEADER:
            words += ["--header", shell_word(f"{name}: {value}", variables)]
    return " ".join([*words, shell_word(address, variables)])


def shell_word(text: str, variables: Mapping[str, str]) -> str:
    """Quote a word for a shell, with variables in place of their values."""
    for name, value in variables.items():
        for part, reference in encoded_forms(name, value):
            if part and part in text:
                before, _, after = text.partition(part)
                around = [shell_word(each, variables) if each else "" for each in (before, after)]
                return f'"{reference}"'.join(around)
    return shlex.quote(text)
