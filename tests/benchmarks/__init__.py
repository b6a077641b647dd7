"""Benchmarks: `make benchmark` runs each module named in the Makefile. They compare; no time is asserted."""
