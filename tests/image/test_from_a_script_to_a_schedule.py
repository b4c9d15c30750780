"""The how-to page, command by command, as a reader would run it."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.container import IMAGE, docker, eventually, gateway, network, volume

PAGE = Path(__file__).parents[2] / "docs/how-to/from-a-script-to-a-schedule.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@contextmanager
def webhook(host: str) -> Iterator[tuple[str, list[str]]]:
    """Listen on an address of this machine; yield the URL and what was posted there."""
    posted: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            posted.append(self.rfile.read(length).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((host, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}/hidden", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as probe:
        return probe.server_address[1]


def test_every_command_of_the_page(tmp_path: Path) -> None:
    name, port = f"zoe-test-{uuid.uuid4().hex[:12]}", free_port()
    script = "\n".join(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    with network() as net, webhook(gateway(net)) as (address, posted), volume() as data:
        # What a machine with other containers on it asks for, and nothing else.
        for theirs, ours in (
            ("--name zoe ", f"--name {name} --network={net} "),
            ("docker exec zoe ", f"docker exec {name} "),
            ("zoe-data:", f"{data}:"),
            ("-p 4200:4200", f"-p 127.0.0.1:{port}:4200"),
            ("localhost:4200", f"127.0.0.1:{port}"),
            (" zoe-prefect\n", f" {IMAGE}\n"),
        ):
            assert theirs in script
            script = script.replace(theirs, ours)
        try:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=tmp_path,
                env={
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                    "HOME": str(tmp_path),
                    "OPS_WEBHOOK": address,
                    "GIT_AUTHOR_NAME": "A",
                    "GIT_AUTHOR_EMAIL": "a@example.org",
                    "GIT_COMMITTER_NAME": "A",
                    "GIT_COMMITTER_EMAIL": "a@example.org",
                    "DO_NOT_TRACK": "1",
                    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                    # The script's own server starts beside other tests here.
                    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout
            said, log = done.stdout, docker("logs", name).stdout
            assert "today: 10" in said
            assert "created deployment report/daily" in log
            # By the command, or by the appliance that was there first.
            assert "changed deployment report/daily: pull_steps, schedules" in said + log, said
            for words in (
                "Flow run finished successfully",
                "unknown key 'entry_point'; did you mean 'entrypoint'?",
                "exit code 2",
                "it has failed",
            ):
                assert words in said, said
            eventually(lambda: posted, what="the message of the failure")
            assert '"text": "report: ' in posted[0]
            assert 'is Failed"' in posted[0]
            assert "hidden" not in said + log
        finally:
            docker("rm", "--force", "--volumes", name, check=False)
