"""Sends the cookies of the caller, and none that a server has set."""

from __future__ import annotations

import contextlib

import httpx2


class CallerCookies:
    """The cookies of an httpx2 client at the time it is taken into use.

    httpx2 adds cookies of servers to the same jar, and cannot be told not to.
    """

    def __init__(self, http: httpx2.Client | httpx2.AsyncClient) -> None:
        self._http = http.cookies
        self._cookies = {(each.domain, each.path, each.name): each for each in http.cookies.jar}

    def apply_to(self, request: httpx2.Request) -> None:
        """Replace the cookies that httpx2 has put into a request by these."""
        request.headers.pop("Cookie", None)
        if self._cookies:
            cookies = httpx2.Cookies()
            for cookie in self._cookies.values():
                cookies.jar.set_cookie(cookie)
            cookies.set_cookie_header(request)

    def discard_from(self, response: httpx2.Response) -> None:
        """Remove the cookies that a response has set from the jar."""
        if "Set-Cookie" not in response.headers:
            return
        came = httpx2.Cookies()
        came.extract_cookies(response)
        for each in came.jar:
            key = each.domain, each.path, each.name
            if key in self._cookies:
                self._http.jar.set_cookie(self._cookies[key])
            else:
                with contextlib.suppress(KeyError):
                    self._http.jar.clear(*key)
