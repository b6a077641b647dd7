"""Security schemes of the contract, as arguments, environment variables and headers of the client."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from codegen.openapi import Document, Node, operations

# Other arguments of the client.
_ARGUMENTS = {"base_url", "timeout", "retry", "strict", "headers", "verify_ssl", "httpx_args", "self", "arguments"}
# By such a word package/_redaction.py knows a header that holds a credential, which it keeps out of errors.
_WORDS = ("auth", "cookie", "key", "token", "secret", "session", "password")


@dataclass(frozen=True)
class Credential:
    """One credential.

    Attributes:
        name: The argument of the client.
        variable: The environment variable that is used without the argument.
        header: The header.
        prefix: The text before the credential in the header.
        description: The description in the contract.
    """

    name: str
    variable: str
    header: str
    prefix: str
    description: str


def variable_of(package: str, name: str) -> str:
    """Return the environment variable for an argument of a package's client. It begins with the first word of the
    package's name, once: `KS_TOKEN` for `token` of `ks_workflow_runs`, `KS_UAT` for `ks_uat`.
    """
    first = package.partition("_")[0]
    return name.upper() if name.startswith(f"{first}_") else f"{first}_{name}".upper()


def credentials(document: Document, package: str) -> list[Credential]:
    """Return the credentials that operations use, in the order of the contract.

    Args:
        document: The contract.
        package: The name of the package.

    Raises:
        Problem: The client cannot send one of them.
    """
    used = {
        name
        for operation in operations(document).values()
        for alternative in operation.security.elements()
        for name, _ in alternative.items()
    }
    found: dict[tuple[str, str], Credential] = {}
    for name, scheme in document.root.at("components").at("securitySchemes").items():
        if name in used:
            each = credential_of(scheme.followed(), name, package)
            first = found.setdefault((each.header, each.prefix), each)
            if any(other is not first and other.name == first.name for other in found.values()):
                raise _unsupported(scheme, name, f"another scheme has the argument `{first.name}` already")
    return list(found.values())


def credential_of(scheme: Node, name: str, package: str) -> Credential:
    """Return the credential of a security scheme.

    Raises:
        Problem: The client cannot send it.
    """
    kind, where, word = (str(scheme.at(key).value) for key in ("type", "in", "scheme"))
    description = " ".join(str(scheme.at("description").value or "").split())
    if kind in ("oauth2", "openIdConnect") or (kind == "http" and word.lower() == "bearer"):
        return Credential("token", variable_of(package, "token"), "Authorization", "Bearer ", description)
    carrier = str(scheme.at("name").value)
    if kind != "apiKey" or where not in ("header", "cookie"):
        raise _unsupported(scheme, name, "it must be a bearer token, or a key in a header or cookie")
    if not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", carrier, re.ASCII):
        raise _unsupported(scheme.at("name"), name, f"`{carrier}` is not a valid name of a {where}")
    argument = re.sub(r"\W", "_", carrier.lower(), flags=re.ASCII).removeprefix("x_").strip("_")
    if not argument.isidentifier() or keyword.iskeyword(argument) or argument in _ARGUMENTS:
        raise _unsupported(scheme.at("name"), name, f"`{argument}` cannot be an argument of the client")
    variable = variable_of(package, argument)
    if where == "cookie":
        return Credential(argument, variable, "Cookie", f"{carrier}=", description)
    if not any(part in carrier.lower() for part in _WORDS):
        what = f"redaction does not recognize the header `{carrier}`, so errors would show it"
        raise _unsupported(scheme.at("name"), name, what)
    return Credential(argument, variable, carrier, "", description)


def _unsupported(node: Node, name: str, why: str) -> Exception:
    return node.problem(
        f"the security scheme `{name}` is not supported: {why}",
        "remove it from the contract, or extend overrides/codegen/credentials.py",
    )
