# %% [markdown]
# # Predict: how busy will the coming days be?
#
# The champion is brought up to the last published day and asked for the days after `as_of`. What it says is turned into a
# mean and a range for each day, checked as a suspicious reader would check it, and written down in the form that is
# published.
#
# *Reads* a snapshot, the champion and, if there is one, the track record. *Writes* the forecast as Parquet, CSV, page and
# calendar, its reasons, and a figure.

# %% tags=["parameters"]
snapshot = "../resources/sample/snapshot.parquet"  # the figures, as they were published
champion = "../.footfall/lab/train/model"  # folder of the champion
model_version = "lab"  # its name in the registry
track = ""  # file with how earlier forecasts came true; empty if there is none
weather = ""  # file with the weather as it was issued on the day; empty if there is none
out = "../.footfall/lab/predict"  # folder for what this notebook writes
location = "PT"  # ISO 3166 code, or names joined by /
category = "retail_and_recreation"  # what kind of places
series = None  # of many: "all" at the location and below it, or a dict of countries, categories, at_least (days)
show = ""  # of many, the one that is drawn; empty: the first
as_of = "2022-10-13"  # the day we stand on
lag = 3  # days between a day and its publication
horizon = 7  # days to forecast
stale_after = 14  # days without a figure, after which one of many series is left out
closures = {}  # what the owner says of days: weekdays, dates, from_to on which it is shut; events
place = ""  # its own name, for the page; empty: the location's
measure = {}  # what is counted, by language, as in {"en": "guests"}; empty: visits
credit = None  # whose figures they are, for the page; None: Google's, or of counts the house's own
accessed = ""  # day on which they were fetched, for the page of Google's; empty: not known
quantiles = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]

# %% [markdown]
# Nothing here trains anything: the model comes from `train.ipynb`, by way of the registry.

# %%
from pandas import Timestamp, date_range, set_option

from footfall import digest, forecast, outlook, outputs, plots
from footfall.calendar import country_of, kinds
from footfall.champion import read_champion
from footfall.evaluation import intervals
from footfall.forecasting import forecast_all
from footfall.models.weather import Weather, with_weather
from footfall.page.about import About
from footfall.page.pages import write_pages
from footfall.selection import select
from footfall.series import names_in, read_snapshot, visible
from footfall.units import unit

set_option("display.width", 160)  # characters: a table as text, which git and changes.html show, is not cut

# %% [markdown]
# ## Read
#
# The series up to the last day published by `as_of`, and the champion. A champion of another place or kind of place, of another
# lag or a shorter horizon, or one that has seen days which are still to come, must not speak here.

# %%
chosen = select(visible(read_snapshot(snapshot), as_of, lag), location, category, series, 0)
assert not chosen.objection(), chosen.objection()
known = read_champion(champion)
known = known._replace(forecaster=with_weather(known.forecaster, Weather.read(weather)))
forecast.check_champion(known.about, location, category, bool(series), chosen.through, horizon, lag)
known.about

# %% [markdown]
# ## Forecast
#
# The champion is fitted to the days of its training as they stand now, corrected since or marked as odd, and its state moves to the
# last published day: of the days between nothing is learned. Those up to `as_of` are not published yet, so the forecast reaches across them. Its ranges come from its past errors, those of
# the days since its training included; where the source is later than it usually is, they are as much wider. A day on which the place is shut, because its
# owner says so, or since it was never open on that weekday of late, or on that holiday twice before, is no forecast but closed; an
# event of the owner's on nothing but days so learned opens them.
# An event of the owner's is expected to do what it did when it was on before, and its day's range is twice as wide; days of the
# past that had one are passed over. One that a holiday has in another year too is that day's own, and widens nothing; music on
# every Friday is what Fridays are.
# A champion that takes in the weather goes by what was issued on `as_of`.
# Of several series each is forecast by itself and accounted for in the table below; from here on the one that `show` names is looked at.
#
# *How to read a number*: on the bundled sample Friday 14 October stands at +13.0 with +8.5 … +17.4. That is 113 visits where a
# Friday of early 2020 had 100; and on four such days out of five between 108.5 and 117.4 come.

# %%
days = date_range(as_of, periods=horizon + 1)[1:]
facts = {"model_version": model_version, "snapshot": digest.sha256_of(snapshot)}
made = forecast_all(known, chosen, days, lag, quantiles, closures, stale_after, **facts)
key = made.shown(chosen.shown(show))
shown, country = made.series[key], country_of(key[0])
made.accounts["status"].value_counts().to_frame("series")

# %% [markdown]
# ## One range, step by step
#
# Where the first day's range comes from: what the model's forecasts so many days ahead erred by in the past, newer errors
# counting more, on this kind of day; where, in such typical errors, the worst tenth below and above began; and whether the
# last weeks were harder than usual. The last row is the range that is published, unless an event moves it.

# %%
intervals.step_by_step(shown.errors, shown.week, Timestamp(as_of), country, lag, shown.late, unit(shown.y)).round(2)

# %% [markdown]
# ## Look
#
# The last four weeks in black run into the forecast in blue; the grey strip is what has not been published yet. The shades
# hold half, four fifths and nine tenths of what may happen. The forecast should carry on the rhythm of the weeks before,
# and where it does not, a special day should be the reason.

# %%
figure = plots.fan(shown.y, shown.mean, shown.ranges)
figure

# %% [markdown]
# ## Why
#
# What each day adds up from: the level of the last weeks, the weekday, the kind of day, last year's turn since the last
# published day, what was learned from other series, the weather and the day's event. They are
# logarithms of the level: 0.05 is about 5 % more visits.

# %%
shown.parts.round(3).assign(kind=kinds(days, country))

# %% [markdown]
# ## Check
#
# The table that will be published, in the columns of the [hubverse](https://hubverse.io). It is complete, finite and in
# order; its days follow each other; no value is below −100 or absurdly far from anything the series has shown; and it does
# not say the same every day. One broken rule, and nothing is published.

# %%
accounts, rows = made.accounts, len(made.series) * len(days) * (1 + len(quantiles))
assert len(accounts) == len(chosen.rows), f"{len(accounts)} series accounted for, and {len(chosen.rows)} were asked for"
f"{rows:,} rows, {len(made.series)} of {len(accounts)} series"

# %% [markdown]
# And the same for people, as the page says it: each day against a usual one of its weekday in this season, which
# `footfall/typical.py` defines; from where on it is called busy, `footfall/outlook.py` says. `expected`, `low` and `high` are per
# cent more or less than a usual day, `low` and `high` bound what happens on four days out of five, and the chance is that of the
# word's side.

# %%
page = shown.outlook
page[["word", "reasons", "expected", "low", "high", "chance"]].round({"expected": 0, "low": 0, "high": 0, "chance": 2})

# %% [markdown]
# ## Publish
#
# What is written into `forecast/` is what readers get: the table for machines, and for people a page that says in words how
# busy each day will be against a usual one of its weekday, why, and how sure that is; in five languages, with the days as a
# calendar beside it. Of several places it is an index, and each has its own.

# %%
forecast.write_forecast(made.tables(), out)
accounts.to_parquet(f"{out}/forecast/series.parquet", index=False)
standing = known.about.get("standing", "proven")
about = About(place, measure, credit, standing, names=names_in(snapshot), accessed=accessed)
write_pages(made, lag, track, out, about)
outputs.keep(
    out,
    forecast=figure,
    why=outlook.explained(shown.parts, page),
    metrics={"mean": float(shown.mean.mean()), "width80": float((shown.ranges["q90"] - shown.ranges["q10"]).mean())},
)
