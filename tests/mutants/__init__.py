"""Mutants of the reference server, one deliberate fault each: they prove that the contract run finds what it should.

    python -m tests.mutants [name ...]

tests each mutant with the contract run and prints the checks that killed it. The mutants in `faults/` are handmade,
those in `derived/` follow from the contract. Environment variables:

    SHARD        2/4: the second of four shares
    RESUME       1 continues from the results of an earlier run of the same sources
    REPORT_DIR   folder for the results: mutants.jsonl, one line for each mutant (reports)

Exit code 0 if all of these hold, else 1; 2 if there is no such mutant or share:

- Each handmade mutant is killed by exactly the checks that it names.
- Each derived mutant is killed by a check of its promise, or is equivalent.
- Each check has a mutant that only it kills, and each promise with a check has a killed mutant.
- The unbroken server passes.
"""
