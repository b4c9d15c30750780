"""The hooks that a flow has for the case that its run crashes.

Prefect's worker runs them when it finds a crash by itself; where we have put one on record, it does
not. They run as there, in the worker, which loads the flow for it. (Prefect 3.8.8)
"""

from __future__ import annotations

from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.flows import load_flow_from_flow_run
from prefect.runner._hook_runner import HookRunner

from appliance.log import say


async def run_crashed_hooks(client: PrefectClient, flow_run_id: UUID) -> None:
    """Run the hooks of a run whose crash is on record; what fails is said, and not raised."""
    try:
        flow_run = await client.read_flow_run(flow_run_id)
    except httpx.HTTPError as error:
        say(f"no hooks of flow run {flow_run_id} were run: {error}", "WARNING")
        return
    if flow_run.state is not None:
        hooks = HookRunner(resolve_flow=load_flow_from_flow_run)
        await hooks.run_crashed_hooks(flow_run, flow_run.state)
