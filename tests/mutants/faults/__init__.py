"""Handmade mutants: one fault each, and exactly the checks that must find it.

Modules named like classes of checks have one mutant for each kind of fault. The others have many mutants of one kind,
each of which only a few requests reveal.
"""

from . import (  # noqa: F401
    bounds,
    caches,
    credential_forms,
    credentials,
    equivalent_requests,
    error_locations,
    errors,
    headers,
    identity,
    intermittent,
    lifecycle,
    malformed_values,
    paging,
    protocol,
    races,
    request_history,
    schema,
    single_values,
    tenant_isolation,
    transient,
    workers,
    wrong_credentials,
)
from .base import ANSWER_WITHIN, MUTANTS, OTHER_ID, Mutant

__all__ = ["ANSWER_WITHIN", "MUTANTS", "OTHER_ID", "Mutant"]
