"""The checks of this project, and the hooks that shape Schemathesis's requests.

Schemathesis loads this package (`hooks` in schemathesis.toml), so all of its front ends use the same checks:

    classes.py            the names of all checks, by class
    base.py               registration of checks, and the failures that they raise
    page_comparison.py    confirms a difference between two pages before it is reported
    hooks.py              shapes Schemathesis's requests
    rules.py              a check for each rule of the contract (`x-rules`, `at_most`)
    other modules         the checks of one class, or of a part of it

Checks judge in the order of import: `paging` before `rules` and `filters`, because its findings explain what the others
would report.

Each check judges one thing. An unreadable body is left to `response_schema_conformance`, an undocumented status to
`documented_status`. A check returns True if it had nothing to judge. Checks raise instead of using `assert`, which
`python -O` removes.
"""

# isort: off
from . import bounds, caching, writes, credentials, cursors, errors, evidence, hooks, concurrency  # noqa: F401
from . import paging, protocol, rules, schema, filters, stability  # noqa: F401

# isort: on
from .base import Violation, check
from .classes import CLASSES

__all__ = ["CLASSES", "Violation", "check"]
