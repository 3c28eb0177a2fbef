"""What the scores say: the report card, whether the forecasts have decayed, and what a page may quote of them.

Windows are spans of days that were forecast, up to the last one known; every horizon of every such day counts.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from footfall import events
from footfall.outlook import USUAL
from footfall.quantiles import COVERAGES, percentage
from footfall.series import DAY, WEEK, site_of
from footfall.typical import LATELY as OF_USUAL

LATELY, QUARTER = 28, 90  # days: what the page and a run's metrics quote, and the longer view beside it
WINDOWS = (WEEK, LATELY, QUARTER)
COVERS = [percentage(coverage) for coverage in COVERAGES]
METRICS = ["days", "forecasts", "MAE", "naive_MAE", "skill", "WIS", *(f"cover{share}" for share in COVERS)]
HELD = "the 80 % range held {:.0%} of the days"
ENOUGH = 0.75  # share of a window that its scored days must span before it is judged

EVENT = "event"  # the kind of a day that had one of the owner's


class Decay(NamedTuple):
    """Whether the forecasts left their band, why in plain words, the last window's metrics, the first day outside."""

    decayed: bool
    reason: str
    figures: dict[str, float | None]
    since: str | None


def accuracy(scores: pd.DataFrame) -> dict[str, float]:
    """How good some scored forecasts were.

    Parameters
    ----------
    scores : DataFrame
        Rows of a table of scores, see `footfall.evaluation.scores`.

    Returns
    -------
    dict
        ``days`` forecast and ``forecasts`` of them; ``MAE``, ``naive_MAE`` and ``WIS``, see `in_one_unit`;
        ``skill``, the share of the naive forecast's error that was saved on the same days; ``cover50`` …, the share
        of days inside each range. NaN where nothing is known.
    """
    scores = in_one_unit(scores)
    own, naive = scores["error"].abs(), scores["naive_error"].abs()
    mean = float(naive.mean())
    return {
        "days": scores["target_end_date"].nunique(), "forecasts": len(scores),
        "MAE": float(own.mean()), "naive_MAE": mean, "WIS": float(scores["WIS"].mean()),
        "skill": 1 - float(own[naive.notna()].mean()) / mean if mean else np.nan,
        **{f"cover{share}": float(scores[f"covered{share}"].mean()) for share in COVERS},
    }  # fmt: skip


