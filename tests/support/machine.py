"""What the tests ask a machine: by its own `zoe`, its own Python, and nothing of ours on it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from testinfra.host import Host

PATIENCE_SECONDS = 180.0
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

# Runs on the machine: its way to the server is what is judged, not ours.
REQUEST = """
import base64, json, ssl, sys, urllib.error, urllib.request
url, user, password_file, ca, method, path, body = sys.argv[1:]
request = urllib.request.Request(url + path, method=method, data=body.encode() or None)
request.add_header("Content-Type", "application/json")
if user:
    pair = user + ":" + open(password_file).read().strip()
    request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
context = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
try:
    answer = urllib.request.urlopen(request, timeout=30, context=context)
except urllib.error.HTTPError as error:
    answer = error
print(json.dumps({"status": answer.status, "text": answer.read().decode()}))
"""


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    status: int
    text: str

    def json(self) -> Any:
        """Return what it said as JSON; fail unless that was asked for well."""
        assert self.status < 300, f"HTTP {self.status}: {self.text}"
        return json.loads(self.text)


class Machine:
    """A host or a container of the image, as its operator meets it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._is_root = host.run("id -u").stdout.strip() == "0"
        self._settings = json.loads(self.zoe("config", "show", "--json"))

    def zoe(self, *words: str) -> str:
        """Run the command as who may; return what it printed."""
        before = "runuser -u zoe -- " if self._is_root else ""
        done = self.host.run(before + "zoe " + " ".join(words))
        assert done.rc == 0, f"zoe {words}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def status(self) -> dict[str, Any]:
        """Return what `zoe status` tells; fail where it is not healthy."""
        found: dict[str, Any] = json.loads(self.zoe("status", "--json"))
        return found

    def setting(self, name: str) -> Any:
        """Return the value of a setting that is in force; a list as one text with commas."""
        return self._settings[name]["value"]

    @property
    def has_server(self) -> bool:
        """Whether the server runs on this machine."""
        return "server" in self.setting("components")

    def request(
        self, method: str, path: str, body: Any = None, *, authenticated: bool = True
    ) -> Answer:
        """Ask the API from the machine, with its own user, password and authority."""
        password = self.status()["password_file"] or "/etc/zoe/secrets/admin_password"
        words = [
            self._api_url(),
            self.setting("admin_user") if authenticated else "",
            password,
            str(self.setting("tls_ca_file") or ""),
            method,
            path,
            json.dumps(body) if body is not None else "",
        ]
        # In base64 the script is one word in any shell.
        code = base64.b64encode(REQUEST.encode()).decode()
        command = f"python3 -c \"import base64; exec(base64.b64decode('{code}'))\""
        done = self.host.run(command + " %s" * len(words), *words)
        assert done.rc == 0, done.stderr
        return Answer(**json.loads(done.stdout))

    def run_to_its_end(self, deployment: str) -> dict[str, Any]:
        """Run a deployment, named `flow/deployment`; return the flow run as it ended."""
        found = self.request("GET", f"/deployments/name/{deployment}").json()
        run = self.request("POST", f"/deployments/{found['id']}/create_flow_run", {}).json()
        return self.ended(run["id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        """Wait for the end of a flow run; return it."""

        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = self.request("GET", f"/flow_runs/{run_id}").json()
            return run if run["state"]["type"] in ENDED else None

        run: dict[str, Any] = eventually(look, f"the end of {run_id}")
        return run

    def _api_url(self) -> str:
        if not self.has_server:
            return str(self.setting("api_url")).rstrip("/")
        scheme = "https" if self.setting("tls_cert_file") else "http"
        return f"{scheme}://127.0.0.1:{self.setting('port')}/api"


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Return the condition's first true value; fail when there is none in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.5)
    raise AssertionError(f"not within {PATIENCE_SECONDS:g} s: {what}")
