"""A market's own deployment on the Prefect server, and runs of it that are due."""

import datetime as dt

from flows.settings import POOL


def deployment(client, market, cron="0 6 * * *", station="predict", parameters=None):
    """A deployment of a flow, of predict if none is named, for a market, scheduled daily."""
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule

    from flows.orchestration import deployments

    deployments.arrange_pool()
    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron=cron, timezone="Europe/Lisbon"), active=True)
    flow = client.create_flow_from_name(station)
    return client.create_deployment(
        flow, market, parameters=parameters or {"market": market}, schedules=[schedule], work_pool_name=POOL,
        entrypoint=f"flows/{station}.py:{station}",
    )  # fmt: skip


def missed(client, deployment_id, days):
    """The runs that the server's own scheduler would have made for the past days, oldest first."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
    from prefect.client.schemas.sorting import FlowRunSort

    now = dt.datetime.now(dt.UTC)
    span = {"start_time": (now - dt.timedelta(days=days)).isoformat(), "end_time": now.isoformat(), "min_runs": 50}
    client.request("POST", f"/deployments/{deployment_id}/schedule", json=span).raise_for_status()
    mine = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]))
    found = client.read_flow_runs(flow_run_filter=mine, sort=FlowRunSort.EXPECTED_START_TIME_ASC)
    return [run for run in found if run.expected_start_time <= now]
