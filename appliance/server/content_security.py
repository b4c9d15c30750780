"""ASGI middleware that keeps the UI's page from calling anybody but its own server.

Prefect's UI carries an analytics client that asks a third party for its configuration as soon as
the page loads, whatever `PREFECT_SERVER_ANALYTICS_ENABLED` says (seen with 3.8.8 in Chromium). A
policy that the browser enforces ends that without a change to Prefect's files. (Content Security
Policy Level 3, `connect-src`.)
"""

from __future__ import annotations

from urllib.parse import urlsplit

from appliance.server.public_address import ASGIApp, Message, Receive, Scope, Send


def policy(public_url: str | None) -> str:
    """Return the policy: data comes from this server alone, and nobody frames the page.

    Args:
        public_url: The API's address where that is not the page's own.
    """
    sources = ["'self'"]
    if public_url:
        parts = urlsplit(public_url)
        websocket = "wss" if parts.scheme == "https" else "ws"
        sources += [f"{parts.scheme}://{parts.netloc}", f"{websocket}://{parts.netloc}"]
    return f"connect-src {' '.join(sources)}; object-src 'none'; frame-ancestors 'self'"


class ContentSecurity:
    """Send the policy along with every page.

    Args:
        app: The application behind it.
        public_url: The address that browsers use; None to go by the request.
    """

    def __init__(self, app: ASGIApp, public_url: str | None) -> None:
        self._app = app
        self._header = (b"content-security-policy", policy(public_url).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or connection."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                message = {**message, "headers": [*message["headers"], self._header]}
            await send(message)

        await self._app(scope, receive, send_with_policy if scope["type"] == "http" else send)


def _is_page(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html")
        for name, value in message["headers"]
    )
