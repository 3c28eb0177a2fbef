# %% [markdown]
# # Train: which model deserves to be champion?
#
# Every model in the candidates cell is put back into the past, day after day, and asked for the coming week with nothing
# but what was known then. The best one is chosen on the older days and judged on the newer ones, where it must beat both
# today's champion and the simplest forecast there is. Only then is it fitted to everything and saved.
#
# *Reads* a snapshot and, if there is one, the champion. *Writes* the challenger's model, the leaderboard, the gate's decision.

# %% tags=["parameters"]
snapshot = "../resources/sample/snapshot.parquet"  # the figures, as they were published
champion = ""  # folder of today's champion; empty if there is none
closures = {}  # what the owner says of days: events, rows of from, to, what, effect, site, entered
weather = ""  # file with the weather as it was issued on each day; empty if there is none
out = "../.footfall/lab/train"  # folder for what this notebook writes
location = "PT"  # ISO 3166 code, or names joined by /
category = "retail_and_recreation"  # what kind of places
series = None  # of many: "all" at the location and below it, or a dict of countries, categories, at_least (days)
show = ""  # of many, the one that is drawn; empty: the first
as_of = "2022-10-13"  # the day we stand on
lag = 3  # days between a day and its publication
horizon = 7  # days to forecast
backtest_days = 182  # days of the past to forecast from
margin = 0.02  # share by which the naive forecast must be beaten
most_losing = 0.1  # share of many series that may do worse than it

# %% [markdown]
# The models are [sktime](https://www.sktime.net) forecasters. Its own are used where they are good; the parts that know
# about holidays and percentages, and the one that learns from many series, come from [footfall/models/](../footfall/models).

# %%
from pandas import date_range, set_option
from sktime.forecasting.compose import EnsembleForecaster

from footfall import outputs, plots
from footfall.calendar import country_of
from footfall.champion import Champion, learned, read_champion, read_incumbent, write_champion
from footfall.evaluation import backtest, gate, rolling, significance
from footfall.events import among
from footfall.models import (
    ETS,
    Boosted,
    KindOfDay,
    LastYearsTurn,
    LogLevel,
    OrdinaryNaive,
    Panel,
    SeasonalNaive,
    WeekdaySmoother,
    predict,
    with_panel,
)
from footfall.models.event_effects import table_without_events, without_events
from footfall.models.weather import Weather, WithWeather, with_weather
from footfall.opening import shut_weekdays
from footfall.selection import select
from footfall.series import read_snapshot, site_of, visible
from footfall.units import unit

set_option("display.width", 160)  # characters: a table as text, which git and changes.html show, is not cut

# %% [markdown]
# ## Read
#
# The series, one or many, up to the last day that had been published by `as_of`. Nothing later can leak into what follows, because
# nothing later is there. A day on which the place was shut has no value, nor has one with an event of the owner's: a street fair
# or a burst pipe says nothing of the days after it. Every origin of the backtest needs some history behind it:
# a series of less than four weeks is refused here, to which come the days that the horizon is beyond a week, and two for each that
# the lag is beyond one. A young series, of fewer days than a verdict takes, gets none below.
# The panel is what else there is to learn from: every kind of place, of every country in the snapshot.

# %%
published = visible(read_snapshot(snapshot), as_of, lag)
chosen = select(published, location, category, series, backtest.youngest(lag, horizon))
assert not chosen.objection(), chosen.objection()
chosen, others = without_events(chosen, closures), table_without_events(published, closures)
key = chosen.shown(show)
y, country, panel = chosen.series[key], country_of(key[0]), Panel(others)
span = f"{len(y)} days, {y.index[0]:%Y-%m-%d} to {y.index[-1]:%Y-%m-%d}, {y.isna().sum()} without a value"
f"{len(chosen.series)} series, {len(chosen.refused)} refused; drawn is {' '.join(key)}: {span}"

# %% [markdown]
# ## Candidates
#
# **This is the cell to change.** Add a line, run the notebook, and read its row on the leaderboard. A candidate is any
# sktime forecaster that can be fitted without `fh`; the `*` chains transformers in front of one, as sktime does everywhere.
# A class of your own stands in a module of [footfall/models/](../footfall/models), not in this notebook, where predict would not find it;
# and it keeps what it needs of the data itself: sktime's `remember_data` is off here, so there is no `self._y`.
#
# - *seasonal naive* says that next Friday will be like last Friday. It is the one that must be beaten. *seasonal naive, ordinary
#   days* passes over holidays and the like, and speaks in its place where nothing better is known.
# - *ETS* is what every library offers, with an additive week.
# - *calendar* works on the logarithm of the level, takes off what holidays and bridge days do and a share of last year's
#   movement, and lets a weekday smoother with fixed gains follow the rest.
# - *steady* is the calendar with a smoother that follows a surprise less than half as far: a single till shakes more than a
#   nation does.
# - *both scales*, of percentages, is the mean of *calendar* and of its twin on the percentages as they are, which is better near −100.
# - *boosted* is the calendar again, its errors foreseen by trees that learned from the whole panel: other countries and kinds
#   of place, or an owner's other sites; *boosted, steady* the same of *steady*.
# - *ETS, calendar* has the same front before that *ETS*: what the front alone is worth.
# - *steady, weather* and its like, where the market says where it lies, are the same with the weather on top, as it was forecast on
#   the day: rain, and how far from mild it gets. They learn what it does here from a year of it, and believe less of it the farther ahead.

