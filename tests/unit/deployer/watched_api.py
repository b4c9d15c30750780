"""The API with a list of the requests that write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.api import Api


class WatchedApi(Api):
    """Attributes:
    writes: Method and path of each request that may have changed something.
    """

    writes: list[str]

    def post(self, path: str, body: Mapping[str, Any] | list[dict[str, Any]]) -> Any:
        if not path.endswith("/filter"):
            self.writes.append(f"POST {path}")
        return super().post(path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self.writes.append(f"PATCH {path}")
        super().patch(path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        self.writes.append(f"PUT {path}")
        super().put(path, body)

    def delete(self, path: str) -> None:
        self.writes.append(f"DELETE {path}")
        super().delete(path)
