"""Credentials that are wrong, one of each kind that servers were seen to let in."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .redaction import PASSWORDS, in_base64, mended
from .target import Target

# A word that nobody has.
WRONG_CREDENTIAL = "wrong-on-purpose"
# What programs write for nothing, and what databases and shells make more of.
WORDS = (
    "", "null", "undefined", "None", "false", "0", "[object Object]", "guest", "admin", "test", "*", "%00",
    "' OR '1'='1", "a", "\u00fc",
)  # fmt: skip
COOKIE_WORDS = ("", "null", "undefined", "false", "deleted", "' OR '1'='1")
OTHER_WORDS = ("None", "true", "0", "a", "*", "guest", "[object Object]", "%00", "nil")
# Characters: more than a token has, and no more than proxies let through.
LONG = 4000
# Where other programs have their tokens.
HEADERS = ("X-API-Key", "Api-Key", "X-Auth-Token", "X-Access-Token", "X-Token", "Token", "Authentication")
BEARER_HEADERS = ("X-Authorization", "X-Forwarded-Authorization", "Proxy-Authorization", "Authorization2")
COOKIES = ("token", "session", "KS_UAT", "ks_uat2", "ks-uat", "access_token", "jwt", "auth", "Authorization")
QUERY = ("access_token", "token", "api_key", "apikey", "key", "auth", "ks_uat", "authorization")
# What a proxy tells the server behind it, which the server must not believe anybody.
TRUSTED = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Real-IP": "127.0.0.1",
    "X-Forwarded-User": "admin",
    "X-Remote-User": "admin",
    "X-User-Id": "1",
    "X-SSL-Client-Verify": "SUCCESS",
}


@dataclass(frozen=True)
class Wrong:
    """What to send in place of the right credentials."""

    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


NONE = Wrong()


def kinds(target: Target) -> Iterator[Wrong]:
    headers = [f"Bearer {word}".rstrip() for word in WORDS]
    headers += [f"Bearer {each}" for each in (WRONG_CREDENTIAL, "a" * LONG, jwt("none", ""), jwt("HS256", "c2ln"))]
    headers += [f"Basic {in_base64('admin:admin')}"]
    headers += almost_right(target.token) if target.token else []
    for number, value in enumerate(headers):
        # A cookie is looked at by itself below; by the way, one of another kind, for who takes either.
        word = OTHER_WORDS[number % len(OTHER_WORDS)]
        yield Wrong({"Authorization": value}, {"ks_uat": word} if number % 2 else {})
    cookies = [*COOKIE_WORDS, WRONG_CREDENTIAL, "a" * LONG, jwt("none", "")]
    if value := target.ks_uat:
        cookies += [
            value + "x",
            value[:-1],
            value.swapcase(),
            mended(value),
            value * 2,
            value[: len(value) // 2],
        ]
    for value in cookies:
        yield Wrong(cookies={"ks_uat": value})
    yield Wrong(TRUSTED)
    # All of them together: whichever is taken, the answer is not 401.
    secret = next(iter(target.secrets.values()))
    yield Wrong(dict.fromkeys(HEADERS, secret) | dict.fromkeys(BEARER_HEADERS, f"Bearer {secret}"))
    yield Wrong(cookies=dict.fromkeys(COOKIES, target.ks_uat or secret))
    if not target.is_deployment:
        # A server writes its addresses into a log.
        yield Wrong(query=dict.fromkeys(QUERY, secret))


def almost_right(token: str) -> list[str]:
    """Headers that hold a right token, or nearly."""
    bearer = [token + "x", "x" + token, token[:-1], token[1:], token.swapcase(), mended(token), token * 2]
    bearer += [f"{token} x", f"{token}=", f'"{token}"', f"%{ord(token[0]):02X}{token[1:]}"]
    bearer += [
        f"Bearer {token}",
        f"{WRONG_CREDENTIAL}, Bearer {token}",
        f"{WRONG_CREDENTIAL} {token}",
        token[: len(token) // 2],
    ]
    others = ("{}", "Bearer{}", "Token {}", "ApiKey {}", 'Digest username="{0}", response="{0}"')
    return (
        [f"Bearer {each}" for each in bearer]
        + [f"Basic {in_base64(each.format(token))}" for each in PASSWORDS]
        + [each.format(token) for each in others]
    )


def jwt(algorithm: str, signature: str) -> str:
    def encoded(part: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    return f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded({'sub': 'admin', 'exp': 9999999999})}.{signature}"
