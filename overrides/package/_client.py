"""What every client does, whatever its contract: settings, connections, calls. `client` has what the contract says."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import ssl
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar, cast
from urllib.parse import urlencode

import httpx2
import pydantic

from . import _inputs
from ._cookies import CallerCookies
from ._deadline import CLOCK, Clock, Deadline
from ._redaction import printable
from ._sending import Answer, PreparedRequest, Retry, send, send_async
from .errors import ConfigurationError

DEFAULT_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
"""Seconds to wait for each read, write and place in the pool, and for a connection. Never for ever."""

if TYPE_CHECKING:
    import asyncio

ResultT = TypeVar("ResultT")
HttpT = TypeVar("HttpT", httpx2.Client, httpx2.AsyncClient)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of an operation, its parameters checked.

    Attributes:
        method: The method.
        path: The path below the base URL.
        params: The query, in pairs of name and value.
        headers: What goes before the client's own.
        successes: The statuses that are a success.
        asked: The parameters of path and query, under the contract's names; of a list the last value.
        content: The body; None for none.
        refusals: The bodies that the contract documents for other statuses.
    """

    method: str
    path: str
    params: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    successes: Sequence[int]
    asked: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None
    refusals: Mapping[int, type[pydantic.BaseModel]] = field(default_factory=dict[int, type[pydantic.BaseModel]])


class Credential(NamedTuple):
    """One way in which requests are allowed, as the contract's security schemes say.

    Attributes:
        name: The argument that takes it.
        variable: The variable of the environment that it is taken from where it is not given.
        header: The header that carries it.
        prefix: What the header holds before the credential.
    """

    name: str
    variable: str
    header: str
    prefix: str


class ClientConfig(NamedTuple):
    """What tells the clients of one contract from those of others.

    Attributes:
        user_agent: Sent with each request.
        base_url_variable: The variable of the environment that the address is taken from where it is not given.
        credentials: Which there are.
    """

    user_agent: str
    base_url_variable: str
    credentials: tuple[Credential, ...]


