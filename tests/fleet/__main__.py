"""The command: see the package's docstring."""

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
from .reading import Deployment, Fleet, read_fleet
from .results import UNTESTED, VIOLATES, Result, as_document, latest, moment, states, untested

if TYPE_CHECKING:
    from .trial import Asked

HOLDS, DOES_NOT, UNKNOWN = 0, 1, 2
# Of the matrix, where JOBS does not say.
SHARES = 8
# GitHub takes no larger matrix.
MOST_SHARES = 256
# Seconds that a deployment may take beyond MAX_TIME: for what comes before and after its requests.
BESIDES = 120
LONGEST = 2000


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    commands = {"run": run, "report": report, "matrix": matrix, "diff": diff}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(usage)
        return HOLDS if arguments in (["-h"], ["--help"]) else UNKNOWN
    try:
        return commands[arguments[0]](environment)
    except Problem as problem:
        complain(problem.problem, problem.fix)
    except KeyboardInterrupt:
        complain("interrupted before the end", "go on from what is done: make fleet RESUME=1")
    return UNKNOWN


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def complain(problem: str, fix: str) -> None:
    print(f"problem: {escaped(problem, LONGEST)}\nfix: {escaped(fix, LONGEST)}", file=sys.stderr)


def run(environment: Mapping[str, str]) -> int:
    """Tests the deployments of this share."""
    fleet, folder = read_fleet(file_of(environment)), folder_of(environment)
    share, is_resumed = read_shard(environment.get("SHARD", "")), read_switch(environment, "RESUME")
    only_new, jobs = read_switch(environment, "NEW_ONLY"), jobs_of(environment, 2 * (os.cpu_count() or 1))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    # All of them, so that what is wrong shows on every machine alike.
    targets = fleet.targets(environment)
    wanted = select_shard(fleet.deployments, *share)
    current = states(wanted)
    kept = JsonLines(folder / ("fleet.jsonl" if share[1] == 1 else f"fleet-{share[0]}-of-{share[1]}.jsonl"))
    known = latest(kept.read(), current) if is_resumed else {}
    done = {name: each for name, each in known.items() if each["outcome"] != UNTESTED}
    kept.rewrite(done.values())
    if is_resumed:
        print(f"{len(done)} of {len(wanted)} are known from before")

    # Only now: it takes a second, and what is wrong can be told at once.
    from .trial import Asked

    left = [
        Asked(each, replace(targets[each.name], report_dir=folder / "deployments" / each.name))
        for each in wanted
        if each.name not in done
    ]
    width = max(len(each.name) for each in wanted) if wanted else 0
    secrets = {name: value for target in targets.values() for name, value in target.secrets.items()}
    for result in try_all(left, jobs):
        done[result["name"]] = result
        kept.append(result | {"state": current[result["name"]]})
        said = told(result, len(done), len(wanted), width)
        print(without_secrets(said, secrets), flush=True)
    return conclude([done[each.name] for each in wanted], folder, only_new)


def try_all(left: list[Asked], jobs: int) -> Iterator[Result]:
    """What came of each, as soon as it is there."""
    from .trial import prepare, try_out
    from .workers import Lost, in_processes

    def seconds(asked: Asked) -> float:
        return asked.target.max_time + BESIDES

    for each, result in in_processes(left, try_out, jobs, seconds, prepare):
        if isinstance(result, Lost):
            fix = "run it again; if that does not help, by itself: see the command that repeats it"
            yield untested(each.deployment, result.why, fix, time.time())
        else:
            yield result


def told(result: Result, number: int, of: int, width: int) -> str:
    """One line of progress."""
    what = result["problem"] or ", ".join(dict.fromkeys(each["check"] for each in result["findings"]))
    figures = f"{result['requests']:>4} requests {result['seconds']:>6.1f} s"
    text = f"[{number}/{of}] {result['name']:<{width}}  {figures}  {result['outcome']}" + (f": {what}" if what else "")
    return escaped(text, 200)


def conclude(results: list[Result], folder: Path, only_new: bool) -> int:
    """Remembers, reports, and says how it ended."""
    from .memory import NEW, History, remembered
    from .page import as_table
    from .reports import FILES, write_reports

    now = time.time()
    history = History(folder / "history")
    document = as_document(remembered(results, history.earlier(), moment(now)), now)
    write_reports(document, folder)
    history.add(document)
    print(f"\n{as_table(document)}\n")
    print(f"reports: {folder / FILES[0]}; beside it {', '.join(FILES[1:])}")
    counts = [f"{count} {outcome}" for outcome, count in document["counts"].items() if count]
    print(f"{len(results)} deployments: {', '.join(counts)}")
    found = [finding for each in document["deployments"] for finding in each["findings"]]
    if any(each["state"] == NEW for each in found) or (not only_new and any_is(results, VIOLATES)):
        return DOES_NOT
    return UNKNOWN if any_is(results, UNTESTED) else HOLDS


def any_is(results: Iterable[Result], outcome: str) -> bool:
    return any(each["outcome"] == outcome for each in results)


def report(environment: Mapping[str, str]) -> int:
    """Makes one of what all shares found, wherever below REPORT_DIR they are."""
    fleet, folder = read_fleet(file_of(environment)), folder_of(environment)
    only_new = read_switch(environment, "NEW_ONLY")
    files = sorted(folder.rglob("fleet*.jsonl"))
    if not files:
        raise Problem(f"there are no results below {folder}", "make fleet, or name where they are: REPORT_DIR")
    found = latest((each for file in files for each in JsonLines(file).read()), states(fleet.deployments))
    return conclude([found.get(each.name) or missing(each) for each in fleet.deployments], folder, only_new)


def missing(deployment: Deployment) -> Result:
    fix = "run its share, with the same fleet and contract"
    return untested(deployment, "no share has a result of it", fix, time.time())


def matrix(environment: Mapping[str, str]) -> int:
    """Prints the shares, as many as there are deployments at most."""
    fleet: Fleet = read_fleet(file_of(environment))
    of = min(len(fleet.deployments), jobs_of(environment, SHARES), MOST_SHARES)
    print(json.dumps({"shard": [f"{number}/{of}" for number in range(1, of + 1)]}))
    return HOLDS


def diff(environment: Mapping[str, str]) -> int:
    from .diff import differences, read

    one, other = (read(environment.get(name, ""), name, folder_of(environment)) for name in ("A", "B"))
    found = list(differences(one, other))
    print("\n".join(found) or "no difference: the same promises, spellings, statuses and times")
    return DOES_NOT if found else HOLDS


def file_of(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("FLEET") or "fleet.toml")


def folder_of(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("REPORT_DIR") or "reports")


def jobs_of(environment: Mapping[str, str], default: int) -> int:
    text = environment.get("JOBS", "")
    if not re.fullmatch(r"([1-9][0-9]{0,2})?", text, re.ASCII):
        raise Problem(f"JOBS is '{text}', which is no number from 1 to 999", "give one: JOBS=4")
    return int(text or default)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
