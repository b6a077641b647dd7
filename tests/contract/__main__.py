"""The command. The docstring of the package describes its settings and exit codes."""

import os
import shlex
import shutil
import signal
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from codegen.text import escaped

from . import __doc__ as usage
from .contract import Problem, contract, either
from .embedded import AlreadyReported, start_reference_server
from .operation import Operation
from .preflight import preflight
from .redaction import without_secrets
from .session import Ended, Session
from .settings import read_environment
from .target import Target

if TYPE_CHECKING:
    from .outcome import Outcome

CONFORMS, VIOLATES, UNTESTED = 0, 1, 2
REPORTS = (
    *("promises.html", "promises.json", "junit.xml", "contract.sarif", "ctrf.json"),
    *("html/index.html", "requests.har", "schemathesis.txt"),
)
# Limits, so that a verdict fits one screen.
FINDINGS_SHOWN = 5
PROMISES_SHOWN = 5
MESSAGE_SHOWN = 230
CURL_SHOWN = 400
PROBLEM_SHOWN = 1000
WIDEST = 120
# A run that ended early with fewer requests proves nothing: the kinds of requests are mixed from the start.
MIN_REQUESTS = 100


def main() -> int:
    # Otherwise the requests library would replace the credentials under test by a password from there.
    os.environ["NETRC"] = os.devnull
    with ExitStack() as cleanup:
        exit_on_signals(cleanup)
        try:
            if sys.argv[1:] in (["-h"], ["--help"]):
                print(usage)
                return CONFORMS
            target = replace(read_environment(os.environ), arguments=tuple(sys.argv[1:]))
            clear_reports(target.report_dir)
            return test_target(*connect(target, cleanup), cleanup)
        except AlreadyReported:
            pass
        except Problem as problem:
            print_problem(problem.problem, problem.fix)
        except Exception:
            # Not 1, Python's exit code after a traceback, which means a violation here.
            for line in without_secrets(traceback.format_exc(), secrets()).splitlines():
                print(escaped(line), file=sys.stderr)
            print_problem("the contract run itself failed, see above", "report it with this output")
        return UNTESTED


