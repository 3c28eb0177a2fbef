"""A market's own deployment on the Prefect server."""

from flows.settings import POOL


def deployment(client, market, cron="0 6 * * *"):
    """A deployment of the predict flow for a market, scheduled daily."""
    from prefect.client.schemas.actions import DeploymentScheduleCreate
    from prefect.client.schemas.schedules import CronSchedule

    from flows.orchestration import pool

    pool.arrange()
    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron=cron, timezone="Europe/Lisbon"), active=True)
    flow = client.create_flow_from_name("predict")
    return client.create_deployment(
        flow, market, parameters={"market": market}, schedules=[schedule], work_pool_name=POOL,
        entrypoint="flows/predict.py:predict",
    )  # fmt: skip
