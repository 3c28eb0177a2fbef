# %% [markdown]
# # Explore: what is in the data, and is it sound?
#
# Before a model learns from figures, somebody should have looked at them. This notebook looks at one series of a
# snapshot the way a careful colleague would: how far it reaches, what is missing, how it moves over the year, the week
# and the holidays, what changed lately — and says at the end whether it is fit to be trained on.
#
# *Reads* a snapshot. *Writes* two figures and a verdict.

# %% tags=["parameters"]
snapshot = "../resources/sample/snapshot.parquet"  # the figures, as they were published
out = "../.footfall/lab/explore"  # folder for what this notebook writes
location = "PT"  # ISO 3166 code, or names joined by /
category = "retail_and_recreation"  # what kind of places
series = None  # of many: "all" at the location and below it, or a dict of countries, categories, at_least (days)
show = ""  # of many, the one that is drawn; empty: the first
as_of = "2022-10-13"  # the day we stand on
lag = 3  # days between a day and its publication
horizon = 7  # days to forecast
fit_from = 28  # days of history that training needs at least; a long lag or horizon asks for more

# %% [markdown]
# The words used below live in `footfall/`; each does one thing, and none of them talks to a server.

# %%
from pandas import Timedelta, date_range

from footfall import opening, outputs, plots
from footfall.calendar import country_of, kinds
from footfall.evaluation import backtest
from footfall.level_shifts import level_shifts
from footfall.models.transforms import departures
from footfall.selection import select
from footfall.series import extent, read_snapshot, visible

# %% [markdown]
# ## How far it reaches
#
# A number is the percentage by which visits differed from the median of the same weekday in January and February 2020:
# −20 means a fifth fewer visits than in that winter. On the bundled sample Friday 7 October 2022 stands at +15: 115 visits
# where a Friday of that winter had 100. Christmas Day 2021 stands at −73: of 100 visits 27 were left. Everything published after `as_of` is put away first, so that a
# look at a past day sees what could be seen on that day.
#
# The table has one row per category of this place. `missing` counts days inside the span on which Google published
# nothing, which it does where too few people went for their privacy to be safe. Good is a column of noughts.

# %%
published = visible(read_snapshot(snapshot), as_of, lag)
chosen = select(published, location, category, series, 0)
place, kind_of_place = chosen.shown(show)
y, country = chosen.series[place, kind_of_place], country_of(place)
extent(published, place)

# %% [markdown]
# ## When it is shut
#
# A day on which the place is shut is neither a bad day nor a missing one: it is left out of everything that is learned. Shut
# is what the source or the owner says is, and a day at nobody; a weekday of which none was `open` `lately`, in the last six
# weeks with a day open, is taken for shut in the coming ones too. A whole country is never shut: good is a column of noughts here as well.

# %%
opening.by_weekday(published, place, kind_of_place)

# %% [markdown]
# ## The level
#
# The pale line is every day, the blue one its mean over four weeks. Look for steps that no season explains: a change
# of method at the source, or a lockdown, would show as one. What holds the line down in January is winter and the
# turn of the year; what lifts it in August is summer.

# %%
level = plots.level(y)
level

# %% [markdown]
# ## The week
#
# Since every weekday is measured against its own past, the weekdays should lie close together, and where they do not,
# habits have changed since 2020. The boxes span the middle half of the last eight weeks; a model that ignores the
# weekday gives away whatever separates them.

# %%
week = plots.weekdays(y)
week

# %% [markdown]
# ## The special days
#
# How far each kind of day lay from the ordinary same weekdays around it, in percentage points: the median, and how
# many such days there were. Shops close on 25 December and 1 January, so their falls are deep. A holiday on a weekday
# moves people as well. Where `days` is 1 or 2, the median is an anecdote. *An example*: Thursday 23 December 2021
# stood at +34; the ordinary Thursdays one and two weeks around it at +8, +15 and −4, their median +8. So the rush before Christmas
# brought 26 points, and such differences are what this table counts.

# %%
departures(y, country).round(1)

# %% [markdown]
# ## What changed lately
#
# The mean of the last seven days, of the four weeks before them, and of the same seven days a year ago. A week that
# differs from its predecessors by more than about ten points is news: look for a holiday before you blame the data.

# %%
lately = {"last 7 days": y[-7:].mean(), "4 weeks before": y[-35:-7].mean(), "a year ago": y[-371:-364].mean()}
{name: round(float(value), 1) for name, value in lately.items()}

# %% [markdown]
# A place that moved, was rebuilt or opened again is on another level from one day to the next, and stays there. These are the
# days from which on it was so many `times as busy` as before, for three weeks and more, by at least four tenths; most series
# have none. No model takes such a step for a season: last year's turn passes on a hundredth a day at most.

# %%
level_shifts(y).round(2).rename("times as busy").to_frame()

# %% [markdown]
# And the special days among the last fourteen days and the next seven, so that nobody is surprised twice.

# %%
near = kinds(date_range(end=y.index[-1] + Timedelta(days=lag + 7), periods=14 + lag + 7), country)
near[near != "ordinary"].to_frame()

# %% [markdown]
# ## The verdict
#
# A series is fit for training when it is long enough, mostly there, and not stuck. Of several those that are not are told here,
# and left out; where none is, this cell stops the notebook and says which of the three it is.

# %%
fit = select(published, location, category, series, max(fit_from, backtest.youngest(lag, horizon)))
sentence = f"{place} {kind_of_place}: {len(y)} days, {y.isna().sum()} missing, the last {y.index[-1]:%Y-%m-%d}"
assert not fit.objection(), fit.objection()
print(f"{len(fit.series)} of {len(fit.rows)} series are fit: {fit.refused or 'all'}")
sentence

# %% [markdown]
# What follows is kept beside this notebook in its record.

# %%
metrics = {"days": len(y), "missing": int(y.isna().sum()), "last_7_days": float(y[-7:].mean())}
outputs.keep(out, level=level, week=week, metrics=metrics, verdict={"fit": True, "sentence": sentence})
