"""What if: the published week once more, with days closed, events or rain supposed; on record, and never published."""

from typing import Any

import pandas as pd

from flows.predict import of_prediction
from flows.sources.weather import is_of_weather
from flows.station import artifacts
from flows.station.champion import candidate, take_champion
from flows.station.run import Run, after_record, log, recorded, run_notebook
from flows.station.snapshot import take_again
from flows.station.station_flow import station_flow
from flows.station.weather import take_weather_again
from flows.storage import forecasts
from flows.storage.bucket import connect
from footfall.digest import sha256_of
from footfall.errors import UsageProblem
from footfall.page.lines import read_shown
from footfall.scenario import Scenario
from footfall.series import site_of

Weeks = tuple[pd.DataFrame, pd.DataFrame]  # published and supposed, as `footfall.forecast.tabulate` has them


@station_flow
async def whatif(market: str, scenario: dict[str, Any]) -> Weeks:
    """Forecast the days of the published forecast anew, from its own figures, as a scenario has them.

    Parameters
    ----------
    market
        As in `flows.station.run.market_as_of`.
    scenario : dict
        Fields of a `footfall.scenario.Scenario` that was checked.

    Raises
    ------
    UsageProblem
        If nothing is published yet, or not by today's champion, or the scenario is of other days, or of rain where no
        weather is known.
    """
    supposed, latest = Scenario(**scenario), forecasts.latest(connect(), market, "forecast.parquet")
    if latest is None:
        raise UsageProblem(f"{market} has no published forecast yet; make one: footfall run {market}")
    published = read_shown(latest.files["forecast.parquet"])
    supposed.check_days(published)
    as_many = {"predict.horizon": int(published["horizon"].max())}  # days, whatever the market's file says by now
    with recorded("whatif", market, latest.pointer["as_of"], as_many, scenario=str(supposed)) as run:
        take_again(run, latest.manifest["about"])  # else events entered since would look like what is supposed
        run.events = supposed.on_events(run.events, str(run.as_of), site_of(run.market.data.location))
        weather = take_weather_again(run, latest.manifest["about"])
        take_champion(run)
        made_by, now = latest.manifest["about"]["model_version"], run.facts.get("model_version")
        if made_by != now:  # then what differs would be the models' as well
            raise UsageProblem(f"the published week is by {made_by}, the champion is {now}: footfall predict {market}")
        if supposed.rain:
            _suppose_rain(run, supposed, weather)
        run_notebook(run, of_prediction(run, weather, ""))
    with after_record(run):
        after = read_shown((run.folder / "out" / "forecast" / "forecast.parquet").read_bytes())
        for sentence in supposed.unmoved(published, after, _days_of_weather(run, weather)):
            log().info(sentence)
        await artifacts.present(run, f"what if {supposed}")
    return published, after


def _days_of_weather(run: Run, weather: str) -> list[str] | None:
    """The days that the run's champion knows a weather of; None of one that looks at none."""
    if not is_of_weather(candidate(run)):
        return None
    return [str(day)[:10] for day in pd.read_parquet(run.folder / weather)["date"]] if weather else []


def _suppose_rain(run: Run, supposed: Scenario, weather: str) -> None:
    if not weather:
        sentence = f"the forecast of {run.market.name} as of {run.as_of} was made without weather"
        raise UsageProblem(f"--rain: {sentence}; its file needs `weather:`, see resources/operating.md")
    path = run.folder / weather
    path.write_bytes(supposed.on_weather(pd.read_parquet(path)).to_parquet(index=False))
    run.facts["weather"] = sha256_of(path)