class BaseClient:
    """Sends requests to one deployment; see `Client`, which names the credentials."""

    config: ClassVar[ClientConfig]

    def __init__(
        self,
        base_url: str | None,
        credentials: Mapping[str, str | None],
        *,
        timeout: httpx2.Timeout | float | None,
        retry: Retry,
        strict: bool,
        headers: Mapping[str, str] | None,
        verify_ssl: bool | ssl.SSLContext,
        httpx_args: Mapping[str, Any] | None,
    ) -> None:
        base_url = _setting(base_url, self.config.base_url_variable)
        if base_url is None:
            raise ConfigurationError(
                f"base_url is not given, nor is {self.config.base_url_variable} in the environment"
            )
        self.base_url = _checked_url(base_url, [each.name for each in self.config.credentials])
        self.strict = strict
        self.retry = retry
        self.clock: Clock = CLOCK
        # Not a dict: names of headers are the same in any case, and two credentials would be none.
        self._headers = httpx2.Headers({"User-Agent": self.config.user_agent, "Accept": "application/json"})
        self._headers.update({name: _inputs.header(f"header {name}", value) for name, value in (headers or {}).items()})
        self.has_credential = False
        values_by_header: dict[str, list[str]] = {}
        for each in self.config.credentials:
            value = _setting(credentials[each.name], each.variable)
            if value is not None:
                values_by_header.setdefault(each.header, []).append(each.prefix + _inputs.credential(each.name, value))
                self.has_credential = True
        # Only cookies can be several in one header.
        self._headers.update({name: "; ".join(texts) for name, texts in values_by_header.items()})
        if self.has_credential and self.base_url.scheme == "http" and not _is_loopback(self.base_url.host):
            warnings.warn(
                f"the credential goes to {self.base_url.host} unencrypted, over http: use https", stacklevel=3
            )
        self._arguments: dict[str, Any] = {"timeout": timeout, "verify": verify_ssl, **(httpx_args or {})}
        _check_timeout(self._arguments["timeout"])
        # Further arguments may be about TLS too, and change what would be shared.
        self._shares_tls = verify_ssl is True and not httpx_args
        self._keeps_deadline = not {"transport", "mounts"} & self._arguments.keys()
        self._lock = threading.Lock()
        self._caller_clients: list[httpx2.Client | httpx2.AsyncClient] = []
        self._client: httpx2.Client | None = None
        self._async_client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cookies: weakref.WeakKeyDictionary[httpx2.Client | httpx2.AsyncClient, CallerCookies]
        self._cookies = weakref.WeakKeyDictionary()

    def _require_credential(self) -> None:
        """Raises ConfigurationError where there is none."""
        if not self.has_credential:
            names = [each.name for each in self.config.credentials]
            variables = [each.variable for each in self.config.credentials]
            given = f"neither {' nor '.join(names)} is" if len(names) > 1 else f"{names[0]} is not"
            raise ConfigurationError(f"{given} given, nor is {' or '.join(variables)} in the environment")

    def __repr__(self) -> str:
        # Nothing but the address: headers hold credentials.
        return f"{type(self).__name__}({str(self.base_url)!r})"

    # --- connections ---

    def set_httpx_client(self, client: httpx2.Client) -> Self:
        """Uses an httpx2 client of the caller's, whose own settings then hold, and which the caller closes.

        The cookies that it has now are sent; what servers set in answer to calls is not kept in it. As to time, what is
        said of a transport of the caller's holds for it.
        """
        self._caller_clients.append(client)
        self._client = client
        self._cookies[client] = CallerCookies(client)
        return self

    def set_async_httpx_client(self, async_client: httpx2.AsyncClient) -> Self:
        """As `set_httpx_client`, for calls under asyncio."""
        self._caller_clients.append(async_client)
        self._async_client = async_client
        self._cookies[async_client] = CallerCookies(async_client)
        return self

    def get_httpx_client(self) -> httpx2.Client:
        """Returns the httpx2 client that blocking calls use, made at first use."""
        with self._lock:
            if self._client is None:
                self._client = self._build(self._new_client)
            return self._client

    def get_async_httpx_client(self) -> httpx2.AsyncClient:
        """Returns the httpx2 client that calls under asyncio use, made at first use in each event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        with self._lock:
            # Connections belong to the loop that they were made in.
            client = self._async_client
            if client is None or (self._loop is not loop and client not in self._caller_clients):
                client = self._build(lambda: httpx2.AsyncClient(**self._httpx_arguments()))
                self._async_client, self._loop = client, loop
            return client

    def _httpx_arguments(self) -> dict[str, Any]:
        return {**self._arguments, "verify": _default_tls()} if self._shares_tls else self._arguments

    def _new_client(self) -> httpx2.Client:
        settings = self._httpx_arguments()
        if not self._keeps_deadline:
            return httpx2.Client(**settings)
        # Imported here, where the connections' library is needed anyway.
        from ._transport import ARGUMENTS, Transport

        transport = Transport(self.base_url, **{name: settings[name] for name in ARGUMENTS if name in settings})
        rest = {name: value for name, value in settings.items() if name not in ARGUMENTS or name == "trust_env"}
        return httpx2.Client(**rest, transport=transport)

    def _build(self, make: Callable[[], HttpT]) -> HttpT:
        """Makes a client of httpx2, which refuses what it cannot use in many ways."""
        try:
            client = make()
            self._cookies[client] = CallerCookies(client)
            return client
        except (httpx2.InvalidURL, AttributeError, ImportError, OSError, TypeError, ValueError) as error:
            # A proxy may hold a password.
            text = printable(re.sub(r"//[^/@]*@", "//***@", str(error)))
            problem = f"httpx2 cannot use the settings: {type(error).__name__}: {text}"
        raise ConfigurationError(problem)

    def close(self) -> None:
        """Closes the connections of blocking calls."""
        with self._lock:
            client = self._client
            if client is None or client in self._caller_clients:
                return
            self._client = None
        client.close()

    async def aclose(self) -> None:
        """Closes the connections of calls under asyncio."""
        import asyncio

        with self._lock:
            client = self._async_client
            if client is None or client in self._caller_clients:
                return
            self._async_client = None
        # Connections of a loop that has ended cannot be closed any more; they went with it.
        if self._loop is asyncio.get_running_loop():
            await client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.aclose()

    # --- calls ---

    def send(self, call: Call, deadline: Deadline | None = None) -> Answer:
        """Sends what an operation asks for. Raises ApiError for whatever is not a success."""
        return self.read(call, _identity, deadline)

    async def send_async(self, call: Call) -> Answer:
        """As `send`, under asyncio."""
        return await self.read_async(call, _identity)

    def read(self, call: Call, reader: Callable[[Answer], ResultT], deadline: Deadline | None = None) -> ResultT:
        """Sends what an operation asks for, and returns what the reader makes of the answer."""
        http = self.get_httpx_client()
        return send(http, self._prepare(http, call), reader, deadline)

    async def read_async(self, call: Call, reader: Callable[[Answer], ResultT]) -> ResultT:
        """As `read`, under asyncio."""
        http = self.get_async_httpx_client()
        return await send_async(http, self._prepare(http, call), reader)

    def _prepare(self, http: httpx2.Client | httpx2.AsyncClient, call: Call) -> PreparedRequest:
        if http.is_closed:
            raise ConfigurationError("the httpx2 client is closed, and would have to be open")
        headers = self._headers | call.headers if call.headers else self._headers
        try:
            request = self._request(http, call, headers)
        except httpx2.InvalidURL as error:
            problem = f"the address of the request is none: {printable(str(error))}"
        else:
            cookies = self._cookies[http]
            if "Cookie" not in headers and "Cookie" not in http.headers:
                cookies.apply_to(request)
            keeps_deadline = self._keeps_deadline and http not in self._caller_clients
            return PreparedRequest(
                request, call.successes, self.retry, cookies, keeps_deadline, call.refusals, self.clock
            )
        raise ConfigurationError(problem)

    def _request(self, http: httpx2.Client | httpx2.AsyncClient, call: Call, headers: httpx2.Headers) -> httpx2.Request:
        address = str(self.base_url).rstrip("/") + call.path
        if http in self._caller_clients or http.params:
            return http.build_request(
                call.method, address, params=[*call.params], headers=headers, content=call.content
            )
        # As httpx2 builds it, in a third of the time: that parses the address, and again to put the query in.
        replaced = {name.lower() for name, _ in headers.raw}
        return httpx2.Request(
            call.method,
            _parse_url(f"{address}?{urlencode(call.params)}" if call.params else address),
            headers=[pair for pair in http.headers.raw if pair[0].lower() not in replaced] + headers.raw,
            content=call.content,
            extensions={"timeout": http.timeout.as_dict()},
        )


# Of the addresses that are asked for again, as the first page is.
_parse_url = functools.lru_cache(maxsize=128)(httpx2.URL)


def _identity(answer: Answer) -> Answer:
    return answer


@functools.cache
def _default_tls() -> ssl.SSLContext:
    """Loads the certificates of the authorities, which takes longer than most calls do, once for all clients."""
    return httpx2.create_ssl_context()


def _setting(value: str | None, variable: str) -> str | None:
    return value if value is not None else os.environ.get(variable) or None


def _checked_url(base_url: object, credentials: Sequence[str]) -> httpx2.URL:
    problem = "an address such as https://example.com/api"
    try:
        url = httpx2.URL(base_url) if isinstance(base_url, str) and not re.search(r"\s", base_url) else None
        if url is not None:
            # As the system's look-up does it, which refuses a name with an empty or an overlong part.
            url.host.encode("idna")
    except (httpx2.InvalidURL, UnicodeError):
        url = None
    if url is None or url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 2**16:
        raise ConfigurationError(f"base_url has to be {problem}, with http or https")
    if url.userinfo:
        instead = f": give {' or '.join(credentials)}" if credentials else ""
        raise ConfigurationError(f"base_url may hold no user name and no password{instead}")
    if url.query or url.fragment:
        raise ConfigurationError(f"base_url has to be {problem}, with no query and no fragment")
    return url


def _check_timeout(timeout: object) -> None:
    parts = [timeout]
    if isinstance(timeout, httpx2.Timeout):
        parts = list(timeout.as_dict().values())
    elif isinstance(timeout, tuple):
        parts = list(cast("tuple[object, ...]", timeout))
    for part in parts:
        if part is not None and (isinstance(part, bool) or not isinstance(part, int | float) or not part > 0):
            raise ConfigurationError(f"timeout has to be a number of seconds above 0, or None, not {part!r:.60}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
