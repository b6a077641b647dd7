"""Mutants of the reference server, one deliberate fault each: the proof that the contract run catches what it should.

    python -m tests.mutants [name ...]

runs the contract run on each of them, and prints which checks killed it. Those in `faults/` are made by hand; those in
`derived/` follow from the contract. Variables of the environment:

    SHARD        2/4: the second of four shares
    RESUME       1 goes on from the results of an earlier run of the same sources
    REPORT_DIR   where the results go: mutants.jsonl, one line for each mutant (reports)

Exit code 0 if every mutant made by hand was killed by exactly the checks that it names, every derived one by a check
that claims its promise, or breaks nothing; if each check has a mutant that only it kills, and each promise that a check
claims one that is killed; and if the unbroken server passes. Else 1; 2 if there is no such mutant or share.
"""
