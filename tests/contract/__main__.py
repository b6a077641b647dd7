"""The command: see the package's docstring for what it takes, and for its exit codes."""

import os
import signal
import sys
import tempfile
import textwrap
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from . import __doc__ as usage
from .target import Problem, Target, preflight, read_environment, start_reference_server, without_secrets

if TYPE_CHECKING:
    from .run import Outcome

CONFORMS, VIOLATES, UNTESTED = 0, 1, 2
REPORTS = ("junit.xml", "schemathesis.txt")
# So that a verdict fits one screen.
FINDINGS_SHOWN = 5
MESSAGE_SHOWN = 300


def main() -> int:
    # Else the requests library would send a password from there in place of the credentials under test.
    os.environ["NETRC"] = os.devnull
    with ExitStack() as cleanup:
        end_in_order(cleanup)
        try:
            if sys.argv[1:] in (["-h"], ["--help"]):
                print(usage)
                return CONFORMS
            if sys.argv[1:]:
                raise Problem("this command takes no arguments", "give environment variables; --help lists them")
            target = read_environment(os.environ)
            clear_reports(target.report_dir)
            target = preflight(target) if target.is_deployment else start_reference_server(target, cleanup)
            return test(target, cleanup)
        except Problem as problem:
            complain(problem.problem, problem.fix)
        except Exception:
            # Not 1, the exit code of a traceback, which would say that the server violates the contract.
            print(without_secrets(traceback.format_exc(), os.environ), file=sys.stderr)
            complain("the contract run itself failed, see above", "report it with this output")
        return UNTESTED


def end_in_order(cleanup: ExitStack) -> None:
    """On Ctrl+C, and when it is told to stop, the process cleans up and ends, wherever it is.

    Not by an exception: Schemathesis and rich lose one that comes at the wrong moment, and the run would go on.
    """

    def end(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        cleanup.close()
        sys.stderr = sys.__stderr__
        complain("interrupted before the end", "run it again")
        os._exit(UNTESTED)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        signal.signal(number, end)


def complain(problem: str, fix: str) -> None:
    print(without_secrets(f"problem: {problem}\nfix: {fix}", os.environ), file=sys.stderr)


def clear_reports(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for report in REPORTS:
            # Those of an earlier run would pass for this one's.
            (folder / report).unlink(missing_ok=True)
    except OSError as error:
        raise Problem(f"no reports can be written to {folder}: {error.strerror}", "give another REPORT_DIR") from error


def test(target: Target, cleanup: ExitStack) -> int:
    # Only now: it takes most of a second, and a missing variable can be told at once.
    from .run import run

    what = target.base_url if target.is_deployment else f"{target.base_url} (the reference server)"
    print(f"Testing {what} against openapi.yaml ...", flush=True)
    outcome = run(target, Path(cleanup.enter_context(tempfile.TemporaryDirectory())))
    details = target.report_dir / "schemathesis.txt"
    if outcome.outage and all(finding.check == "no_answer" for finding in outcome.findings.values()):
        # It may have crashed, or somebody stopped it: that cannot be told from here.
        raise Problem(
            f"the server stopped answering during the run; {details} has its last requests",
            "look into the server's log, start it again, and run this again",
        )
    if (outcome.errors or outcome.exit_code) and not outcome.findings:
        for error in outcome.errors:
            print(without_secrets(error, target.secrets), file=sys.stderr)
        raise Problem(f"Schemathesis could not do its work, see {details}", "report it with that file")
    print(without_secrets(verdict(target, outcome), target.secrets))
    return VIOLATES if outcome.findings else CONFORMS


def verdict(target: Target, outcome: "Outcome") -> str:
    seen = ", ".join(f"{kind}: {count}" for kind, count in sorted(outcome.answers.items()))
    unjudged = "anything that takes two answers to see"
    if target.is_deployment:
        unjudged += "; methods other than GET, which are not sent to a deployment"
    lines = [
        "",
        f"tested      {target.base_url}{'' if target.is_deployment else ' (the reference server)'}",
        f"requests    {outcome.answers.total()} ({seen})",
        textwrap.fill(
            ", ".join(sorted(outcome.checks)), 120, initial_indent="checks      ", subsequent_indent=" " * 12
        ),
        f"not judged  {unjudged}",
        f"reports     {', '.join(str(target.report_dir / report) for report in REPORTS)}",
        "",
    ]
    # What can be repeated comes first; what judges the run as a whole may just follow from it.
    findings = sorted(outcome.findings.values(), key=lambda finding: (not finding.curl, finding.check))
    if not findings:
        lines.append("CONFORMS: every answer is as the contract has it.")
    else:
        lines.append(f"VIOLATES THE CONTRACT: {len(findings)} finding{'s' if len(findings) > 1 else ''}.")
    for number, finding in enumerate(findings[:FINDINGS_SHOWN], 1):
        times = f" ({finding.count} requests)" if finding.count > 1 else ""
        lines.append(f"{number}. {finding.check}{times}: {textwrap.shorten(finding.message, MESSAGE_SHOWN)}")
        if finding.curl:
            lines.append(f"   {finding.curl}")
    if len(findings) > FINDINGS_SHOWN:
        lines.append(f"   and {len(findings) - FINDINGS_SHOWN} more in the reports")
    return "\n".join([*lines, f"next: {next_step(target, bool(findings))}"])


def next_step(target: Target, violates: bool) -> str:
    if violates and target.is_deployment:
        names = " and ".join(target.secrets)
        return f"repeat a request with its curl command ({names} in the environment), mend the server, run this again"
    if violates:
        return (
            "make serve, which shows the TOKEN to use; export TOKEN and BASE_URL=http://127.0.0.1:8000, and repeat a "
            "request with its curl command"
        )
    if target.is_deployment:
        return "look closer with more requests, MAX_EXAMPLES=1000; or run this on a schedule"
    return "test a deployment: TOKEN=... make contract BASE_URL=https://host.example/api DEFINITION_ID=..."


if __name__ == "__main__":
    sys.exit(main())
