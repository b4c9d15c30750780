"""YAML with the line of every value, for messages that point at it."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import SafeConstructor

# PyYAML's binding to libyaml is several times as fast; it is in its wheels, not in every build.
LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE_TAG = "tag:yaml.org,2002:merge"
# The binding's recursion knows no limit but the end of the stack, where the process dies.
DEEPEST = 100

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
            RecursionError: An alias contains itself.
        """
        self._lines: dict[Location, int] = {}
        # Mappings whose own keys have been looked at; merging puts the keys of others among them.
        self._checked: set[int] = set()
        _check_depth(text)
        loader = LOADER(text)
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

    def _construct(self, loader: SafeConstructor, node: yaml.Node, location: Location) -> Any:
        self._lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            self._check_own_keys(loader, node)
            loader.flatten_mapping(node)
            result: dict[Any, Any] = {}
            for key_node, value_node in node.value:
                key = _scalar(loader, key_node)
                # A key's own line is where a reader looks for it.
                self._lines[(*location, key)] = key_node.start_mark.line + 1
                result[key] = self._construct(loader, value_node, (*location, key))
            return result
        if isinstance(node, yaml.SequenceNode):
            return [
                self._construct(loader, item, (*location, index))
                for index, item in enumerate(node.value)
            ]
        return _scalar(loader, node)

    def _check_own_keys(self, loader: SafeConstructor, node: yaml.MappingNode) -> None:
        if id(node) in self._checked:
            return
        self._checked.add(id(node))
        found = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.CollectionNode):
                raise yaml.MarkedYAMLError(
                    problem="a key is no plain text; put a value that begins with {{ in quotes",
                    problem_mark=key_node.start_mark,
                )
            if key_node.tag == MERGE_TAG:
                continue
            key = _scalar(loader, key_node)
            if key in found:
                raise DuplicateKeyError(str(key), key_node.start_mark.line + 1)
            found.add(key)


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"it is nested more than {DEEPEST} deep",
                # The stubs allow the marks of one of the two loaders alone.
                problem_mark=event.start_mark,  # type: ignore[arg-type]
            )


def _scalar(loader: SafeConstructor, node: yaml.Node) -> Any:
    try:
        return loader.construct_object(node, deep=True)
    except (ValueError, OverflowError) as error:
        # Such as a date with a thirteenth month.
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from None
