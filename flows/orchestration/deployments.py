"""The deployments: those of ``prefect.yaml``, and one of each station for every other market in ``params/``.

A market that is its one file, as `footfall new` writes it, so needs no entry there. One whose clock stands still has no
schedule: its days are run by hand.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flows.settings import ROOT, home, params_folder
from footfall.errors import UsageProblem
from footfall.market_file import market_names, read_market
from footfall.params import Market

SCHEDULES = {"train": "monthly", "predict": "daily", "review": "after-predict"}  # by their names in prefect.yaml
DOES = {
    "train": "Backtest the candidates on the market's figures; what passes the gate becomes champion.",
    "predict": "The champion's forecast of the market's next days, published.",
    "review": "What was published against what happened; a model that has decayed is trained at once.",
}


def prefect_file() -> Path:
    """A file for ``prefect deploy --all --prefect-file``: what is written in prefect.yaml, and what the markets add.

    A market whose file cannot be read keeps no other from its deployments: see `unreadable`.
    """
    yaml = YAML(typ="safe", pure=True)
    project = yaml.load(ROOT / "prefect.yaml")
    written = {entry["parameters"]["market"] for entry in project["deployments"]}
    markets = [market for name, market in _markets().items() if name not in written and isinstance(market, Market)]
    project["deployments"] += [
        _deployment(market, station, project["definitions"]) for market in markets for station in SCHEDULES
    ]
    path = home() / "deployments.yaml"
    yaml.dump(project, path)
    return path


def unreadable() -> dict[str, str]:
    """The markets that have no deployment of their own, since their file cannot be read, and what is wrong with it."""
    return {name: str(problem) for name, problem in _markets().items() if isinstance(problem, UsageProblem)}


def _markets() -> dict[str, Market | UsageProblem]:
    found: dict[str, Market | UsageProblem] = {}
    for name in market_names(params_folder()):
        try:
            found[name] = read_market(params_folder(), name)
        except UsageProblem as problem:
            found[name] = problem
    return found


def _deployment(market: Market, station: str, definitions: dict[str, Any]) -> dict[str, Any]:
    stands_still = market.data.as_of is not None
    schedules = [] if stands_still else definitions[SCHEDULES[station]]
    return {
        "name": market.name,
        "entrypoint": f"flows/{station}.py:{station}",
        "description": DOES[station],
        "parameters": {"market": market.name},
        "schedules": [{**schedule, "timezone": market.data.timezone} for schedule in schedules],
        "work_pool": definitions["pool"],
    }
