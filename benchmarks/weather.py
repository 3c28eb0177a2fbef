"""What the weather is worth on tills of one's own: the error of a model that takes it in, beside the same without.

python -m benchmarks.weather ../shared/data/own

Of the last two years every day is an origin but for the first year, 1 to 7 days ahead, no lag, open days. The files
have the weather as it was, not as it was foreseen. So it is measured twice: *forecast-like*, each day's weather made
the less right the farther ahead it is foreseen, by chance; and by an *oracle*, who foresees it as it came and believes
it on all seven days. What a gate decides rests on the former: the best of the middle origins, judged on the newest.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.many import check
from footfall.calendar import country_of
from footfall.evaluation import gate
from footfall.evaluation.backtest import backtest
from footfall.evaluation.rolling import roll
from footfall.models import KindOfDay, LastYearsTurn, LogLevel, SeasonalNaive, WeekdaySmoother, weather
from footfall.models.weather import Weather, WithWeather
from footfall.series import DAY, WEEK
from footfall.units import COUNT

MOST, YEAR, DRAWS, WETTEST, MARGIN = 2 * 365, 365, 5, 0.85, 0.02  # days, days, draws of chance, quantile, of the gate
RIGHT = (1.0, 0.92, 0.87, 0.80, 0.72, 0.63, 0.50, 0.40)  # share of days whose rain is foreseen, by days ahead
OFF = (0.0, 1.0, 1.3, 1.7, 2.2, 2.7, 3.2, 3.6)  # °C, how far the temperature is off
NEAR = 15  # days, from which a rain that was not foreseen is drawn
NAIVE, PLAIN, OWN = "seasonal naive", "steady", "steady, weather"
Place = tuple[str, pd.Series, pd.DataFrame]  # location, counts, and the weather of each day: rain_mm, temperature


def main() -> None:
    """Print the ratio of the error with the weather to that without, of each place, and what the gate decides."""
    folder = Path(sys.argv[1])
    check(folder, "stuttgart_restaurant.csv")
    rows = {}
    for location, y, days in _places(folder):
        draws = [_ratios(location, y, days, issued(days, draw)) for draw in range(DRAWS)]
        columns = {"forecast-like": pd.DataFrame(draws).mean(), "oracle": _of_oracle(location, y, days)}
        rows[location] = pd.concat(columns)
        print(location, rows[location].round(3).to_dict(), _decided(location, y, issued(days, 0)), flush=True)
    print("\nMAE with the weather as a share of that without\n", pd.DataFrame(rows).T.round(3).to_string(), sep="\n")


def _places(folder: Path) -> Iterator[Place]:
    if (folder / "stuttgart_restaurant.csv").exists():
        rows = pd.read_csv(folder / "stuttgart_restaurant.csv", parse_dates=["date"], index_col="date").asfreq("D")
        yield _place("DE-BW/restaurant", rows["dishes"].mask(rows["is_closed"] == 1), rows)
    if (folder / "bakeries_weather.csv").exists():
        of_day = pd.read_csv(folder / "bakeries_weather.csv", parse_dates=["date"]).groupby("date").mean()
        sold = pd.read_csv(folder / "bakeries_daily.csv", parse_dates=["date"])
        for site, rows in sold.groupby("site"):
            yield _place(f"DE/{site}", rows.set_index("date")["sold"].asfreq("D"), of_day)


def _place(location: str, values: pd.Series, days: pd.DataFrame) -> Place:
    y = values.where(values > 0).astype(float).rename(COUNT)[-MOST:]
    y = y[y.first_valid_index() :]
    return location, y, days.reindex(y.index)[["rain", "temperature"]].set_axis(["rain_mm", "temperature"], axis=1)


def issued(days: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
    """The weather as it might have been issued; without a seed as it came.

    Parameters
    ----------
    days : DataFrame
        ``rain_mm`` and ``temperature`` of each day.
    seed : int, optional
        Of what was foreseen wrongly.
    """
    random, tables = np.random.default_rng(seed), []
    for lead in range(len(RIGHT)):
        table = days.rename_axis("date").reset_index().assign(lead=lead, issued=days.index - lead * DAY)
        if seed is not None and lead:
            is_right, other = random.random(len(days)) < RIGHT[lead], random.integers(-NEAR, NEAR + 1, len(days))
            some = days["rain_mm"].to_numpy()[np.clip(np.arange(len(days)) + other, 0, len(days) - 1)]
            amount = days["rain_mm"] * np.exp(random.normal(0, 0.2 + 0.1 * lead, len(days)))
            table["rain_mm"] = np.where(is_right, amount, some)
            table["temperature"] += random.normal(0, OFF[lead], len(days))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _candidates(location: str, table: pd.DataFrame) -> dict[str, object]:
    country = country_of(location)
    front = LogLevel() * KindOfDay(country) * LastYearsTurn()
    plain = front * WeekdaySmoother(level=0.1, season=0.1, trend=0.0)
    return {PLAIN: plain, OWN: WithWeather(country, plain, Weather(table))}


def _ratios(location: str, y: pd.Series, days: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """Error with the weather as a share of that without: of all days, of the wettest and of the others."""
    origins = pd.date_range(y.index[YEAR], y.index[-1] - WEEK * DAY)
    rows = backtest(_candidates(location, table), y, origins, WEEK, lag=0)
    error = (rows["mean"] - rows["actual"]).abs()
    rain = days["rain_mm"].reindex(rows["date"]).to_numpy()
    is_wet = rain >= days["rain_mm"][origins[0] :].quantile(WETTEST)
    kinds = {"all": np.ones(len(rows), bool), "wettest 15 %": is_wet, "others": ~is_wet}
    mean = {kind: error[chosen].groupby(rows["candidate"]).mean() for kind, chosen in kinds.items()}
    return pd.Series({kind: each[OWN] / each[PLAIN] for kind, each in mean.items()})


def _of_oracle(location: str, y: pd.Series, days: pd.DataFrame) -> pd.Series:
    believed, weather.BY_LEAD = weather.BY_LEAD, np.ones(len(RIGHT))
    ratios = _ratios(location, y, days, issued(days))
    weather.BY_LEAD = believed
    return ratios


def _decided(location: str, y: pd.Series, table: pd.DataFrame) -> str:
    """Who is chosen of the three, and what the gate says of it."""
    past = roll({(location, COUNT): y}, {NAIVE: SeasonalNaive(), **_candidates(location, table)}, YEAR // 2, WEEK, 0)
    chosen, verdict = past.leaderboard("selection").index[0], past.leaderboard("report")
    kept = gate.by_weather(past.scores, verdict, chosen)
    decision = gate.judge(verdict, kept, NAIVE, "", MARGIN, len(y), 0, 0.0, 1.0)
    better = verdict.loc[OWN, "WIS"] / verdict.loc[PLAIN, "WIS"]
    return f"chosen {chosen}, kept {kept}, passed {decision.passed}; newest WIS {better:.3f} with to without"


if __name__ == "__main__":
    main()
