"""The command; see the docstring of the package."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from codegen.openapi.promises import Promise
from tests.contract.checks import CLASSES
from tests.contract.claims import ledger
from tests.contract.contract import Problem
from tests.contract.run import collect_rarely
from tests.contract.settings import read_switch
from tests.contract.sharding import read_shard, select_shard

from .derived import derived
from .faults import MUTANTS
from .results import ASTRAY, EQUIVALENT, KILLED, Result, ResultsFile, table
from .runner import UNBROKEN, check_name, run_mutant

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


def main() -> int:
    try:
        names = select_names(sys.argv[1:], os.environ.get("SHARD", ""))
        is_resumed = read_switch(os.environ, "RESUME")
    except Problem as problem:
        print(f"problem: {problem.problem}\nfix: {problem.fix}", file=sys.stderr)
        return EXIT_USAGE
    results_file = ResultsFile(Path(os.environ.get("REPORT_DIR") or "reports", "mutants.jsonl"))
    before = {name: each for name, each in results_file.read().items() if name in names} if is_resumed else {}
    results_file.start(before.values())
    if before:
        print(f"{len(before)} of {len(names)} are known from an earlier run")
    width, start, results = max(map(len, names)), time.monotonic(), list(before.values())
    for result in run_all([name for name in names if name not in before]):
        results.append(result)
        results_file.add(result)
        print(
            f"{result.name:<{width}}  {result.requests:>4} requests {result.seconds:5.1f} s  {result.summary}",
            flush=True,
        )
    print(f"\n{len(results)} mutants in {time.monotonic() - start:.0f} s; all results are in {results_file.file}")
    return report(results, is_all=not sys.argv[1:] and not os.environ.get("SHARD"))


def select_names(arguments: list[str], shard: str) -> list[str]:
    """Return the names of the mutants to run. Raises Problem."""
    for name in arguments:
        try:
            check_name(name)
        except LookupError as error:
            raise Problem(f"there is no mutant '{name}'", error.args[0]) from error
    # Handmade mutants first: they take longest.
    names = arguments or [UNBROKEN, *MUTANTS, *derived()]
    return select_shard(names, *read_shard(shard))


def run_all(names: list[str]) -> Iterator[Result]:
    """Yield the result of each mutant, in order. Each process runs many mutants."""
    # Spawned: a fork could inherit locks that other threads hold.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), collect_rarely) as pool:
        trials = [(name, pool.submit(run_mutant, name)) for name in names]
        for name, trial in trials:
            try:
                yield trial.result()
            except BrokenProcessPool:
                yield Result(name, "", "", ASTRAY, why="the process that ran it died")


def report(results: list[Result], is_all: bool) -> int:
    """Print the results by class and by kind, then all problems. Return the exit code."""
    handmade = [each for each in results if not each.promise]
    derived_results = [each for each in results if each.promise]
    for title, some in (("By hand, by class", handmade), ("Derived, by kind", derived_results)):
        if some:
            print("\n".join([f"\n{title}:", *(f"  {line}" for line in table(some, "kind"))]))
    right = sum(each.is_right for each in results)
    seconds = sorted(each.seconds for each in results)
    print(f"\n{right} of {len(results)} as they should be, median {seconds[len(seconds) // 2] if seconds else 0:.1f} s")
    wrong = [each for each in results if not each.is_right]
    for each in wrong:
        print(f"problem: {each.name}: {each.summary}", file=sys.stderr)
    if wrong:
        fix = "correct the check, or the checks that the mutant names; MUTANT=<name> runs one mutant"
        print(f"fix: {fix}", file=sys.stderr)
    gaps = [*checks_without_a_mutant(handmade), *promises_without_a_mutant(derived_results)] if is_all else []
    for gap in gaps:
        print(f"problem: {gap}\nfix: add a mutant to tests/mutants", file=sys.stderr)
    return EXIT_FAILED if wrong or gaps else EXIT_OK


def checks_without_a_mutant(results: list[Result]) -> Iterator[str]:
    """Yield a problem for each check that no handmade mutant needs."""
    killing_alone = {check for each in results if len(each.found) == 1 for check in each.found}
    for name in sorted({check for names in CLASSES.values() for check in names} - killing_alone):
        yield f"no mutant is killed by {name} alone"


def promises_without_a_mutant(results: list[Result]) -> Iterator[str]:
    """Yield a problem for each promise with a check and no killed mutant, unless all its mutants are equivalent."""
    outcomes: dict[str, set[str]] = {}
    for each in results:
        for pointer in derived()[each.name].promises:
            outcomes.setdefault(pointer, set()).add(each.outcome)
    for line in ledger():
        found = outcomes.get(line.promise.node.pointer, set())
        if line.checks and KILLED not in found and found != {EQUIVALENT}:
            yield f"no mutant of {location(line.promise)} is killed"


def location(promise: Promise) -> str:
    return f"{promise.kind} {promise.name} ({promise.node.document.name}:{promise.node.line})"


if __name__ == "__main__":
    sys.exit(main())
