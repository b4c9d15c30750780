"""ASGI middleware that answers 401 to a websocket which cannot present the password.

A browser cannot send HTTP credentials when it opens a websocket. Prefect therefore takes the
password in the first message, under the subprotocol `prefect`. Whoever does not speak it can
never authenticate and hears so at once, in the words in which the rest of the API says it; Prefect
alone would answer 403. (prefect.server.utilities.subscriptions, Prefect 3.8.8.)
"""

from __future__ import annotations

from appliance.server.public_address import ASGIApp, Receive, Scope, Send

SUBPROTOCOL = "prefect"
UNAUTHORIZED = 401
BODY = b'{"exception_message":"Unauthorized"}'


class WebsocketGuard:
    """Let only websockets pass that will present the password.

    Args:
        app: The application behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or connection."""
        if scope["type"] != "websocket" or SUBPROTOCOL in scope.get("subprotocols", ()):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Basic")]
        # (ASGI specification, extension "Websocket Denial Response".)
        await send(
            {
                "type": "websocket.http.response.start",
                "status": UNAUTHORIZED,
                "headers": headers,
            }
        )
        await send({"type": "websocket.http.response.body", "body": BODY})
