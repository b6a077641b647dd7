"""The transport of blocking calls: every read and write ends at the deadline of the call.

httpx2's own transport only has a timeout for each wait: a server that sends a byte now and then keeps it waiting for
ever. Only public names of httpcore2 are used. httpx2 installs it in the matching version.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import ssl
import threading
import urllib.request
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from socket import SOCK_STREAM, getaddrinfo
from typing import Any, cast

import httpcore2
import httpx2

from . import _deadline

ARGUMENTS = ("verify", "cert", "trust_env", "http1", "http2", "limits", "proxy")
"""The arguments of `httpx2.Client` that are passed to the transport."""

_LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20)


class Transport(httpx2.BaseTransport):
    """Sends requests to one deployment. Takes the arguments of httpx2's transport, and the URL to choose a proxy."""

    def __init__(
        self,
        base_url: httpx2.URL,
        *,
        verify: ssl.SSLContext | bool = True,
        cert: Any = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: httpx2.Limits = _LIMITS,
        proxy: httpx2.Proxy | httpx2.URL | str | None = None,
    ) -> None:
        if http2:
            importlib.import_module("h2")
        if proxy is None and trust_env:
            proxy = _proxy_of_environment(base_url)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env),
            proxy=None if proxy is None else _proxy(proxy),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http1=http1,
            http2=http2,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)
        sent = httpcore2.Request(
            request.method,
            _to_httpcore2_url(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=dict(request.extensions),
        )
        with _map_exceptions():
            response = self._pool.handle_request(sent)
        return httpx2.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=cast("dict[str, Any]", response.extensions),
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _map_exceptions():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


@contextlib.contextmanager
def _map_exceptions() -> Generator[None, None, None]:
    try:
        yield
    except (
        httpcore2.TimeoutException,
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.ProxyError,
        httpcore2.UnsupportedProtocol,
    ) as error:
        # httpx2 has an exception of the same name.
        raise getattr(httpx2, type(error).__name__)(str(error)) from error


# --- connections ----------------------------------------------------------------------------------------------------


class _Backend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in _resolve(host, port, _time_left(timeout, httpcore2.ConnectTimeout)):
            try:
                left = _time_left(timeout, httpcore2.ConnectTimeout)
                return _Stream(self._backend.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore2.NetworkStream):
    _CHUNK_SIZE = 2**14

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(timeout, httpcore2.ReadTimeout, self._stream))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In chunks: a peer that accepts a byte now and then could keep one large write going for ever.
        for start in range(0, len(buffer), self._CHUNK_SIZE):
            left = _time_left(timeout, httpcore2.WriteTimeout, self._stream)
            self._stream.write(buffer[start : start + self._CHUNK_SIZE], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _time_left(timeout, httpcore2.ConnectTimeout, self._stream)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _time_left(
    timeout: float | None, error: type[httpcore2.TimeoutException], stream: _deadline.Stream | None = None
) -> float | None:
    """Return the timeout, shortened to the deadline of the current call."""
    deadline = _deadline.current()
    if deadline is None:
        return timeout
    if stream is not None:
        deadline.attach(stream)
    left = deadline.cap(timeout)
    if left == 0:
        raise error("the deadline of the call has passed")
    return left


def _resolve(host: str, port: int, timeout: float | None) -> list[str]:
    """Return the addresses of a host. In a thread, as the resolver of the system has no timeout."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            found.set_result([str(each[4][0]) for each in getaddrinfo(host, port, type=SOCK_STREAM)])
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=look_up, daemon=True, name="ks_workflow_runs_look_up").start()
    try:
        return found.result(timeout)
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout(f"the address of {host} was not found in time") from error
    except OSError as error:
        raise httpcore2.ConnectError(error) from error


# --- proxies --------------------------------------------------------------------------------------------------------


def _proxy(proxy: httpx2.Proxy | httpx2.URL | str) -> httpcore2.Proxy:
    if not isinstance(proxy, httpx2.Proxy):
        proxy = httpx2.Proxy(proxy)
    if proxy.url.scheme.startswith("socks"):
        importlib.import_module("socksio")
    address = _to_httpcore2_url(proxy.url)
    return httpcore2.Proxy(address, auth=proxy.raw_auth, headers=proxy.headers.raw, ssl_context=proxy.ssl_context)


def _to_httpcore2_url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _proxy_of_environment(url: httpx2.URL) -> str | None:
    """Return the proxy for an address, from the environment or the system settings."""
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if (
        not proxy
        or urllib.request.proxy_bypass(url.netloc.decode("ascii"))
        or _is_in_no_proxy(url.host, proxies.get("no"))
    ):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_in_no_proxy(host: str, no_proxy: str | None) -> bool:
    """True if NO_PROXY contains the host in a form that the standard library ignores: in brackets, or as a network."""
    for entry in (no_proxy or "").split(","):
        if entry.strip() == "*" or entry.strip(" []") == host:
            return True
        with contextlib.suppress(ValueError):
            if "/" in entry and ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip(), strict=False):
                return True
    return False
