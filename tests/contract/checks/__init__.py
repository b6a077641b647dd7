"""What Schemathesis cannot know of this operation: the hooks that shape its requests, and checks of the answers.

Schemathesis loads this package (`hooks` in schemathesis.toml), so any of its front ends uses the same checks:

    classes.py      their names, by what they are about
    base.py         how they are registered, and what they raise
    page_comparison.py    what makes sure of a difference before it is called a violation
    hooks.py        what shapes Schemathesis's requests
    rules.py        the contract's rules (`x-rules`, `at_most`), a check for each
    the others      one for each class

Checks judge in the order of import: `paging` before `rules` and `filters`, as what it finds explains what they would.

Each check judges one thing; a body that cannot be read is left to `response_schema_conformance`, a status that the
contract does not have to `documented_status`. Returning True means "nothing to judge here". Checks raise instead of
using `assert`: under `python -O` they would pass everything.
"""

# isort: off
from . import bounds, caching, writes, credentials, cursors, errors, evidence, hooks, concurrency  # noqa: F401
from . import paging, protocol, rules, schema, filters, stability  # noqa: F401

# isort: on
from .base import Violation, check
from .classes import CLASSES

__all__ = ["CLASSES", "Violation", "check"]
