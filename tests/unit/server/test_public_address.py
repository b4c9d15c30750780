"""The middleware around a tiny application that says what it was asked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from appliance.server.public_address import Message, PublicAddress, Receive, Scope, Send

UI_SETTINGS = {"api_url": "http://0.0.0.0:4200/api", "csrf_enabled": False}


class Application:
    """Prefect's, as far as it matters here: it lives below `base_path`."""

    def __init__(self, base_path: str = "") -> None:
        self._base_path = base_path
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["type"] != "http":
            return
        await receive()
        path = scope["path"]
        if path != f"{self._base_path}/ui-settings":
            await _answer(send, 404 if "absent" in path else 200, path.encode())
        elif scope["method"] == "GET":
            await _answer(send, 200, json.dumps(UI_SETTINGS).encode(), pieces=3)
        else:
            await _answer(send, 200, b"OK")


async def _answer(send: Send, status: int, body: bytes, pieces: int = 1) -> None:
    headers = [(b"content-length", str(len(body)).encode()), (b"x-own", b"kept")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    size = -(-len(body) // pieces)
    for number in range(pieces):
        piece = body[number * size : (number + 1) * size]
        more = number < pieces - 1
        await send({"type": "http.response.body", "body": piece, "more_body": more})


def ask(
    app: Any, path: str, *, url: str = "http://zoe:4200", method: str = "GET", **headers: str
) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, headers=named)

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("url", "headers", "api_url"),
    [
        ("http://zoe:4200", {}, "http://zoe:4200/api"),
        ("https://localhost:8443", {}, "https://localhost:8443/api"),
        ("http://[::1]:4200", {}, "http://[::1]:4200/api"),
        ("http://zoe:4200", {"x_forwarded_proto": "https"}, "https://zoe:4200/api"),
        (
            "http://zoe:4200",
            {"x_forwarded_proto": "https", "x_forwarded_host": "prefect.example.org"},
            "https://prefect.example.org/api",
        ),
        (
            # Two proxies, each of which added its word; the first stands nearest to the browser.
            "http://zoe:4200",
            {"x_forwarded_proto": "https, http", "x_forwarded_host": "outer.example.org, inner"},
            "https://outer.example.org/api",
        ),
    ],
)
def test_api_is_where_the_page_came_from(url: str, headers: dict[str, str], api_url: str) -> None:
    answer = ask(PublicAddress(Application(), "", None), "/ui-settings", url=url, **headers)
    assert answer.json() == {**UI_SETTINGS, "api_url": api_url}


def test_public_url_has_the_last_word() -> None:
    app = PublicAddress(Application("/p"), "/p", "https://example.org/p")
    answer = ask(app, "/p/ui-settings", x_forwarded_host="other.example.org")
    assert answer.json()["api_url"] == "https://example.org/p/api"


def test_answer_is_whole_and_not_kept_by_caches() -> None:
    app = Application()
    answer = ask(PublicAddress(app, "", None), "/ui-settings", accept_encoding="gzip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers.get_list("content-length") == [str(len(answer.content))]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-own"] == "kept"
    # We could not read a compressed one.
    assert b"accept-encoding" not in dict(app.scopes[0]["headers"])


@pytest.mark.parametrize("path", ["/p/ui-settings", "/ui-settings"], ids=["kept", "stripped"])
def test_proxy_may_keep_or_strip_the_path(path: str) -> None:
    app = PublicAddress(Application("/p"), "/p", "https://example.org/p")
    assert ask(app, path).json()["api_url"] == "https://example.org/p/api"


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/p/api/flows", "/p/api/flows"),
        ("/api/flows", "/p/api/flows"),
        ("/p", "/p"),
        ("/", "/p/"),
        # Not below /p, only beginning alike.
        ("/pages", "/p/pages"),
        ("/p2/x", "/p/p2/x"),
    ],
)
def test_paths_below_the_base(asked: str, seen: str) -> None:
    app = Application("/p")
    assert ask(PublicAddress(app, "/p", None), asked).text == seen
    assert app.scopes[0]["raw_path"] == seen.encode()


def test_other_routes_are_untouched() -> None:
    app = Application()
    answer = ask(PublicAddress(app, "", None), "/api/flows", accept_encoding="gzip")
    assert answer.text == "/api/flows"
    assert "cache-control" not in answer.headers
    assert dict(app.scopes[0]["headers"])[b"accept-encoding"] == b"gzip"
    assert ask(PublicAddress(app, "", None), "/absent").status_code == 404


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "POST"])
def test_only_the_settings_themselves_are_rewritten(method: str) -> None:
    # A CORS preflight is answered with a plain OK.
    assert ask(PublicAddress(Application(), "", None), "/ui-settings", method=method).is_success


def test_failed_answer_comes_as_it_is() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await _answer(send, 500, b"not JSON")

    answer = ask(PublicAddress(failing, "", None), "/ui-settings")
    assert (answer.status_code, answer.text) == (500, "not JSON")


@pytest.mark.parametrize(
    ("kind", "path", "seen"),
    [
        ("websocket", "/api/events/in", "/p/api/events/in"),
        ("websocket", "/p/api/events/in", "/p/api/events/in"),
        ("lifespan", None, None),
    ],
)
def test_websockets_and_the_lifespan(kind: str, path: str | None, seen: str | None) -> None:
    app = Application("/p")
    scope: Scope = {"type": kind, "headers": []}
    if path:
        scope["path"], scope["raw_path"] = path, path.encode()

    async def receive() -> Message:
        return {}

    async def send(_: Message) -> None:
        """Nothing is answered."""

    asyncio.run(PublicAddress(app, "/p", None)(scope, receive, send))
    assert app.scopes[0].get("path") == seen
    # Whoever called still has its own.
    assert scope.get("path") == path