# %% tags=["candidates"]
front = LogLevel() * KindOfDay(country) * LastYearsTurn()
candidates = {
    "seasonal naive": SeasonalNaive(),
    "seasonal naive, ordinary days": OrdinaryNaive(country),
    "ETS": ETS(trend="add", damped_trend=True, seasonal="add", sp=7),
    "ETS, calendar": front * ETS(trend="add", damped_trend=True, seasonal="add", sp=7),
    "calendar": front * WeekdaySmoother(),
    "steady": front * WeekdaySmoother(level=0.1, season=0.1, trend=0.0),
    "boosted": Boosted(country, panel),
}
candidates["boosted, steady"] = Boosted(country, panel, calendar=candidates["steady"])
if unit(y).name == "percent":
    raw = KindOfDay(country) * LastYearsTurn(step=1.0) * WeekdaySmoother()
    candidates["both scales"] = EnsembleForecaster([("log", candidates["calendar"]), ("raw", raw)])
issued = Weather.read(weather)
for name in ("calendar", "steady", "boosted, steady") if weather else ():
    candidates[f"{name}, weather"] = WithWeather(country, candidates[name], issued, lag)
# candidates["nervous"] = front * WeekdaySmoother(level=0.5)  # the exercise below

# %% [markdown]
# ## Backtest
#
# Every origin is a day on which each candidate forecasts the following days, seeing only what was published `lag` days
# before. The origins fall into three equal spans. The oldest only gathers errors, from which the prediction intervals of
# the later days are made; the middle one is for choosing; the newest is kept for the verdict. The last two lie so far apart
# that no day counts in both.
#
# Today's champion runs against them by the same rules: its recipe, fitted anew at the first of each month of the past,
# learning from the same panel. One that can no longer be read or fitted, as its class has left
# or a library has changed, is compared with nothing: whoever wins here takes its place, and the gate's reason begins with why.
#
# Where `FOOTFALL_DASK` names a scheduler, series of one span are a shard for one of its workers, to the same numbers. Of a shard whose
# workers die the naive speaks until the next training.

# %%
incumbent, unread = read_incumbent(champion)
candidates |= {"champion": with_weather(with_panel(incumbent.forecaster, panel), issued)} if incumbent else {}
past = rolling.roll(chosen.series, candidates, backtest_days, horizon, lag)
unread = unread or past.unread
span = f"{past.origins[0]:%Y-%m-%d} to {past.origins[-1]:%Y-%m-%d}"
without = f"; too slow for so many: {', '.join(past.left_out)}" if past.left_out else ""
dead = f"; of {len(past.dead)} series the worker died each time" if past.dead else ""
f"{len(past.origins)} origins, {span}; the verdict rests on the last {len(past.windows.report)}{without}{dead}"

# %% [markdown]
# ## Choose
#
# The leaderboard of the middle span, best first. MAE is the mean absolute error in percentage points; MASE divides it by
# what the naive forecast used to err: 0.75 is a quarter less. WIS, the weighted interval score, scores the whole range of
# quantiles, smaller is better, and decides. Of several series all are added up in the unit of one of median size.
# `cover80` is the share of days that fell into the 80 % interval: good is close to 0.8. Drawn below is the series named above; where
# this span has no day of it, as of a new place, the first that it has one of.

# %%
key = past.shown(key)
y, country = chosen.series[key], country_of(key[0])
choice, drawn = past.leaderboard("selection"), past.of(key, "selection")
challenger = choice.index[0]
choice.round(3)

# %% [markdown]
# How the error grows with the distance. A model that knows the calendar should lie below the naive one at every distance;
# one that rises steeply trusts its latest values too much.

# %%
errors = plots.errors(drawn, list(choice.index), y)
errors

# %% [markdown]
# And the best one's forecasts as they would have been: ten weeks of the span, one after the other, each made on its own day,
# with its 80 % range; in black what happened. The black line should run inside the shades four days out of five.

# %%
weeks = plots.origins(y, drawn[drawn["candidate"] == challenger])
weeks