def in_one_unit(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores whose errors can be added up: of several series in the unit of one of median size.

    A large place, or the nonsense of one, would else be all that counts. A series' size is its mean error or the naive
    forecast's, the larger: of one whose till is stuck the naive errs by nothing, of which every error is a multiple
    without bound. Of one series they are in its own unit, as they were. Days that were said to be closed have no error,
    and are left out.
    """
    scores = scores.dropna(subset="error")
    series = [scores["location"], scores["target"]]
    size = scores[["error", "naive_error"]].abs().groupby(series).transform("mean").max(axis=1).replace(0, np.nan)
    if size.nunique() < 2:
        return scores
    weight = (size.groupby(series).first().median() / size).fillna(1.0)
    return scores.assign(**{name: scores[name] * weight for name in ("error", "naive_error", "WIS")})


def with_events(scores: pd.DataFrame, closures: dict[str, Any]) -> pd.DataFrame:
    """The scores, of the kind `EVENT` on days that had one of the owner's: told apart, they call for no training.

    Not where nearly every week had one: with music on every Friday that is what Fridays are.

    Parameters
    ----------
    scores : DataFrame
        A table of scores.
    closures : dict
        What the owner says of days, see `footfall.events.among`.
    """
    kind = scores["kind"].copy()
    for location, day in scores.groupby("location")["target_end_date"]:
        days, its_events = pd.DatetimeIndex(day), events.among(closures, site_of(str(location))).get("events", ())
        every = pd.Series(1.0, pd.date_range(days.min() - OF_USUAL * DAY, days.max()))
        kind[day.index[events.without_odd_days(every, its_events)[days].isna()]] = EVENT
    return scores.assign(kind=kind)


def by_series(scores: pd.DataFrame) -> pd.DataFrame:
    """`accuracy` of each series, that of least skill first."""
    rows = {key: accuracy(part) for key, part in scores.groupby(["location", "target"])}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=METRICS).sort_values("skill", kind="stable")
    return table.rename_axis(["location", "target"]) if len(table) else table


def last_days(scores: pd.DataFrame, as_of: dt.date | str, days: int) -> pd.DataFrame:
    """The scores of the last days known by `as_of`."""
    day = pd.to_datetime(scores["target_end_date"])
    end = day[day <= pd.Timestamp(as_of)].max()
    return scores[(day <= end) & (day > end - days * DAY)]


def report_card(scores: pd.DataFrame, as_of: dt.date | str) -> pd.DataFrame:
    """Accuracy over the last 7, 28 and 90 days: of all forecasts, by horizon and by kind of day.

    Returns
    -------
    DataFrame
        Columns ``window``, ``by`` (``all``, ``horizon`` or ``kind``), ``of`` and those of `accuracy`.
    """
    rows = [
        {"window": days, "by": by, "of": of, **accuracy(part)}
        for days in WINDOWS
        for by, of, part in _parts(last_days(scores, as_of, days))
    ]
    return pd.DataFrame(rows)[["window", "by", "of", *METRICS]]


def _parts(scores: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "all", "", scores
    for by in ("horizon", "kind"):
        yield from ((by, str(of), part) for of, part in scores.groupby(by))


def drift(scores: pd.DataFrame, window: int, least_skill: float, least_cover: float, most_cover: float) -> Decay:
    """Whether the forecasts of the last days were as good as they should be.

    Parameters
    ----------
    scores : DataFrame
        A table of scores, up to the day that is looked back from.
    window : int
        Days forecast that are judged together; not judged before the scored ones span three quarters of them, one a
        week at the least: a place that rests two days a week has no more than 30 of 42.
    least_skill : float
        Share of the naive forecast's error that must be saved.
    least_cover, most_cover : float
        Band for the share of days inside the 80 % range.

    Returns
    -------
    Decay
        ``since`` is the first day of those, up to the last one known, on which the window left its band. Several series
        are judged together; its reason names those that are outside by themselves, too.
    """
    band = least_skill, least_cover, most_cover
    decay = _judged(scores, window, *band)
    if not decay.figures:  # too early to tell
        return decay
    end = pd.to_datetime(scores.dropna(subset="error")["target_end_date"]).max()
    each = _by_series(last_days(scores, end, window))
    is_judged = (each["span"] >= ENOUGH * window) & (each["days"] >= window // WEEK)
    broken = {key: _broken(row, *band) for key, row in each[is_judged].sort_values("skill").iterrows()}
    outside = {key: why for key, why in broken.items() if why}
    reason = f"{decay.reason}; over the {window} days to {end:%Y-%m-%d}"
    if outside and len(each) > 1:
        (location, target), why = next(iter(outside.items()))
        worst = f"{site_of(location) or location} {target}: {'; '.join(why)}"
        reason += f"; by itself outside its band: {len(outside)} of {len(each)} series, such as {worst}"
    return decay._replace(reason=reason)


def _by_series(scores: pd.DataFrame) -> pd.DataFrame:
    """Of each series skill and coverage of the same days, how many these are and how many they span."""
    known, day = scores["naive_error"].notna(), pd.DatetimeIndex(scores["target_end_date"])
    parts = {"own": scores["error"].abs().where(known), "naive": scores["naive_error"].abs(),
             "cover80": scores["covered80"], "day": day.where(scores["error"].notna())}  # fmt: skip
    of_series = pd.DataFrame(parts).groupby([scores["location"], scores["target"]])
    own, naive, days = of_series["own"].sum(), of_series["naive"].sum(), of_series["day"]
    span = (days.max() - days.min()).dt.days + 1
    skill, cover = 1 - own / naive.replace(0, np.nan), of_series["cover80"].mean()
    return pd.DataFrame({"skill": skill, "cover80": cover, "days": days.nunique(), "span": span})


def _broken(row: pd.Series, least_skill: float, least_cover: float, most_cover: float) -> list[str]:
    """What of skill and coverage is outside their band, in words."""
    skill, cover = float(row["skill"]), float(row["cover80"])
    broken = [f"skill is {skill:.2f}, and must be {least_skill:.2f} or more"] * (skill < least_skill)
    must_hold = f"{HELD.format(cover)}, and must hold {least_cover:.0%} to {most_cover:.0%}"
    return broken + [must_hold] * (not least_cover <= cover <= most_cover)


def _judged(scores: pd.DataFrame, window: int, least_skill: float, least_cover: float, most_cover: float) -> Decay:
    """As `drift`, of all series together."""
    rolling = _rolling(scores, window)
    is_judged = (rolling.pop("span") >= ENOUGH * window) & (rolling["days"] >= window // WEEK)
    if rolling.empty or not is_judged.iloc[-1]:
        scored = int(rolling["days"].iloc[-1]) if len(rolling) else 0
        return Decay(False, f"too early to tell: {scored} of the last {window} days are scored", {}, None)
    unskilled, off = rolling["skill"] < least_skill, ~rolling["cover80"].between(least_cover, most_cover)
    last, since = rolling.iloc[-1], _since((unskilled | off) & is_judged)
    broken = _broken(last, least_skill, least_cover, most_cover)
    good = f"within its band: skill {last['skill']:.2f}, {HELD.format(last['cover80'])}"
    reason = "; ".join(broken) or good
    return Decay(bool(broken), reason, to_records(rolling.tail(1))[0], f"{since:%Y-%m-%d}" if broken else None)


def _rolling(scores: pd.DataFrame, window: int) -> pd.DataFrame:
    """Skill and coverage of the window that ends on each day, and how many days its scored ones span."""
    scores = in_one_unit(scores)
    own, held = scores["error"].abs().where(scores["naive_error"].notna()), scores["covered80"]
    parts = {"own": own, "naive": scores["naive_error"].abs(), "held": held, "forecasts": held.notna().astype(float)}
    sums = pd.DataFrame(parts).groupby(pd.DatetimeIndex(scores["target_end_date"])).sum()
    daily = sums.assign(days=1.0).asfreq("D", fill_value=0.0)
    total = daily.rolling(window, min_periods=1).sum().round(6)  # what was added and taken off again leaves a trace
    skill, cover = 1 - total["own"] / total["naive"].replace(0, np.nan), total["held"] / total["forecasts"]
    number = pd.Series(np.arange(len(daily)), daily.index)
    span = number - number.where(daily["days"] > 0).rolling(window, min_periods=1).min() + 1
    counts = {"days": total["days"], "forecasts": total["forecasts"], "span": span}
    return pd.DataFrame({"skill": skill, "cover80": cover, **counts})


def _since(outside: pd.Series) -> pd.Timestamp:
    """The first day of the last unbroken run of days outside; NaT if the last day is inside."""
    days, inside = outside.index, outside.index[~outside]
    return pd.Timestamp(days[days > inside[-1]].min() if len(inside) else days[0])


def track_record(scores: pd.DataFrame, as_of: dt.date | str) -> dict[str, Any]:
    """What a page may quote: how often the range held, and how often "busier" or "quieter than usual" was right.

    It was right where the day lay on that side of what was usual then.

    Returns
    -------
    dict
        ``through``, the last day known, and for the last ``28`` and ``90`` days: ``days``, ``forecasts``,
        ``range_held``, ``statements``, ``right``; shares between 0 and 1, or None.
    """
    through = last_days(scores, as_of, 1)["target_end_date"].max() if len(scores) else None
    return {"through": through} | {str(days): _period(last_days(scores, as_of, days)) for days in (LATELY, QUARTER)}


def track_records(scores: pd.DataFrame, as_of: dt.date | str) -> dict[str, Any]:
    """`track_record` of each series, by its location and target."""
    return {" ".join(key): track_record(rows, as_of) for key, rows in scores.groupby(["location", "target"])}


def _period(scores: pd.DataFrame) -> dict[str, Any]:
    scores = scores.dropna(subset="error")
    stated = scores[scores["said"] != USUAL]
    right = np.where(stated["said"] == "busier", 1, -1) == np.sign(stated["actual"] - stated["usual"])
    return {
        "days": scores["target_end_date"].nunique(),
        "forecasts": len(scores),
        "range_held": _share(scores["covered80"]),
        "statements": len(stated),
        "right": _share(pd.Series(right)),
    }


def _share(values: pd.Series) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None


def to_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON knows them: four decimals, and None where there is no number."""
    rounded = table.round(4).astype(object).where(table.notna(), None)
    return [dict(row) for row in rounded.to_dict("records")]
