"""The reference server: a strict implementation of the contract, for tests, examples and `make serve`.

`python -m tests.reference_server` runs it; `running()` in uvicorn_server.py runs it inside a test. It imports neither
the client nor the driver's models, so that a bug in them cannot hide on both sides.
"""
