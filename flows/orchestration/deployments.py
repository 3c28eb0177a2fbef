"""The deployments: those of ``prefect.yaml``, and one of each station for every other market in ``params/``.

A market that is its one file, as `footfall new` writes it, so needs no entry there. Its stations wait for a person; by
schedule ``daily/all`` runs it among the others of its zone, see `flows.daily`, unless its clock stands still.
"""

from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.workers.process import ProcessWorker
from ruamel.yaml import YAML

from flows.orchestration import alerts
from flows.orchestration.client import answering
from flows.settings import POOL, ROOT, home, params_folder
from footfall.errors import UsageProblem
from footfall.market_file import market_names, read_markets
from footfall.params import Data, Market

DAILY = "all"
FILE = "deployments.yaml"
DOES = {
    "train": "Backtest the candidates on the market's figures; what passes the gate becomes champion.",
    "predict": "The champion's forecast of the market's next days, published.",
    "review": "What was published against what happened; a model that has decayed is trained at once.",
}


def arrange_pool() -> None:
    """Put the work pool that they wait in on the server, one run at a time, or set the one that is there to that."""
    template = ProcessWorker.get_default_base_job_template()
    with answering() as client:
        pool = WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template, concurrency_limit=1)
        client.create_work_pool(pool, overwrite=True)


def prefect_file() -> Path:
    """A file for ``prefect deploy --all --prefect-file``: what is written in prefect.yaml, and what the markets add.

    A market whose file cannot be read keeps no other from its deployments: see `unreadable`.
    """
    project = _project()
    pool, schedules = project["definitions"]["pool"], project["definitions"]["daily"]
    by_hand = [_deployment(market.name, station, pool) for market in _others(project) for station in DOES]
    project["deployments"] += [*by_hand, _daily(pool, schedules)]
    path = home() / FILE
    YAML(typ="safe", pure=True).dump(project, path)
    return path


def drop_schedules() -> None:
    """Take from the server the schedules of our deployments that have none in the file: `prefect deploy` leaves them.

    Such are stations that wait for a person by now, markets that were removed, and ``daily/all`` without a market.
    """
    entries = YAML(typ="safe", pure=True).load(home() / FILE)["deployments"]
    scheduled = {(entry["entrypoint"], entry["name"]) for entry in entries if entry.get("schedules")}
    with answering() as client:
        for deployment in _deployed(client):
            if (deployment.entrypoint, deployment.name) not in scheduled:
                for entry in deployment.schedules:
                    client.delete_deployment_schedule(deployment.id, entry.id)


def scheduled() -> set[str]:
    """The markets that the server runs by schedule, on their own or among the others of their zone."""
    markets, zones = set[str](), by_zone()
    with answering() as client:
        for deployment in _deployed(client):
            for entry in (each for each in deployment.schedules if each.active):
                asks = deployment.parameters | entry.parameters
                markets |= {asks["market"]} if "market" in asks else set(zones.get(asks.get("timezone", ""), []))
    return markets


def _deployed(client: SyncPrefectClient) -> list[DeploymentResponse]:
    """Ours of the deployments on the server."""
    deployed, ours = list[DeploymentResponse](), {f"flows/{flow}.py:{flow}" for flow in (*DOES, "daily")}
    while page := client.read_deployments(offset=len(deployed)):
        deployed += page
    return [each for each in deployed if each.entrypoint in ours]


def close_alerts() -> None:
    """Close what is open of markets that were removed or have another name: no run of theirs will."""
    for cause in alerts.opened():
        if cause["market"] not in market_names(params_folder()):
            alerts.close(cause["market"], cause["cause"])


def is_shared(market: str, data: Data) -> bool:
    """Whether ``daily/all`` runs a market: it has no entry of its own, and its clock runs."""
    return data.as_of is None and market not in _written(_project())


def by_zone() -> dict[str, list[str]]:
    """The markets that ``daily/all`` runs, by the zone of their clock: those without an entry of their own."""
    zones: dict[str, list[str]] = {}
    for market in _others(_project()):
        if market.data.as_of is None:
            zones.setdefault(market.data.timezone, []).append(market.name)
    return zones


def unreadable() -> dict[str, str]:
    """The markets without an entry of their own whose file cannot be read, and what is wrong with it."""
    written, markets = _written(_project()), read_markets(params_folder())
    return {name: str(each) for name, each in markets.items() if isinstance(each, UsageProblem) and name not in written}


def _project() -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(ROOT / "prefect.yaml"))


def _written(project: dict[str, Any]) -> set[str]:
    return {entry["parameters"]["market"] for entry in project["deployments"]}


def _others(project: dict[str, Any]) -> list[Market]:
    """The markets that are not written in prefect.yaml, as far as their files can be read."""
    written, markets = _written(project), read_markets(params_folder())
    return [market for name, market in markets.items() if name not in written and isinstance(market, Market)]


def _deployment(market: str, station: str, pool: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": market,
        "entrypoint": f"flows/{station}.py:{station}",
        "description": DOES[station],
        "parameters": {"market": market},
        "schedules": [],
        "work_pool": pool,
    }


def _daily(pool: dict[str, Any], schedules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": DAILY,
        "entrypoint": "flows/daily.py:daily",
        "description": "The markets that have no schedule of their own, one by one: train if due, predict, review.",
        "schedules": [
            {**schedule, "timezone": zone, "parameters": {"timezone": zone}}
            for schedule in schedules for zone in sorted(by_zone())
        ],
        "work_pool": pool,
    }  # fmt: skip
