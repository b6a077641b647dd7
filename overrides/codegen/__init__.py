"""The driver: reads openapi.yaml and overrides/, writes generated/, or says what keeps it from doing so.

Never shipped, never edited output. Its commands are in `__main__.py`.
This module belongs to what the others share: where things are, and how a problem is reported.
"""

from pathlib import Path

from codegen.text import escaped

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ks_workflow_runs"


class Problem(Exception):
    """Something that keeps the driver from its work.

    Attributes:
        what: What is wrong, with file and place.
        fix: What to do about it.
    """

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def report(self) -> str:
        """Returns both in two lines, as they are printed: names and texts in them may be anybody's."""
        return f"problem: {escaped(self.what, 5000)}\nfix: {escaped(self.fix, 5000)}"
