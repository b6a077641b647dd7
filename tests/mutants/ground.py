"""The reference server as what derived mutants are made on."""

from tests.reference_server.running import running

from .derived.trial import Ground
from .trial import target_at

REFERENCE = Ground(lambda around: running(around=around), target_at)
