"""The command line. The package's docstring is its help text."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codegen.text import escaped
from tests.contract.contract import Problem
from tests.contract.redaction import without_secrets
from tests.contract.settings import read_switch
from tests.contract.sharding import JsonLines, read_shard, select_shard

from . import __doc__ as usage
from .config import Deployment, Fleet, read_fleet
from .results import UNTESTED, VIOLATES, Result, as_document, format_time, latest_results, state_hashes, untested_result

if TYPE_CHECKING:
    from .deployment_run import Task

EXIT_OK, EXIT_FAILED, EXIT_UNKNOWN = 0, 1, 2
# Of the matrix, without JOBS.
DEFAULT_SHARDS = 8
# GitHub's limit for a matrix.
MAX_SHARDS = 256
# Seconds that a deployment may take beyond MAX_TIME: start, preflight and reports.
OVERHEAD = 120
LONGEST = 2000


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    commands = {"run": run, "report": report, "matrix": matrix, "diff": diff}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(usage)
        return EXIT_OK if arguments in (["-h"], ["--help"]) else EXIT_UNKNOWN
    try:
        return commands[arguments[0]](environment)
    except Problem as problem:
        print_problem(problem.problem, problem.fix)
    except KeyboardInterrupt:
        print_problem("interrupted", "continue with the remaining deployments: make fleet RESUME=1")
    return EXIT_UNKNOWN


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def print_problem(problem: str, fix: str) -> None:
    print(f"problem: {escaped(problem, LONGEST)}\nfix: {escaped(fix, LONGEST)}", file=sys.stderr)


def run(environment: Mapping[str, str]) -> int:
    """Test the deployments of this shard."""
    fleet, folder = read_fleet(fleet_file(environment)), report_folder(environment)
    shard, resume = read_shard(environment.get("SHARD", "")), read_switch(environment, "RESUME")
    new_only, jobs = read_switch(environment, "NEW_ONLY"), read_jobs(environment, 2 * (os.cpu_count() or 1))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    # Of all deployments, so that every shard reports the same mistakes of the file.
    targets = fleet.targets(environment)
    deployments = select_shard(fleet.deployments, *shard)
    current = state_hashes(deployments)
    results = JsonLines(folder / ("fleet.jsonl" if shard[1] == 1 else f"fleet-{shard[0]}-of-{shard[1]}.jsonl"))
    earlier = latest_results(results.read(), current) if resume else {}
    done = {name: each for name, each in earlier.items() if each["outcome"] != UNTESTED}
    results.rewrite(done.values())
    if resume:
        print(f"{len(done)} of {len(deployments)} already have a result")

    # Imported late: it takes a second, which problems above need not wait for.
    from .deployment_run import Task

    tasks = [
        Task(each, replace(targets[each.name], report_dir=folder / "deployments" / each.name))
        for each in deployments
        if each.name not in done
    ]
    width = max(len(each.name) for each in deployments) if deployments else 0
    secrets = {name: value for target in targets.values() for name, value in target.secrets.items()}
    for result in run_all(tasks, jobs):
        done[result["name"]] = result
        results.append(result | {"state": current[result["name"]]})
        line = progress_line(result, len(done), len(deployments), width)
        print(without_secrets(line, secrets), flush=True)
    return finish([done[each.name] for each in deployments], folder, new_only)


def run_all(tasks: list[Task], jobs: int) -> Iterator[Result]:
    """Yield the result of each task, as soon as it ends."""
    from .deployment_run import prepare, run_deployment
    from .process_pool import NoResult, run_in_processes

    def seconds(task: Task) -> float:
        return task.target.max_time + OVERHEAD

    for each, result in run_in_processes(tasks, run_deployment, jobs, seconds, prepare):
        if isinstance(result, NoResult):
            fix = "run it again; if it fails again, run it alone: its 'repeat' in fleet.json is the command"
            yield untested_result(each.deployment, result.reason, fix, time.time())
        else:
            yield result


def progress_line(result: Result, number: int, of: int, width: int) -> str:
    """Return the line that is printed when a deployment is done."""
    what = result["problem"] or ", ".join(dict.fromkeys(each["check"] for each in result["findings"]))
    figures = f"{result['requests']:>4} requests {result['seconds']:>6.1f} s"
    text = f"[{number}/{of}] {result['name']:<{width}}  {figures}  {result['outcome']}" + (f": {what}" if what else "")
    return escaped(text, 200)


def finish(results: list[Result], folder: Path, new_only: bool) -> int:
    """Compare with earlier runs, write reports, print the summary, and return the exit code."""
    from .history import NEW, History, classify_findings
    from .page import render_table
    from .reports import FILES, write_reports

    now = time.time()
    history = History(folder / "history")
    document = as_document(classify_findings(results, history.open_findings(), format_time(now)), now)
    write_reports(document, folder)
    history.add(document)
    print(f"\n{render_table(document)}\n")
    print(f"reports: {folder / FILES[0]}; beside it {', '.join(FILES[1:])}")
    counts = [f"{count} {outcome}" for outcome, count in document["counts"].items() if count]
    print(f"{len(results)} deployments: {', '.join(counts)}")
    found = [finding for each in document["deployments"] for finding in each["findings"]]
    if any(each["state"] == NEW for each in found) or (not new_only and has_outcome(results, VIOLATES)):
        return EXIT_FAILED
    return EXIT_UNKNOWN if has_outcome(results, UNTESTED) else EXIT_OK


def has_outcome(results: Iterable[Result], outcome: str) -> bool:
    return any(each["outcome"] == outcome for each in results)


def report(environment: Mapping[str, str]) -> int:
    """Merge the results of all shards, anywhere below REPORT_DIR."""
    fleet, folder = read_fleet(fleet_file(environment)), report_folder(environment)
    new_only = read_switch(environment, "NEW_ONLY")
    files = sorted(folder.rglob("fleet*.jsonl"))
    if not files:
        raise Problem(f"there are no results below {folder}", "run make fleet, or set REPORT_DIR to their folder")
    found = latest_results((each for file in files for each in JsonLines(file).read()), state_hashes(fleet.deployments))
    return finish([found.get(each.name) or missing_result(each) for each in fleet.deployments], folder, new_only)


def missing_result(deployment: Deployment) -> Result:
    fix = "run its shard, with the same fleet and contract"
    return untested_result(deployment, "no shard has a result for it", fix, time.time())


def matrix(environment: Mapping[str, str]) -> int:
    """Print the shards: at most one for each deployment."""
    fleet: Fleet = read_fleet(fleet_file(environment))
    of = min(len(fleet.deployments), read_jobs(environment, DEFAULT_SHARDS), MAX_SHARDS)
    print(json.dumps({"shard": [f"{number}/{of}" for number in range(1, of + 1)]}))
    return EXIT_OK


def diff(environment: Mapping[str, str]) -> int:
    from .diff import differences, read_result

    one, other = (read_result(environment.get(name, ""), name, report_folder(environment)) for name in ("A", "B"))
    found = list(differences(one, other))
    print("\n".join(found) or "no difference in promises, accepted variants, statuses and times")
    return EXIT_FAILED if found else EXIT_OK


def fleet_file(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("FLEET") or "fleet.toml")


def report_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("REPORT_DIR") or "reports")


def read_jobs(environment: Mapping[str, str], default: int) -> int:
    text = environment.get("JOBS", "")
    if not re.fullmatch(r"([1-9][0-9]{0,2})?", text, re.ASCII):
        raise Problem(f"JOBS must be an integer between 1 and 999 (got '{text}')", "set it: JOBS=4")
    return int(text or default)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