# %% [markdown]
# And where they lie: the mean error by kind of day, with the number of days below. A model that knows the calendar should not
# err much more on holidays and bridge days than on ordinary ones; few days say little.
#
# **An exercise.** Uncomment the last line of the candidates, run the notebook, and find its row on the leaderboard. *nervous* is
# *calendar* with a smoother that believes half of each surprise, not a quarter. On the bundled sample its MAE is 3.82 where *calendar*
# has 3.56: it runs after noise. And *steady*, which believes a tenth, has 4.16: a nation's visits move faster than that. But read
# its columns here: on holidays and their eves it errs least of all.

# %%
significance.by_kind(drawn, country).loc[[*choice.index, "days"]].round(2)

# %% [markdown]
# ## Judge
#
# The newest span, on which nothing was chosen. The gate opens if the challenger's 80 % range holds 60 to 98 %
# of the days, if it beats the naive forecast by the margin, and if it scores better than the champion, or is its own recipe on newer data; its own words say which
# figures decided. One chosen with the weather must be better for it here as well, for one of the series at least, or the same without is judged; one
# chosen without is judged without, whatever the weather would have saved here.
# A market needs somebody who speaks: where no champion is proven, the best that is known speaks, were it the naive
# forecast itself, of ordinary days; and a young series has no verdict yet; ledger and page say so.
#
# How sure is that? The lead over the naive forecast in WIS, and its 90 % confidence interval: from redraws of the origins, a
# fortnight at a time, since neighbouring ones err alike, and wider than those by Student's t, since fortnights are few; on made-up
# series it held the truth 85 to 90 % of the time. One that reaches below zero says that the lead may be luck; fewer than eight weeks of
# origins say nothing of it.

# %%
verdict = past.leaderboard("report")
challenger = gate.by_weather(past.scores, verdict, challenger)
by_series = past.by_series(challenger, "seasonal naive")
standing = incumbent.about.get("standing", "proven") if "champion" in verdict.index else ""
losing = float((by_series["ratio"] > 1).mean())
decision = gate.judge(
    verdict, challenger, "seasonal naive", standing, margin, past.days_known, past.needed, losing, most_losing, unread
)
lead = significance.advantage(past.wis, challenger, "seasonal naive")
print(f"{'passed' if decision.passed else 'closed'}: {decision.reason}")
print(significance.in_words(lead))
verdict.round(3)

# %% [markdown]
# And series by series: the worst twenty, by what is left of the naive's error. `ratio` is the challenger's MAE to the naive's over
# the newest span, below 1 is good; one that `loses` in both spans is spoken for by the naive until the next training, and one that
# gains nothing by the weather, where the others do, by the same without.

# %%
ratios = [*by_series["ratio"].quantile([0.1, 0.5, 0.9]).round(2)]
print(f"{losing:.1%} of {len(by_series)} series lose to the naive; ratios at a tenth, half, nine tenths: {ratios}")
by_series.head(20).round(3)

# %% [markdown]
# ## Fit and save
#
# The challenger learns from everything and is written down together with the errors of its backtest, from which
# `predict.ipynb` makes the intervals. What was written is read back at once: a model that does not come back to the same
# numbers is worth nothing. The leaderboard, the decision and the figures go into the record; the flow reads the decision and acts on it.

# %%
name = incumbent.about["candidate"] if decision.candidate == "champion" else decision.candidate
accounts = past.accounts(decision.candidate, "seasonal naive", name)
about = {
    "candidate": name,
    "series": len(accounts) if series else None,
    "standing": decision.standing,
    "unit": unit(y).name,
    "location": location,
    "category": category,
    "lag": lag,
    "horizon": horizon,
    "fitted_from": f"{min(each.index[0] for each in chosen.series.values()):%Y-%m-%d}",
    "data_through": f"{chosen.through:%Y-%m-%d}",
    "shut": shut_weekdays(chosen.rows[key], key[1], among(closures, site_of(key[0]))),
}
model = learned(candidates[decision.candidate], chosen.series, many=bool(series))
residuals = past.residuals(decision.candidate, "seasonal naive", accounts)
trained = Champion(model, residuals, about, accounts)
write_champion(f"{out}/model", *trained)
coming, saved = date_range(y.index[-1], periods=horizon + 1)[1:], read_champion(f"{out}/model")
first_week, again = (
    predict(one.speaker(y, country, one.speakers[key]) if series else one.forecaster, coming)
    for one in (trained, saved)
)
assert again.equals(first_week), "the saved model differs"
metrics = {name: float(verdict.loc[decision.candidate, name]) for name in ("MAE", "MASE", "WIS", "cover80")}
outputs.keep(
    out,
    metrics=metrics,
    errors=errors,
    weeks=weeks,
    gate=decision._asdict(),
    lead=lead,
    leaderboard=verdict.round(4).reset_index().to_dict("records"),
)
first_week.round(1)
