"""A git repository that tests write and the deployer reads: a directory, or behind https or ssh."""

from __future__ import annotations

import asyncio
import base64
import http.server
import os
import shlex
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import asyncssh

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


class Origin:
    """A repository with a working tree; `url` names it on this machine.

    Args:
        root: Its directory, which is made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return f"file://{self.root}"

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None]) -> str:
        """Write files, or remove those that are None; return the new commit."""
        for name, content in files.items():
            path = self.root / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=a commit")
        return self.git("rev-parse", "HEAD")


@contextmanager
def served(
    directory: Path, files: tuple[Path, Path], user: str, password: str, address: str = "127.0.0.1"
) -> Iterator[int]:
    """Serve the repositories of a directory over https to one user; yield the port.

    It is git's own server: git-http-backend(1).
    """
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, *_: Any) -> None:
            pass

        def _serve(self) -> None:
            if self.headers.get("Authorization") != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            length = self.headers.get("Content-Length", "")
            backend = subprocess.run(
                ["git", "-c", "safe.directory=*", "http-backend"],
                env={
                    **ENVIRONMENT,
                    "GIT_PROJECT_ROOT": str(directory),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "CONTENT_LENGTH": length,
                },
                input=self.rfile.read(int(length or 0)),
                capture_output=True,
                check=True,
            )
            head, _, body = backend.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            # Or its end would be that of the connection, which TLS takes for an accident.
            for name, value in {**fields, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def _pump(source: Any, sink: Any) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()


@contextmanager
def served_by_ssh(directory: Path, host_key: Path, client_key: Path) -> Iterator[int]:
    """Serve the repositories of a directory over ssh to the owner of one key; yield the port."""
    public = client_key.with_suffix(".pub").read_text()
    authorized = asyncssh.import_authorized_keys(public)

    async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
        program, path = shlex.split(process.command or "")
        assert program == "git-upload-pack"
        pack = await asyncio.create_subprocess_exec(
            *("git", "-c", "safe.directory=*", "upload-pack", str(directory / path.lstrip("/"))),
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert pack.stdin is not None
        assert pack.stdout is not None
        asking = asyncio.create_task(_pump(process.stdin, pack.stdin))
        await _pump(pack.stdout, process.stdout)
        process.exit(await pack.wait())
        asking.cancel()

    port: Queue[int] = Queue()
    ended = threading.Event()

    async def listen() -> None:
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[str(host_key)],
            authorized_client_keys=authorized,
            process_factory=serve,
            encoding=None,
        )
        port.put(server.get_port())
        await asyncio.to_thread(ended.wait)
        server.close()
        await server.wait_closed()

    thread = threading.Thread(target=asyncio.run, args=[listen()])
    thread.start()
    try:
        yield port.get(timeout=20)
    finally:
        ended.set()
        thread.join()
