"""Verify that the names of content files keep the rules, and show all that don't at once."""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from utils.filename_rules import Breach, FilenameRules, NamingRules

HERE = Path(__file__).resolve().parent
ARTIFACT_KEY = "content-filenames"


class FilenamesError(ValueError):
    """Some names break the rules; the message lists every one of them."""


@flow
def content_filenames_verification_flow(
    directory: str = "content_files",
    rules: NamingRules = NamingRules(),  # noqa: B008  # it is frozen
    include_subdirectories: bool = True,
    include_hidden: bool = False,
) -> int:
    """Verify the names of all files in a directory.

    The run leaves a table of the files as an artifact and fails if any name breaks a rule.

    Args:
        directory: Where the files are; a relative path starts at the folder of this flow.
        rules: What a name must look like.
        include_subdirectories: Whether to verify the files in subdirectories, too.
        include_hidden: Whether to verify files, too, that start with a dot or lie in such a folder.
    """
    naming = FilenameRules(rules)
    folder = HERE / directory
    files = find_files(folder, subdirectories=include_subdirectories, hidden=include_hidden)
    verdicts = {readable(file): naming.breaches(readable(file.name)) for file in files}
    create_table_artifact(
        key=ARTIFACT_KEY,
        table=table(verdicts),
        description=f"{len(verdicts)} file names in {directory}",
    )
    offending = {name: breaches for name, breaches in verdicts.items() if breaches}
    if offending:
        raise FilenamesError(report(offending, total=len(verdicts), directory=directory))
    get_run_logger().info("All %s file names in %s keep the rules", len(verdicts), directory)
    return len(verdicts)


@task
def find_files(folder: Path, *, subdirectories: bool, hidden: bool) -> list[Path]:
    """List the files in a folder, as paths from there, sorted.

    Args:
        folder: Where to look.
        subdirectories: Whether to look in the folders below, too.
        hidden: Whether to list what starts with a dot.

    Raises:
        NotADirectoryError: If there is no such folder.
    """
    if not folder.is_dir():
        what = "is not a directory" if folder.exists() else "does not exist"
        raise NotADirectoryError(
            f"The directory with the content files {what}: {folder}."
            " Create it, or set the parameter 'directory' to one that exists."
        )
    found = folder.rglob("*") if subdirectories else folder.glob("*")
    files = (path.relative_to(folder) for path in found if path.is_symlink() or path.is_file())
    return sorted(
        file for file in files if hidden or not any(part.startswith(".") for part in file.parts)
    )


def readable(path: Path | str) -> str:
    """Give a path as text that can be sent anywhere, even if its bytes are no text."""
    text = path if isinstance(path, str) else path.as_posix()
    return text.encode("utf-8", "backslashreplace").decode()


def table(verdicts: dict[str, list[Breach]]) -> list[dict[str, str]]:
    """Give one row for each rule that a file breaks, and one for each file that breaks none."""
    conforming = [
        {"file": name, "rule": "", "verdict": "ok"} for name, b in verdicts.items() if not b
    ]
    offending = [
        {"file": name, "rule": breach.rule, "verdict": breach.reason}
        for name, breaches in verdicts.items()
        for breach in breaches
    ]
    return offending + conforming


def report(offending: dict[str, list[Breach]], *, total: int, directory: str) -> str:
    """Say all that is wrong, a line for each file and rule."""
    lines = [
        f"- {name}: {breach.rule}: {breach.reason}"
        for name, breaches in offending.items()
        for breach in breaches
    ]
    head = f"{len(offending)} of {total} file names in {directory} break the rules:"
    return "\n".join([head, *lines])


if __name__ == "__main__":
    content_filenames_verification_flow()
