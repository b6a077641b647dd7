"""Mutants of the reference server, one deliberate fault each: the proof that the contract run catches what it should.

    python -m tests.mutants [name]

runs the contract run on each of them, and prints which checks killed it. Exit code 0 if every mutant was killed by
exactly the checks that it names, each check has a mutant that only it kills, and the unbroken server passes; else 1.
"""
