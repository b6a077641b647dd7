"""The mutants: what is wrong with each, and which checks must say so.

Modules named as the classes of checks hold one fault of each kind; the others hold many of one kind, each met by few
requests.
"""

from . import bounds, credentials, errors, identity, lifecycle, paging, protocol, schema  # noqa: F401
from .making import ANSWER_WITHIN, MUTANTS, OTHER_ID, Mutant, named

__all__ = ["ANSWER_WITHIN", "MUTANTS", "OTHER_ID", "Mutant", "named"]
