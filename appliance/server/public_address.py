"""ASGI middleware that makes one server right at every address a browser may use.

Prefect writes the API's address into its UI from a setting, so that a published port or another
host name breaks the page. Here the page's own request answers the question instead: the API is
where the page came from, unless `ZOE_PUBLIC_URL` says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class PublicAddress:
    """Serve `app` below `base_path`, whether or not a proxy has stripped that path.

    Args:
        app: Prefect's application, which itself lives below `base_path`.
        base_path: Such as `/prefect`; empty at the root.
        public_url: The address that browsers use; None to go by the request.
    """

    def __init__(self, app: ASGIApp, base_path: str, public_url: str | None) -> None:
        self._app = app
        self._base_path = base_path
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if self._base_path and not _is_below(path, self._base_path):
            path = self._base_path + path
            scope = {**scope, "path": path, "raw_path": path.encode()}
        if path == f"{self._base_path}/ui-settings" and scope.get("method") == "GET":
            # The answer is read and rewritten here, so it must not come compressed.
            headers = [item for item in scope["headers"] if item[0].lower() != b"accept-encoding"]
            scope = {**scope, "headers": headers}
            send = _RewriteApiUrl(send, f"{self._public_url or _origin(scope)}/api")
        await self._app(scope, receive, send)


def _is_below(path: str, base_path: str) -> bool:
    return path == base_path or path.startswith(f"{base_path}/")


def _origin(scope: Scope) -> str:
    """Return scheme and host as the browser wrote them; a proxy's word on them counts."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    scheme = (headers.get(b"x-forwarded-proto") or str(scope["scheme"])).split(",")[0].strip()
    host = headers.get(b"x-forwarded-host") or headers.get(b"host") or "localhost"
    return f"{scheme}://{host.split(',')[0].strip()}"


class _RewriteApiUrl:
    """Replace `api_url` in Prefect's answer to `GET /ui-settings`."""

    def __init__(self, send: Send, api_url: str) -> None:
        self._send = send
        self._api_url = api_url
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        headers = [
            (name, value)
            for name, value in self._start["headers"]
            if name.lower() != b"content-length"
        ]
        if self._start["status"] == 200:  # noqa: PLR2004 - HTTP's number for "OK"
            self._body = json.dumps({**json.loads(self._body), "api_url": self._api_url}).encode()
            headers.append((b"cache-control", b"no-store"))
        headers.append((b"content-length", str(len(self._body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": self._body})
