from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing as closed_in_the_end
from contextlib import contextmanager

import pytest
import uvicorn
import websockets.exceptions
from websockets.sync.client import connect

from appliance.server.closing import ClosingServer, EndWebsockets
from appliance.server.public_address import Receive, Scope, Send


async def never_ending(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer requests, and hold a websocket open without ever looking at it, as Prefect's do."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": json.dumps("hello")})
        await asyncio.Event().wait()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answer"})


@contextmanager
def serving() -> Iterator[tuple[ClosingServer, threading.Thread, int]]:
    ending = asyncio.Event()
    with closed_in_the_end(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(
            EndWebsockets(never_ending, ending), log_level="error", lifespan="off"
        )
        server = ClosingServer(config, ending)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield server, thread, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def test_a_stop_does_not_wait_for_a_websocket_that_never_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        serving() as (server, thread, port),
        connect(f"ws://127.0.0.1:{port}/") as websocket,
    ):
        assert json.loads(websocket.recv(timeout=10)) == "hello"
        server.should_exit = True
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            websocket.recv(timeout=10)
        thread.join(timeout=10)
        assert not thread.is_alive(), "without a limit of its own uvicorn would wait for ever"
    assert caplog.text == ""


def test_a_websocket_that_ends_by_itself_ends() -> None:
    ended = asyncio.Event()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        ended.set()

    async def use() -> None:
        scope = {"type": "websocket"}
        await EndWebsockets(application, asyncio.Event())(scope, _nothing, _ignore)

    asyncio.run(use())
    assert ended.is_set()


async def _nothing() -> dict[str, object]:
    return {}


async def _ignore(_: object) -> None:
    return
