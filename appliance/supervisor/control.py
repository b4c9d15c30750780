"""supervisord's own remote interface, on its Unix socket."""

from __future__ import annotations

import http.client
import xmlrpc.client
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from appliance.errors import WorldError
from appliance.layout import Runtime


class Control:
    """Asks supervisord about its programs and tells it to start or stop one.

    Raises:
        WorldError: From every method, when supervisord is not there.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._transport = SupervisorTransport(serverurl=f"unix://{runtime.supervisor_socket}")
        # The address is never used; the transport knows the socket.
        self._proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=self._transport)

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        self._transport.close()

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return supervisord's description of each program, by name."""
        return {str(info["name"]): info for info in self._call("getAllProcessInfo")}

    def start(self, program: str) -> None:
        """Start a program and do not wait for it."""
        self._call("startProcess", program, False)

    def stop(self, program: str) -> None:
        """Ask a program to stop and do not wait for it."""
        self._call("stopProcess", program, False)

    def shutdown(self) -> None:
        """Stop everything, in order, and end supervisord."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: str | bool) -> list[dict[str, Any]]:
        try:
            answer = getattr(self._proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise WorldError(f"supervisord refused {method}: {fault.faultString}") from None
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            # A connection that broke in the middle cannot be asked again.
            self.close()
            raise WorldError(
                f"supervisord does not answer: {error}", remedy="is Zoe running here?"
            ) from None
        return cast("list[dict[str, Any]]", answer)
