"""A second contract, the task board, with what the first one does not have: filters, cursors, writes, alternatives.

`server.py` implements openapi.yaml, and `faults/` breaks it. The tests run driver, client, docs, testing kit, contract
run and mutants with it. A test belongs here if the first contract cannot show what it tests.
"""
