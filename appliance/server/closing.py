"""A server that ends its websockets at once when it stops.

Prefect's websockets look once a second whether their other end is there. uvicorn closes them at a
stop and then waits for their tasks, which is most of the time that a stop takes; it ends with a
traceback for each when its patience is shorter than that second.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from socket import socket

import uvicorn

from appliance.server.public_address import ASGIApp, Receive, Scope, Send


class ClosingServer(uvicorn.Server):
    """uvicorn's server, which tells when it begins to stop."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Tell, and stop as uvicorn does."""
        self._closing.set()
        await super().shutdown(sockets)


class EndWebsockets:
    """ASGI middleware that ends a websocket's task when the server begins to stop.

    Args:
        app: The application behind it.
        closing: Set when the server begins to stop.
    """

    def __init__(self, app: ASGIApp, closing: asyncio.Event) -> None:
        self._app = app
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or connection."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        serving = asyncio.ensure_future(self._app(scope, receive, send))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({serving, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
            if not serving.done():
                serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
