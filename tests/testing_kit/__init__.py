"""Tests of the client's testing kit, `ks_workflow_runs.testing`: its server in memory, and the objects it makes.

The contract run and derived mutants test the kit's server too. Tests of the client itself belong in tests/client.
"""
