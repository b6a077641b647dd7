# Copied by `make generate` from overrides/package/_enums.py. Do not edit it here.
"""The base of every enum in `models`: open, because deployments add values between releases."""

from __future__ import annotations

import enum
from typing import Self


class StrEnum(enum.StrEnum):
    """A string enum that keeps values which it does not know.

    `WorkflowRunStatus("CANCELLED")` is a member-like string that compares, hashes, prints and pickles as "CANCELLED".
    It is not added to the class: iterating over an enum gives what the contract knows.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = value
        unknown._value_ = value
        return unknown

    @property
    def is_known(self) -> bool:
        """Whether the contract knows this value."""
        return type(self).__members__.get(self._name_) is self
