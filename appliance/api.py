"""Prefect's REST API by a plain HTTP client: importing Prefect's own costs 2 s and 80 MB.

What runs all day or at every command uses this; what executes flows uses Prefect itself.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from appliance.credentials import Credentials
from appliance.errors import OperatorError, WorldError
from appliance.prefect_environment import api_url
from appliance.settings.model import Component, Settings

TIMEOUT_SECONDS = 30.0
RETRY_SECONDS = 1.0


class Api:
    """A connection to the Prefect API that the settings name.

    Every request raises:
        WorldError: The server is away, or it answered with an error that we do not expect.
        OperatorError: It does not accept user and password.
    """

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self.url = api_url(settings)
        auth = None
        if credentials.auth_string:
            user, _, password = credentials.auth_string.get_secret_value().partition(":")
            auth = httpx.BasicAuth(user, password)
        self._client = httpx.Client(
            base_url=self.url, auth=auth, verify=_verification(settings), timeout=TIMEOUT_SECONDS
        )

    def get(self, path: str, *, missing: Any = None) -> Any:
        """Return the JSON at `path`; `missing` when there is nothing (404)."""
        response = self._send("GET", path, None)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return missing
        return self._json(self._checked(response))

    def post(self, path: str, body: Mapping[str, Any] | list[dict[str, Any]]) -> Any:
        """Create or query; return the JSON of the answer."""
        return self._json(self._checked(self._send("POST", path, body)))

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Replace what is at `path`."""
        self._checked(self._send("PUT", path, body))

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Change what is at `path`."""
        self._checked(self._send("PATCH", path, body))

    def delete(self, path: str) -> None:
        """Remove what is at `path`; what is gone already counts as removed."""
        response = self._send("DELETE", path, None)
        if response.status_code != HTTPStatus.NOT_FOUND:
            self._checked(response)

    def clock(self) -> float:
        """Return the server's clock, in seconds since the epoch, to the second."""
        response = self._checked(self._send("GET", "/health", None))
        date = response.headers.get("date")
        if date is None:
            raise WorldError(f"the server at {self.url} does not tell its time")
        return parsedate_to_datetime(date).timestamp()

    def ahead(self) -> float:
        """Return by how many seconds this machine's clock is ahead of the server's, to a second."""
        # The header's second has passed by half on average.
        return time.time() - self.clock() - 0.5

    def wait(self, say: Callable[[str], None]) -> None:
        """Return when the server answers.

        Args:
            say: Told why it does not, once for each reason.

        Raises:
            OperatorError: It answers, but not to this user and password.
        """
        said = ""
        while True:
            try:
                self._json(self._checked(self._send("GET", "/admin/version", None)))
            except WorldError as error:
                if error.line() != said:
                    said = error.line()
                    say(f"waiting: {said}")
                time.sleep(RETRY_SECONDS)
            else:
                return

    def close(self) -> None:
        """Close the connections; the object is of no use any more."""
        self._client.close()

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | list[dict[str, Any]] | None
    ) -> httpx.Response:
        try:
            return self._client.request(method, path.lstrip("/"), json=body)
        except httpx.HTTPError as error:
            raise WorldError(f"the server at {self.url} does not answer: {error}") from None

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise OperatorError(
                f"the server at {self.url} does not accept this user and password",
                where="ZOE_ADMIN_USER and ZOE_ADMIN_PASSWORD",
                remedy="give the server's",
            )
        if response.is_error:
            raise WorldError(
                f"the server refused {response.request.method} {response.request.url.path}: "
                f"{_reason(response)}"
            )
        return response

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError:
            raise WorldError(
                f"{self.url} answers, but not as Prefect's API does (HTTP {response.status_code})",
                remedy="does ZOE_API_URL end in /api, and is it the address without redirects?",
            ) from None


def _reason(response: httpx.Response) -> str:
    """Return the server's own words on an error, without repeating what we sent."""
    try:
        answer = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    if isinstance(answer, dict):
        detail = answer.get("exception_detail") or answer.get("detail")
        if isinstance(detail, list):
            return "; ".join(
                f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in detail
            )
        return str(detail or answer.get("exception_message") or f"HTTP {response.status_code}")
    return f"HTTP {response.status_code}"


def _verification(settings: Settings) -> ssl.SSLContext | bool:
    if settings.tls_ca_file:
        return ssl.create_default_context(cafile=str(settings.tls_ca_file))
    # Our own server on the loopback interface; its certificate is for the public name.
    return not (settings.tls and Component.SERVER in settings.runs_here)
