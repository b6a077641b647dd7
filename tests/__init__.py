"""The evidence. `python -m tests.contract` needs no PYTHONPATH: what it shares with the driver is found from here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "overrides"))