def exit_on_signals(cleanup: ExitStack) -> None:
    """Make SIGINT, SIGTERM and SIGHUP clean up and exit at once.

    Not by an exception: Schemathesis and rich may swallow it, and the run would continue.
    """

    def end(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        cleanup.close()
        sys.stderr = sys.__stderr__
        print_problem("interrupted before the end", "run it again")
        os._exit(UNTESTED)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        signal.signal(number, end)


def print_problem(problem: str, fix: str) -> None:
    for line in problem_lines(problem, fix):
        print(line, file=sys.stderr)


def problem_lines(problem: str, fix: str) -> tuple[str, str]:
    """Return the two lines of a problem, escaped and without secrets: they may contain text of the server."""
    title, remedy = (escaped(without_secrets(text, secrets()), PROBLEM_SHOWN) for text in (problem, fix))
    return f"problem: {title}", f"fix: {remedy}"


def secrets() -> dict[str, str]:
    """Return the secrets in the environment; none if the contract cannot be read, as nothing was sent then."""
    try:
        return contract().secrets_in(os.environ)
    except Problem:
        return {}


def clear_reports(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for report in REPORTS:
            # Reports of an earlier run would be taken for those of this one.
            (folder / report).unlink(missing_ok=True)
        for file in (folder / "curl").glob("*.sh"):
            file.unlink()
    except OSError as error:
        raise Problem(f"no reports can be written to {folder}: {error.strerror}", "give another REPORT_DIR") from error


def connect(target: Target, cleanup: ExitStack) -> tuple[Target, Session]:
    """Return the target, completed by the preflight, and its session, open until `cleanup` is closed."""
    if not target.is_deployment:
        target = start_reference_server(target, cleanup)
    session = cleanup.enter_context(Session(target).opened())
    # A mutant is tested whatever it answers, and its data is known.
    return target if target.mutant else preflight(target, session), session


def test_target(target: Target, session: Session, cleanup: ExitStack) -> int:
    terminal = sys.stdout
    print(f"Testing {server_name(target)} against openapi.yaml ...", flush=True)
    outcome = run_and_report(target, session, cleanup, lambda line: print(line, file=terminal, flush=True))
    print(without_secrets(verdict(target, session, outcome), target.secrets if target.is_deployment else {}))
    return VIOLATES if outcome.findings else CONFORMS


def run_and_report(target: Target, session: Session, cleanup: ExitStack, progress: Callable[[str], None]) -> "Outcome":
    """Run the tests and write the reports. Raises Problem if the server could not be tested."""
    # Imported late: it takes most of a second, and settings are checked first.
    from .checks import CLASSES
    from .reports import write_reports
    from .run import collect_rarely, run

    collect_rarely()
    checks = {check for names in CLASSES.values() for check in names}
    if unknown := set(target.excluded_checks) - checks:
        raise Problem(
            f"EXCLUDE_CHECKS names '{min(unknown)}', which is not a check", f"choose from {', '.join(sorted(checks))}"
        )
    outcome = run(target, Path(cleanup.enter_context(tempfile.TemporaryDirectory())), progress, session)
    write_reports(target, outcome, server_name(target))
    details = target.report_dir / "schemathesis.txt"
    if outcome.outage and all(finding.check == "no_answer" for finding in outcome.findings.values()):
        # The server may have crashed, or was stopped: the client cannot tell.
        raise Problem(
            f"the server stopped answering during the run; {details} has its last requests",
            "see the server's log, restart it, and run this again",
        )
    if (outcome.errors or (outcome.exit_code and not outcome.ended_early)) and not outcome.findings:
        for error in outcome.errors:
            print(escaped(without_secrets(error, target.secrets), PROBLEM_SHOWN), file=sys.stderr)
        raise Problem(f"Schemathesis failed, see {details}", "report it with that file")
    is_short = bool(outcome.ended_early) and outcome.sent < MIN_REQUESTS
    if (outcome.is_empty or is_short) and not outcome.findings:
        raise Problem(
            f"too few requests were sent for a verdict: {outcome.ended_early or 'some kinds of requests are missing'}",
            "raise MAX_TIME or the quota, or lower RATE_LIMIT",
        )
    return outcome


def server_name(target: Target) -> str:
    kind = f"mutant {target.mutant} of the reference server" if target.mutant else "the reference server"
    return target.base_url if target.is_deployment else f"{target.base_url} ({kind})"


def verdict(target: Target, session: Session, outcome: "Outcome") -> str:
    from codegen.drift import summary_line

    from .checks import CLASSES
    from .promise_results import entries, summary, top_reasons

    seen = ", ".join(f"{kind}: {count}" for kind, count in sorted(outcome.answers.items()))
    lines = ["", f"tested      {server_name(target)}", *wrapped("requests    ", f"{outcome.sent} ({seen})")]
    if len(contract().operations) + len(contract().untestable) > 1:
        counts = (f"{each.name} {outcome.requests_by_operation.get(each.name, 0)} requests" for each in target.tested)
        lines += wrapped("operations  ", ", ".join(counts))
    untested = not_tested(target)
    lines += wrapped("not tested  ", "; ".join(untested))
    failed = {finding.check for finding in outcome.findings.values()}
    title = "judged"
    for kind, checks in CLASSES.items():
        result = f"FAILED: {', '.join(sorted(failed & set(checks)))}" if failed & set(checks) else "ok"
        if count := outcome.classes[kind]:
            lines += wrapped(f"{title:<12}{kind:<20}{count:>5} requests  ", result)
            title = ""
    lines += wrapped(
        "variants    ",
        "; ".join(f"{name}: {', '.join(sorted(how))}" for name, how in sorted(outcome.accepted_variants.items())),
    )
    lines += wrapped("slow        ", outcome.times.slow)
    promised = entries(target, outcome)
    lines += wrapped("promises    ", summary(promised))
    left = top_reasons(promised, PROMISES_SHOWN, str(target.report_dir / "promises.html"))
    lines += wrapped("not judged  ", "; ".join([*not_judged(target, outcome), *left]))
    # The reference server serves the contract itself. A server that broke down gets no further request.
    if target.is_deployment and not session.ended_early:
        lines += wrapped("drift       ", summary_line(target.base_url, read_document))
    first, *others = REPORTS
    lines += [*wrapped("reports     ", f"{target.report_dir / first}; beside it {', '.join(others)}"), ""]
    findings = outcome.listed
    if not findings:
        so_far = ", as far as it was tested: see 'not tested'" if untested else ""
        lines.append(f"CONFORMS: every response keeps the contract{so_far}.")
    else:
        lines.append(f"VIOLATES THE CONTRACT: {len(findings)} finding{'s' if len(findings) > 1 else ''}.")
    for number, finding in enumerate(findings[:FINDINGS_SHOWN], 1):
        times = f" ({finding.count} requests)" if finding.count > 1 else ""
        message = escaped(finding.message, MESSAGE_SHOWN)
        follows = "; this may follow from the others" if number > 1 and not finding.curl else ""
        lines += wrapped(f"{number}. ", f"{finding.check}{times}: {message}{follows}")
        if finding.also:
            lines += wrapped("   also: ", escaped(finding.also, MESSAGE_SHOWN))
        if finding.curl:
            # Not wrapped, to be copied.
            lines.append(f"   {curl_command(finding.curl, target.report_dir / 'curl' / f'{number}.sh')}")
    if len(findings) > FINDINGS_SHOWN:
        lines.append(f"   and {len(findings) - FINDINGS_SHOWN} more in the reports")
    return "\n".join([*lines, *wrapped("next: ", next_step(target, bool(findings)))])


def read_document(url: str) -> bytes:
    """Return the document at a URL, requested without credentials. Raises what `codegen.drift.fetch` does."""
    from codegen import Problem as Incomparable
    from codegen.drift import NoDocument

    fix = "run make drift for details"
    try:
        answer = requests.get(url, headers={"Accept": "application/json"}, allow_redirects=False)
    except (Ended, requests.RequestException) as error:
        raise NoDocument(f"{url} cannot be read: {error}", fix) from error
    if answer.status_code == 0:
        raise Incomparable(answer.reason, fix)
    if answer.status_code != 200:
        raise NoDocument(f"{url} must answer 200 with a document (got {answer.status_code})", fix)
    return answer.content


def curl_command(curl: str, file: Path) -> str:
    """Return a command to copy: the curl command, or one that runs it from a file if it is long or not printable."""
    if len(curl) < CURL_SHOWN and curl.isascii() and curl.isprintable():
        return curl
    file.parent.mkdir(parents=True, exist_ok=True)
    # The encoding of headers.
    file.write_bytes(f"{curl}\n".encode("latin-1"))
    return f"sh {shlex.quote(str(file))}"


def wrapped(title: str, text: str) -> list[str]:
    width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    return textwrap.wrap(
        text, max(width, 60), initial_indent=title, subsequent_indent=" " * len(title), break_on_hyphens=False
    )


def not_tested(target: Target) -> list[str]:
    """Return the operations that were not tested, with reason and remedy. Unsafe ones are listed as not judged."""
    items = []
    for each in contract().operations:
        if each in target.tested or (not each.is_safe and not target.all_methods):
            continue
        if target.operation:
            items.append(f"{each.name} (OPERATION is {target.operation})")
        else:
            why = target.missing_ids.get(each.name, "no id is known")
            give = f" ({each.parent_variable} of one)" if each.is_safe and each.parent else ""
            items.append(f"{each.name}: {why}{give}")
    return items + [f"{name}: {why}" for name, why in contract().untestable.items()]


def unclaimed_promises() -> list[str]:
    """Return the promises that no check judges, with their lines."""
    from .claims import KNOWN_REASONS, unclaimed

    lines = [line for line in unclaimed(contract().promised.document) if line.reason not in KNOWN_REASONS]
    named = [f"{line.promise.name or line.promise.kind} on line {line.promise.node.line}" for line in lines]
    rest = f", and {len(named) - PROMISES_SHOWN} more (python -m tests.contract.claims)"
    return [", ".join(named[:PROMISES_SHOWN]) + (rest if len(named) > PROMISES_SHOWN else "")] if named else []


def not_judged(target: Target, outcome: "Outcome") -> list[str]:
    """Return what this run could not judge, each with the setting that would make it possible."""
    tested = target.tested
    items = []
    if not target.all_methods:
        not_sent = f", of the contract {', '.join(sorted(outcome.not_sent))}" if outcome.not_sent else ""
        items.append(f"methods other than GET{not_sent} (ALL_METHODS=1 sends them)")
    for name in dict.fromkeys(each.parent for each in tested if each.parent):
        items += ids_not_judged(target, outcome, name)
    variables = target.credentials
    items += [f"the other credential ({name})" for name in variables if name not in target.secrets]
    for each in tested:
        items += list_not_judged(target, outcome, each) if each.listing else []
    items += unclaimed_promises()
    if outcome.inconclusive:
        items.append(f"{' and '.join(sorted(outcome.inconclusive))} in full: the list changed too often")
    if target.excluded_checks:
        items.append(f"{', '.join(target.excluded_checks)} (EXCLUDE_CHECKS)")
    if outcome.ended_early:
        items.append(f"the requests left out when {outcome.ended_early}")
    return items


def ids_not_judged(target: Target, outcome: "Outcome", name: str) -> list[str]:
    """Return the kinds of ids of a path parameter that were not given."""
    described = next(each for each in target.tested if each.parent == name)
    parent, things, variable = described.parent_noun, described.items_noun, described.parent_variable
    ids, items = target.ids_of(described), []
    if not ids.empty and described.listing:
        items.append(f"a {parent} without {things} (EMPTY_{variable})")
    if not ids.foreign:
        items.append(f"a {parent} that the credentials may not read (FOREIGN_{variable})")
    for stage, kind in (("existence", "of another tenant"), ("access", "without access")):
        for status in sorted(described.refused(stage)):
            if ids.foreign and outcome.foreign_statuses and status not in outcome.foreign_statuses:
                items.append(f"a {parent} {kind}, refused with {status} (another FOREIGN_{variable})")
    return items


def list_not_judged(target: Target, outcome: "Outcome", described: Operation) -> list[str]:
    """Return what the run did not see of a list."""
    things, variable = described.items_noun, described.parent_variable
    most, items = described.limits[-1], []
    for definition in target.ids_of(described).known if described.is_offset_list else ():
        total = target.total(described, definition)
        read = len(outcome.rows.get((described.name, definition), ()))
        of = f"{definition} has" if definition else "there are"
        if total <= most:
            more = f"a {variable} with" if target.is_deployment else "SEED_RUNS of"
            items.append(f"a full page of {most}: {of} {total} {things} ({more} more than {most})")
        elif read < total * 0.9:
            items.append(f"most of the {total} {things} of {definition}: {read} were read, from both ends and between")
    return items + [
        f"{things} whose {name} is {escaped(either(missing), MESSAGE_SHOWN)}: there were none"
        for name, values in described.choices.items()
        if (missing := [value for value in values if value not in outcome.choices.get((described.name, name), ())])
    ]


def next_step(target: Target, violates: bool) -> str:
    if violates and target.is_deployment:
        names = " and ".join(target.secrets)
        return f"repeat a request with its curl command ({names} in the environment), fix the server, run this again"
    if violates:
        serve = f"make serve MUTANT={target.mutant}" if target.mutant else "make serve"
        return f"run {serve}, and repeat a request with its curl command in another terminal"
    if target.is_deployment:
        return "send more requests, MAX_EXAMPLES=1000, or run this on a schedule"
    first, parent = contract().variables[0], contract().operations[0].parent_variable
    return f"test a deployment: {first}=... make contract BASE_URL=https://host.example/api {parent}=..."


if __name__ == "__main__":
    sys.exit(main())
