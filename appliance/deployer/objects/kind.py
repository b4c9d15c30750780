"""What all kinds of object have in common: declared, held by the server, compared, made equal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from appliance.api import Api
from appliance.deployer.place import Place

PAGE = 200


@dataclass(frozen=True)
class Desired:
    """One object as a file wants it, in the words of Prefect's API.

    Attributes:
        kind: Which kind of object.
        name: The name that tells it from others of its kind on the server.
        place: Where it is declared.
        fields: What is kept equal to the file at all times.
        initial: Switches that operators throw in the UI, such as a pause. They are set when the
            object is made, and again when the file says something else than before.
    """

    kind: str
    name: str
    place: Place
    fields: Mapping[str, Any]
    initial: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Actual:
    """One object as the server holds it.

    Attributes:
        name: As in `Desired`.
        id: What requests name it by.
        content: The server's own words.
    """

    name: str
    id: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One field that is not as wanted."""

    there: Any
    wanted: Any


class Kind(ABC):
    """One kind of object: how it is read, compared and written."""

    name: ClassVar[str]

    @abstractmethod
    def read(self, api: Api) -> dict[str, Actual]:
        """Return all that the server has, by name."""

    @abstractmethod
    def create(self, api: Api, desired: Desired) -> None:
        """Make one."""

    @abstractmethod
    def update(
        self, api: Api, desired: Desired, actual: Actual, differing: Collection[str]
    ) -> None:
        """Make the named fields of one as wanted; its id stays."""

    @abstractmethod
    def delete(self, api: Api, actual: Actual) -> None:
        """Remove one; one that is gone already counts as removed."""

    def value(self, actual: Actual, name: str) -> Any:
        """Return what the server holds for a field of `Desired`."""
        return actual.content.get(name)

    def is_so(self, name: str, there: Any, wanted: Any) -> bool:
        """Tell whether a field is as wanted."""
        del name
        return bool(there == wanted)

    def refusal(self, desired: Desired, actual: Actual | None) -> str | None:
        """Return why one cannot be made, or cannot become the other; None when it can."""
        del desired, actual
        return None

    def stays(self, actual: Actual) -> bool:
        """Tell whether one cannot be removed by itself."""
        del actual
        return False

    def differences(
        self, desired: Desired, actual: Actual, thrown: Mapping[str, bool]
    ) -> dict[str, Difference]:
        """Compare.

        Args:
            desired: What should be.
            actual: What is.
            thrown: The switches that are to be as declared, too.
        """
        wanted = {**desired.fields, **thrown}
        found = {
            name: Difference(self.value(actual, name), value) for name, value in wanted.items()
        }
        return {
            name: difference
            for name, difference in found.items()
            if not self.is_so(name, difference.there, difference.wanted)
        }


def read_all(
    api: Api, path: str, matching: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return every page of a route that filters; all there is, unless told what must match."""
    found: list[dict[str, Any]] = []
    while True:
        page = api.post(path, {**(matching or {}), "offset": len(found), "limit": PAGE})
        found += page
        if len(page) < PAGE:
            return found


def values(desired: Desired, names: Collection[str]) -> dict[str, Any]:
    """Return the wanted values of some fields and switches."""
    return {
        name: value
        for name, value in {**desired.fields, **desired.initial}.items()
        if name in names
    }


def without_nulls(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is null, which means "not set" in most of Prefect's routes."""
    return {name: value for name, value in mapping.items() if value is not None}
