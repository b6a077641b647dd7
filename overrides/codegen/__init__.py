"""The driver: generates generated/ from openapi.yaml and overrides/. It is not shipped.

`__main__.py` has the commands. This module has what all others share: paths, the name of the package, `Problem`.
"""

from pathlib import Path

from codegen.text import escaped

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ks_workflow_runs"


class Problem(Exception):
    """An error that the user can fix.

    Attributes:
        what: What is wrong, with file and line where known.
        fix: What to do.
    """

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def report(self) -> str:
        """Return the error as it is printed, in two lines. Untrusted text in it is escaped."""
        return f"problem: {escaped(self.what, 5000)}\nfix: {escaped(self.fix, 5000)}"
