"""The command: see the package's docstring."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from .faults import MUTANTS
from .trial import UNBROKEN, Trial, mutant_or_unbroken, try_out


def main() -> int:
    names = sys.argv[1:] or [UNBROKEN, *MUTANTS]
    for name in names:
        try:
            mutant_or_unbroken(name)
        except LookupError as error:
            print(f"problem: there is no mutant '{name}'\nfix: {error.args[0]}", file=sys.stderr)
            return 2
    width = max(map(len, names))
    trials = []
    for trial in try_all(names):
        trials.append(trial)
        print(f"{trial.name:<{width}}  {trial.kind:<20}  {trial.seconds:5.1f} s  {trial.verdict}", flush=True)
    wrong = [trial.name for trial in trials if not trial.is_right]
    idle = [] if sys.argv[1:] else sorted(without_mutant(trials))
    print(f"\n{len(trials) - len(wrong)} of {len(trials)} as declared, median {median(trials):.1f} s")
    for check in idle:
        print(f"problem: no mutant is killed by {check} alone\nfix: add one to tests/mutants/faults", file=sys.stderr)
    if wrong:
        print(f"problem: not as declared: {', '.join(wrong)}\nfix: see above", file=sys.stderr)
    return 1 if wrong or idle else 0


def try_all(names: list[str]) -> Iterator[Trial]:
    # Fresh processes: a fork of this one would share its threads' locks.
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        yield from pool.map(try_out, names)


def median(trials: list[Trial]) -> float:
    return sorted(trial.seconds for trial in trials)[len(trials) // 2]


def without_mutant(trials: list[Trial]) -> set[str]:
    """The checks that no mutant needs."""
    from tests.contract.checks import CLASSES

    alone = {check for trial in trials if len(trial.found) == 1 for check in trial.found}
    return {check for names in CLASSES.values() for check in names} - alone


if __name__ == "__main__":
    sys.exit(main())
