"""Register every deployment of a git branch on a Prefect server: the route for build pipelines.

    python deployments/deploy_all_from_git.py --repository URL --branch BRANCH

The deployments are those of `deployments/*.yaml` in that branch, so that there is one list of
them. Their runs clone the branch. The server is the one that PREFECT_API_URL names;
PREFECT_API_AUTH_STRING is the password, if it asks for one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL

# Run as a script, only this file's own folder is on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from deployments.deployments_utils import (
    DeployError,
    build,
    read_deployments,
    register,
    require_work_pools,
)
from deployments.git_source import TOKEN_VARIABLE, GitSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from prefect.client.orchestration import PrefectClient

UNAUTHORIZED = {401, 403}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says.

    Returns:
        The exit code: 0 if all is registered, 2 for a mistake of the user's, 1 for the world's.
    """
    options = _parser().parse_args(arguments)
    try:
        source = GitSource.parse(
            options.repository,
            options.branch,
            token_block=options.access_token_block,
            credentials_block=options.credentials_block,
        )
        asyncio.run(deploy_all(source, folder=options.folder, work_pool=options.work_pool))
    except DeployError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


async def deploy_all(source: GitSource, *, folder: str, work_pool: str | None) -> None:
    """Register what a branch declares, all of it or nothing that isn't understood.

    Args:
        source: The branch.
        folder: The folder in the repository that holds the files of deployments.
        work_pool: The pool to use instead of the ones that the files name.

    Raises:
        DeployError: If anything is wrong that the user can mend.
    """
    async with _server() as client:
        token = await _token(source, client)
        with tempfile.TemporaryDirectory(prefix="deploy-") as directory:
            clone = source.clone(Path(directory) / "clone", token=token)
            # A run starts in the clone, too: flows may lean on that when they are imported.
            with contextlib.chdir(clone.path):
                declared = await read_deployments(clone.path, folder, client)
                for deployment in declared:
                    deployment.work_pool.name = work_pool or deployment.work_pool.name
                await require_work_pools(declared, client)
                origin = f"{source.branch}@{clone.commit[:7]}"
                for made in await build(declared, clone):
                    outcome = await register(made, client)
                    sys.stdout.write(
                        f"{outcome.change} {outcome.name} (pool {made.work_pool_name},"
                        f" schedules: {outcome.schedules}) from {origin}\n"
                    )


@contextlib.asynccontextmanager
async def _server() -> AsyncIterator[PrefectClient]:
    url = PREFECT_API_URL.value()
    if not url:
        raise DeployError(
            "No server is named: set the environment variable PREFECT_API_URL,"
            " for example to http://127.0.0.1:4200/api."
        )
    try:
        async with get_client() as client:
            await client.api_version()
            yield client
    except PrefectHTTPStatusError as error:
        if error.response.status_code in UNAUTHORIZED:
            given = "is not the right one" if PREFECT_API_AUTH_STRING.value() else "is not set"
            raise DeployError(
                f"The server at {url} refuses us: the environment variable PREFECT_API_AUTH_STRING"
                f" {given}. Set it to user:password."
            ) from None
        raise DeployError(
            f"The server at {url} answers {error.response.status_code} to"
            f" {error.request.method} {error.request.url.path}: check PREFECT_API_URL, which ends"
            " in /api, and the server's log."
        ) from None
    except httpx.HTTPError as error:
        raise DeployError(
            f"The server at {url}, set by PREFECT_API_URL, cannot be reached: {error}. Check the"
            " address and that the server runs.",
            exit_code=1,
        ) from None
    except (httpx.InvalidURL, ValueError) as error:
        raise DeployError(
            f"What answers at {url}, set by PREFECT_API_URL, is not Prefect's API ({error}):"
            " check the address; it ends in /api."
        ) from None


async def _token(source: GitSource, client: PrefectClient) -> str | None:
    """Give the token for our own clone: from the environment, or what the runs will use."""
    if token := os.environ.get(TOKEN_VARIABLE):
        return token
    if source.token_block is None:
        return None
    try:
        block: Secret[str] = await Secret.aload(source.token_block, client=client)
    except ValueError:
        raise DeployError(
            f"The server has no Secret block {source.token_block!r}, set by --access-token-block:"
            " create it, or name one that exists."
        ) from None
    return str(block.get())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Register every deployment of a git branch on the server that the environment"
        " variable PREFECT_API_URL names (its password: PREFECT_API_AUTH_STRING).",
        epilog=f"A token never stands in an argument: {TOKEN_VARIABLE} in the environment is for"
        " the clone that this script makes, a block on the server for those that the runs make.",
    )
    parser.add_argument("--repository", required=True, help="the git repository: a URL or a path")
    parser.add_argument("--branch", required=True, help="the branch that runs shall clone")
    parser.add_argument("--work-pool", help="use this work pool, not those that the files name")
    parser.add_argument(
        "--folder", default="deployments", help="where the files are (default: %(default)s)"
    )
    credentials = parser.add_mutually_exclusive_group()
    credentials.add_argument(
        "--access-token-block", metavar="NAME", help="a Secret block with the token for the runs"
    )
    credentials.add_argument(
        "--credentials-block",
        metavar="TYPE/NAME",
        help="a block with git credentials for the runs, like github-credentials/ours",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
