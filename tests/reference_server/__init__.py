"""The reference server: the operation exactly as openapi.yaml says, for tests and for trying things out.

`python -m tests.reference_server` runs it; `running()` in running.py runs it inside a test. It shares no code with the
generated package: one bug in shared models would hide on both sides.
"""
