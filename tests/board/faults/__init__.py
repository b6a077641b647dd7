"""Faults of the task board. Each replaces one step of its server, and names the operations where it shows.

with running(with_faults("filter_ignored")) as base_url: ...
"""

from . import lists, tasks
from .fault import FAULTS, Fault, with_faults

__all__ = ["FAULTS", "Fault", "lists", "tasks", "with_faults"]
