"""YAML with the line of every value, for messages that point at it."""

from __future__ import annotations

from typing import Any

import yaml

Location = tuple[str | int, ...]


class DuplicateKeyError(ValueError):
    """A mapping names a key twice; YAML keeps the last one, which nobody means.

    Attributes:
        line: Where the second one stands, counted from 1.
    """

    def __init__(self, key: str, line: int) -> None:
        super().__init__(f"the key '{key}' stands twice in one mapping")
        self.line = line


class LocatedYaml:
    """A parsed document.

    Attributes:
        value: Plain Python data.
    """

    def __init__(self, text: str) -> None:
        """Parse one document.

        Raises:
            yaml.YAMLError: It is not YAML.
            DuplicateKeyError: A mapping has a key twice.
        """
        self._lines: dict[Location, int] = {}
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            self.value = None if node is None else self._construct(loader, node, ())
        finally:
            loader.dispose()

    def line(self, location: Location) -> int:
        """Return the line of a value; of something that is not there, the nearest parent's."""
        while location and location not in self._lines:
            location = location[:-1]
        return self._lines.get(location, 1)

    def _construct(self, loader: yaml.SafeLoader, node: yaml.Node, location: Location) -> Any:
        self._lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            loader.flatten_mapping(node)
            result: dict[Any, Any] = {}
            for key_node, value_node in node.value:
                key = loader.construct_object(key_node, deep=True)
                line = key_node.start_mark.line + 1
                if key in result:
                    raise DuplicateKeyError(str(key), line)
                # A key's own line is where a reader looks for it.
                self._lines[(*location, key)] = line
                result[key] = self._construct(loader, value_node, (*location, key))
            return result
        if isinstance(node, yaml.SequenceNode):
            return [
                self._construct(loader, item, (*location, index))
                for index, item in enumerate(node.value)
            ]
        return loader.construct_object(node, deep=True)
