"""The work pool that deployments wait in, one run at a time."""

from prefect.client.schemas.actions import WorkPoolCreate
from prefect.workers.process import ProcessWorker

from flows.orchestration.client import answering
from flows.settings import POOL


def arrange() -> None:
    """Put the pool on the server, or set the one that is there to what it shall be; what waits in it stays.

    Raises
    ------
    EnvironmentProblem
        If the server is away, or fails.
    """
    template = ProcessWorker.get_default_base_job_template()
    with answering() as client:
        pool = WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template, concurrency_limit=1)
        client.create_work_pool(pool, overwrite=True)
