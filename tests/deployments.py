"""A market's own deployment on the Prefect server."""

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
