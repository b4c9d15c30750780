"""Which file names are allowed, and what is wrong with one that isn't."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NamingRules(BaseModel):
    """The rules that a file's name must keep. Each can be switched off by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str | None = Field(
        default=r"[a-z0-9]+([_-][a-z0-9]+)*",
        description="Regular expression that the whole name without its extension must match.",
    )
    extensions: list[str] | None = Field(
        default=[".csv", ".json", ".md", ".txt", ".yaml"],
        description="The extensions that are allowed; an empty one allows files without any.",
    )
    max_length: int | None = Field(
        default=64, ge=1, description="How many characters a name may have, extension included."
    )
    allow_spaces: bool = Field(default=False, description="Whether a name may contain blanks.")
    case: Literal["lower", "upper", "any"] = Field(
        default="lower", description="Which letters a name may consist of."
    )


class Breach(BaseModel):
    """One rule that one name breaks.

    Attributes:
        rule: The rule, as it is called in `NamingRules`.
        reason: What is wrong, for somebody who must rename the file.
    """

    rule: str
    reason: str


class FilenameRules:
    """Naming rules, ready to be applied to many names.

    Args:
        rules: The rules as the user gave them.

    Raises:
        ValueError: If the pattern is not a regular expression.
    """

    def __init__(self, rules: NamingRules) -> None:
        self._rules = rules
        self._pattern = _compiled(rules.pattern) if rules.pattern is not None else None
        self._extensions = (
            {_dotted(extension) for extension in rules.extensions}
            if rules.extensions is not None
            else None
        )

    def breaches(self, name: str) -> list[Breach]:
        """Say every rule that the name breaks; none means that it conforms."""
        rules, path = self._rules, PurePath(name)
        found: list[Breach] = []

        def breach(rule: str, reason: str) -> None:
            found.append(Breach(rule=rule, reason=reason))

        if self._pattern is not None and not self._pattern.fullmatch(path.stem):
            breach("pattern", f"{path.stem!r} does not match {self._pattern.pattern}")
        if self._extensions is not None and path.suffix not in self._extensions:
            allowed = ", ".join(sorted(extension or "none" for extension in self._extensions))
            breach("extensions", f"{path.suffix or 'no extension'} is not among {allowed or '-'}")
        if rules.max_length is not None and len(name) > rules.max_length:
            breach("max_length", f"{len(name)} characters, {rules.max_length} are allowed")
        if not rules.allow_spaces and re.search(r"\s", name):
            breach("allow_spaces", "contains blanks")
        if rules.case == "lower" and name != name.lower():
            breach("case", "contains upper-case letters")
        if rules.case == "upper" and name != name.upper():
            breach("case", "contains lower-case letters")
        return found


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"The naming rule 'pattern' is not a regular expression: {pattern!r}: {error}."
            " Correct it in the parameter 'rules'."
        ) from None


def _dotted(extension: str) -> str:
    return extension if not extension or extension.startswith(".") else f".{extension}"
