"""The command: see the package's docstring."""

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
from .results import ASTRAY, EQUIVALENT, KILLED, Kept, Result, table
from .trial import UNBROKEN, named_or_unbroken, try_out

RIGHT, WRONG, UNKNOWN = 0, 1, 2


def main() -> int:
    try:
        names = chosen(sys.argv[1:], os.environ.get("SHARD", ""))
        is_resumed = read_switch(os.environ, "RESUME")
    except Problem as problem:
        print(f"problem: {problem.problem}\nfix: {problem.fix}", file=sys.stderr)
        return UNKNOWN
    kept = Kept(Path(os.environ.get("REPORT_DIR") or "reports", "mutants.jsonl"))
    before = {name: each for name, each in kept.read().items() if name in names} if is_resumed else {}
    kept.start(before.values())
    if before:
        print(f"{len(before)} of {len(names)} are known from before")
    width, start, results = max(map(len, names)), time.monotonic(), list(before.values())
    for result in try_all([name for name in names if name not in before]):
        results.append(result)
        kept.add(result)
        print(
            f"{result.name:<{width}}  {result.requests:>4} requests {result.seconds:5.1f} s  {result.told}", flush=True
        )
    print(f"\n{len(results)} mutants in {time.monotonic() - start:.0f} s; all results are in {kept.file}")
    return judge(results, is_all=not sys.argv[1:] and not os.environ.get("SHARD"))


def chosen(arguments: list[str], shard: str) -> list[str]:
    """The names of the mutants to run. Raises Problem."""
    for name in arguments:
        try:
            named_or_unbroken(name)
        except LookupError as error:
            raise Problem(f"there is no mutant '{name}'", error.args[0]) from error
    # Those made by hand take longest.
    names = arguments or [UNBROKEN, *MUTANTS, *derived()]
    return select_shard(names, *read_shard(shard))


def try_all(names: list[str]) -> Iterator[Result]:
    """What came of each, in their order; each process tries out many, one after the other."""
    # Fresh processes: a fork of this one would share its threads' locks.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), collect_rarely) as pool:
        trials = [(name, pool.submit(try_out, name)) for name in names]
        for name, trial in trials:
            try:
                yield trial.result()
            except BrokenProcessPool:
                yield Result(name, "", "", ASTRAY, why="the process that tried it out died")


def judge(results: list[Result], is_all: bool) -> int:
    """Prints what came of all, by class and by promise, and what is wrong."""
    by_hand = [each for each in results if not each.promise]
    others = [each for each in results if each.promise]
    for title, some in (("By hand, by class", by_hand), ("Derived, by what is done", others)):
        if some:
            print("\n".join([f"\n{title}:", *(f"  {line}" for line in table(some, "kind"))]))
    right = sum(each.is_right for each in results)
    seconds = sorted(each.seconds for each in results)
    print(f"\n{right} of {len(results)} as they should be, median {seconds[len(seconds) // 2] if seconds else 0:.1f} s")
    wrong = [each for each in results if not each.is_right]
    for each in wrong:
        print(f"problem: {each.name}: {each.told}", file=sys.stderr)
    if wrong:
        fix = "mend the check, or what the mutant is said to break: one runs with MUTANT=<name>"
        print(f"fix: {fix}", file=sys.stderr)
    gaps = [*idle_checks(by_hand), *unproven_promises(others)] if is_all else []
    for gap in gaps:
        print(f"problem: {gap}\nfix: add a mutant to tests/mutants", file=sys.stderr)
    return WRONG if wrong or gaps else RIGHT


def idle_checks(results: list[Result]) -> Iterator[str]:
    """The checks that no mutant made by hand needs."""
    alone = {check for each in results if len(each.found) == 1 for check in each.found}
    for name in sorted({check for names in CLASSES.values() for check in names} - alone):
        yield f"no mutant is killed by {name} alone"


def unproven_promises(results: list[Result]) -> Iterator[str]:
    """The promises that a check claims, and of which no derived mutant is killed though it can be broken."""
    outcomes: dict[str, set[str]] = {}
    for each in results:
        for pointer in derived()[each.name].promises:
            outcomes.setdefault(pointer, set()).add(each.outcome)
    for line in ledger():
        found = outcomes.get(line.promise.node.pointer, set())
        if line.checks and KILLED not in found and found != {EQUIVALENT}:
            yield f"no mutant of {place(line.promise)} is killed"


def place(promise: Promise) -> str:
    return f"{promise.kind} {promise.name} ({promise.node.document.name}:{promise.node.line})"


if __name__ == "__main__":
    sys.exit(main())
