"""Text of a server, or of a document that is not ours, as it can be shown: one place for terminals, reports and pages.

Needs the standard library only, and imports none of the driver.
"""

from __future__ import annotations

LIMIT = 300
CUT = "..."


def shortened(text: str, limit: int = 80) -> str:
    """Return the text, cut to `limit` characters and ending in "..." if it is longer."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def escaped(text: str, limit: int = LIMIT) -> str:
    """Returns text that stays on its line, moves no cursor, hides nothing and can be encoded.

    What does not print (control characters, marks that turn the direction of writing, lone surrogates, separators of
    lines) becomes `\\xNN`, `\\uNNNN` or `\\UNNNNNNNN`; all other characters stay as they are.

    Args:
        text: Anything, of any length.
        limit: The most characters to return. What is longer is cut, and ends in "...".
    """
    parts: list[str] = []
    length = 0
    for character in text[: limit + 1]:
        part = character if character.isprintable() else ascii(character)[1:-1]
        parts.append(part)
        length += len(part)
        if length > limit:
            break
    if length <= limit:
        return "".join(parts)
    while parts and length > limit - len(CUT):
        length -= len(parts.pop())
    return ("".join(parts) + CUT)[:limit]
