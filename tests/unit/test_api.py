"""The client against a real Prefect server, and against servers that are none."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from appliance.api import Api
from appliance.errors import OperatorError, WorldError
from tests.support import certificates
from tests.unit.conftest import RealServer
from tests.unit.support import NO_CREDENTIALS, credentials_of, free_port, make_settings


@pytest.fixture
def api(real_server: RealServer) -> Iterator[Api]:
    with closing(real_server.api()) as made:
        yield made


def elsewhere(url: str) -> Api:
    return Api(make_settings(components="worker", api_url=url), NO_CREDENTIALS)


@contextmanager
def answering(status: int, body: bytes, *later: tuple[int, bytes]) -> Iterator[str]:
    """A server with one answer to everything, or with one after the other."""
    answers = [(status, body), *later]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, content = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api"
        finally:
            server.shutdown()
            thread.join()


def test_get_and_what_is_missing(api: Api) -> None:
    assert api.get("/admin/version") == "3.8.8"
    assert api.get("/work_pools/absent") is None
    assert api.get("/work_pools/absent", missing="nothing") == "nothing"


def test_create_change_and_delete(api: Api) -> None:
    made = api.post("/variables/", {"name": "of_a_test", "value": 1})
    api.patch(f"/variables/{made['id']}", {"value": 2})
    assert api.get("/variables/name/of_a_test")["value"] == 2
    api.delete(f"/variables/{made['id']}")
    assert api.get("/variables/name/of_a_test") is None
    # Gone is gone, whoever did it.
    api.delete(f"/variables/{made['id']}")


def test_refusals_are_in_the_server_s_words(api: Api) -> None:
    with pytest.raises(
        WorldError, match=r"refused POST /api/variables/: name: .*lowercase"
    ) as caught:
        api.post("/variables/", {"name": "NOT valid", "value": "do-not-repeat"})
    assert "do-not-repeat" not in str(caught.value)
    api.post("/work_pools/", {"name": "of-a-test", "type": "process"})
    with pytest.raises(WorldError, match=r"POST /api/work_pools/: .*already exists"):
        api.post("/work_pools/", {"name": "of-a-test", "type": "process"})
    api.delete("/work_pools/of-a-test")
    with pytest.raises(
        WorldError, match=r"refused PATCH /api/work_pools/absent: .*absent.* not found"
    ):
        api.patch("/work_pools/absent", {"description": "x"})


@pytest.mark.parametrize("password", ["wrong", ""])
def test_wrong_password(real_server: RealServer, password: str) -> None:
    with closing(Api(real_server.settings, credentials_of("admin", password))) as api:
        with pytest.raises(OperatorError, match="does not accept this user and password") as caught:
            api.get("/admin/version")
        assert "ZOE_ADMIN_PASSWORD" in str(caught.value)
        assert caught.value.exit_code == 2
        # Waiting does not make it right.
        with pytest.raises(OperatorError):
            api.wait(lambda _: None)


def test_server_that_is_away() -> None:
    port = free_port()
    with (
        closing(elsewhere(f"http://127.0.0.1:{port}/api")) as api,
        pytest.raises(WorldError, match=f"the server at http://127.0.0.1:{port}/api does not"),
    ):
        api.get("/admin/version")


def test_wait_tells_each_reason_once_and_ends_with_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("appliance.api.RETRY_SECONDS", 0.01)
    said: list[str] = []
    with (
        answering(
            503, b"", (503, b""), (404, b'{"detail": "Not Found"}'), (200, b'"3.8.8"')
        ) as url,
        closing(elsewhere(url)) as api,
    ):
        api.wait(said.append)
    assert said == [
        "waiting: the server refused GET /api/admin/version: HTTP 503",
        "waiting: the server refused GET /api/admin/version: Not Found",
    ]


@pytest.mark.parametrize(("status", "body"), [(200, b"<!doctype html>"), (301, b"")])
def test_address_that_is_no_api(status: int, body: bytes) -> None:
    with answering(status, body) as url, closing(elsewhere(url)) as api:
        with pytest.raises(WorldError, match="not as Prefect's API does") as caught:
            api.get("/admin/version")
        assert "does ZOE_API_URL end in /api" in str(caught.value)


def test_server_that_breaks_off() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with (
            closing(elsewhere(f"http://127.0.0.1:{listener.getsockname()[1]}/api")) as api,
            pytest.raises(WorldError, match=r"does not answer: .*disconnected"),
        ):
            api.get("/x")
        thread.join()


def test_certificate_is_checked_unless_it_is_our_own(tmp_path: Path) -> None:
    pair = certificates.write(tmp_path, "server")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'"yes"')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(HTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up in the handshake is what we are here for."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        port = server.server_address[1]
        url = f"https://127.0.0.1:{port}/api"
        try:
            with (
                closing(elsewhere(url)) as api,
                pytest.raises(WorldError, match="CERTIFICATE_VERIFY_FAILED"),
            ):
                api.get("/x")
            remote = make_settings(components="worker", api_url=url, tls_ca_file=pair[0])
            with closing(Api(remote, NO_CREDENTIALS)) as api:
                assert api.get("/x") == "yes"
            own = make_settings(port=port, tls_cert_file=pair[0], tls_key_file=pair[1])
            with closing(Api(own, NO_CREDENTIALS)) as api:
                assert api.get("/x") == "yes"
        finally:
            server.shutdown()
            thread.join()
