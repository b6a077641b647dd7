"""What `make benchmark` measures, next to rivals, and how it is shown. They compare; no time is asserted."""
