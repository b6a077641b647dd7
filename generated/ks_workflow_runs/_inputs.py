# Copied by `make generate` from overrides/package/_inputs.py. Do not edit it here.
"""What a caller gives, checked before anything is sent: a function for each kind of parameter that contracts have."""

from __future__ import annotations

import re
from uuid import UUID

from .errors import ConfigurationError

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# RFC 6265, section 4.1.1, cookie-octet: no spaces, no control characters, none of `" , ; \`. Tokens keep to it as well.
_CREDENTIAL = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
_MOST_BITS = 1024
# RFC 9110, section 5.5: what a header may hold, here without control characters and beyond ASCII.
_HEADER = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


def uuid_text(name: str, value: object) -> str:
    """Returns a UUID as the contract writes it.

    Raises:
        ConfigurationError: It is none: anything else would become another path.
    """
    if isinstance(value, UUID) or (isinstance(value, str) and _UUID.fullmatch(value)):
        return str(value)
    raise ConfigurationError(f"{name} has to be a UUID, as uuid.UUID or as text, not {_shown(value)}")


def integer(name: str, value: object, least: int | None = None, most: int | None = None) -> int:
    """Returns an integer within bounds.

    Raises:
        ConfigurationError: It is no integer, or outside.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"{name} has to be an integer, not {_shown(value)}")
    if value.bit_length() > _MOST_BITS:
        # Much longer ones are refused by Python, which does not write them out, and by servers, as addresses.
        raise ConfigurationError(f"{name} has to have at most {_MOST_BITS} bits, not {value.bit_length()}")
    if (least is not None and value < least) or (most is not None and value > most):
        bounds = [f"at least {least}"] * (least is not None) + [f"at most {most}"] * (most is not None)
        raise ConfigurationError(f"{name} has to be {' and '.join(bounds)}, not {value}")
    return int(value)


def boolean(name: str, value: object) -> str:
    """Returns a Boolean as JSON writes it.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} has to be True or False, not {_shown(value)}")
    return "true" if value else "false"


def text(name: str, value: object) -> str:
    """Returns text.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} has to be text, not {_shown(value)}")
    return value


def choice(name: str, value: object, known: tuple[str, ...]) -> str:
    """Returns one of the texts that the contract knows, or the member of an enum that is one.

    Raises:
        ConfigurationError: It is none of them.
    """
    if not isinstance(value, str) or value not in known:
        raise ConfigurationError(f"{name} has to be one of {', '.join(known)}, not {_shown(value)}")
    return value


def credential(name: str, value: object) -> str:
    """Returns a token or the value of a cookie. Its text is in no error.

    Raises:
        ConfigurationError: It holds what neither may hold.
    """
    if isinstance(value, str) and _CREDENTIAL.fullmatch(value):
        return value
    raise ConfigurationError(
        f"{name} has to be the bare value, without `Bearer`: text, not empty, without spaces, quotes, commas, "
        "semicolons, backslashes, control and non-ASCII characters"
    )


def header(name: str, value: object) -> str:
    """Returns the value of a header. Its text is in no error.

    Raises:
        ConfigurationError: It holds what no header may hold.
    """
    if isinstance(value, str) and _HEADER.fullmatch(value):
        return value
    raise ConfigurationError(f"{name} has to be text of one line, in ASCII, with no space around it")


def _shown(value: object) -> str:
    try:
        return f"{type(value).__name__} {value!r:.60}"
    except ValueError:
        # Python refuses to write out very long integers.
        return f"{type(value).__name__} with a very long value"
