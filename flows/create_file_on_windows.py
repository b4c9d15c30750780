"""Create a file on Windows. Anywhere else the run fails, and says why."""

from __future__ import annotations

import platform
from pathlib import Path

from prefect import flow, get_run_logger


class WrongSystemError(RuntimeError):
    """The flow runs on a system that it isn't made for."""


# Another attempt would meet the same system: it can only fail again.
@flow(retries=0)
def create_file_on_windows(
    path: str = r"C:\Users\Public\created-by-prefect.txt",
    content: str = "Created by a Prefect flow.\n",
    overwrite: bool = False,
) -> str:
    """Create a text file; needs a worker on Windows.

    Args:
        path: Where to create the file. Missing folders above it are created, too.
        content: What to write, as UTF-8.
        overwrite: Whether to replace a file that exists already.
    """
    require_windows()
    created = create_file(Path(path), content, overwrite=overwrite)
    get_run_logger().info("Created %s (%s bytes)", created, created.stat().st_size)
    return str(created)


def require_windows() -> None:
    """Refuse to go on where this is not Windows.

    Raises:
        WrongSystemError: If it isn't; names the system that it is.
    """
    system = platform.system()
    if system != "Windows":
        raise WrongSystemError(
            f"This flow needs Windows, but it ran on {system or 'an unknown system'}"
            f" {platform.release()} (host {platform.node()}). Run it with a worker on Windows: give"
            " its deployment a work pool that only such workers serve."
        )


def create_file(path: Path, content: str, *, overwrite: bool) -> Path:
    """Write a text file and its missing parent folders.

    Args:
        path: An absolute path.
        content: What to write; line ends are written as the system has them.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The path of the file.

    Raises:
        ValueError: If the path is relative.
        FileExistsError: If the file exists and must not be replaced.
    """
    if not path.is_absolute():
        raise ValueError(
            f"The path {str(path)!r} is relative, and nobody knows where a worker runs:"
            r" set the parameter 'path' to an absolute one, such as C:\Users\Public\file.txt."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise FileExistsError(
            f"{path} exists already: set the parameter 'overwrite' to replace it."
        ) from None
    return path


if __name__ == "__main__":
    try:
        create_file_on_windows()
    except WrongSystemError as error:
        raise SystemExit(str(error)) from None
