# %% [markdown]
# # Review: what we said, and what happened
#
# Every published forecast is held against the days it spoke of, as soon as they are known. Each is scored beside the
# seasonal naive forecast that could have been made on the same day from the same figures, and what comes out decides
# whether the model may go on until its monthly training or must be trained at once.
#
# *Reads* a snapshot, published forecasts and the scores so far. *Writes* the grown scores, a report card, the decision about
# decay, what a page may quote, and a figure.

# %% tags=["parameters"]
snapshot = "../resources/sample/snapshot.parquet"  # the figures, as they were published
forecasts = "../resources/sample/forecasts.parquet"  # published forecasts, a file or a folder of them; empty if none
scores = ""  # the scores so far; empty if there are none
closures = {}  # what the owner says of days: events, rows of from, to, what, effect, site, entered
out = "../.footfall/lab/review"  # folder for what this notebook writes
location = "PT"  # ISO 3166 code, or names joined by /
category = "retail_and_recreation"  # what kind of places
series = None  # of many: "all" at the location and below it, or a dict of countries, categories, at_least (days)
show = ""  # of many, the one that is drawn; empty: the first
as_of = "2022-10-13"  # the day we stand on
lag = 3  # days between a day and its publication
window = 42  # days that are judged together
least_skill = -0.2  # share of its error to be saved; -0.2 lets it err a fifth more than the naive
least_cover = 0.6  # share of days that the 80 % range must hold
most_cover = 0.98  # share of days that it may hold

# %% [markdown]
# No model is needed here, only what was published. The bundled forecasts were made by `train.ipynb` and `predict.ipynb`
# themselves, one for every day from 1 September to 12 October 2022, each from the figures known on that day
# (`footfall notebooks sample` makes them anew).

# %%
from pandas import set_option

from footfall import outputs, plots
from footfall.evaluation.review import EVENT, by_series, drift, report_card, to_records, track_record, with_events
from footfall.evaluation.scores import grow, known_by, news, read_forecasts, read_scores, revised, score_all
from footfall.selection import select
from footfall.series import read_snapshot, visible

set_option("display.width", 160)  # characters: a table as text, which git and changes.html show, is not cut

# %% [markdown]
# ## Read
#
# The figures published by `as_of`, the forecasts that have something to be scored, and the scores of earlier reviews, as far
# as they could be known today. Whoever reviews a day of the past sees nothing that came after it.

# %%
chosen = select(visible(read_snapshot(snapshot), as_of, lag), location, category, series, 0)
key = chosen.shown(show)
published = read_forecasts(forecasts)
before = known_by(read_scores(scores), as_of, lag)
f"{published['origin_date'].nunique()} forecasts, {len(before)} days of forecasts scored before, figures to {chosen.through:%Y-%m-%d}"

# %% [markdown]
# ## Score
#
# One row for every day that a forecast spoke of and that is known now. `error` is what we said less what happened, in
# percentage points, `naive_error` the same of the naive forecast. A day that was said to be closed and was open
# after all has a row without an error, and counts nowhere below. A row stays as it was first scored; where the source
# has changed a figure since, it is told. Shown is the day that became known last, as it was said seven days before, six days
# before, and so on; the nearer, the better it should be, though of one day that need not hold.

# %%
table = grow(before, score_all(published, chosen.series, lag, closures))
findings = news(before, table, revised(table, chosen.series))
print(findings["sentence"])
columns = ["target_end_date", "horizon", "mean", "low", "high", "actual", "error", "naive_error"]
drawn = table[(table["location"] == key[0]) & (table["target"] == key[1])]
drawn.loc[drawn["target_end_date"] == drawn["target_end_date"].max(), columns]

# %% [markdown]
# ## Report card
#
# The last 7, 28 and 90 days that are known, all horizons together. `skill` is the share of the naive forecast's mean absolute
# error that was saved on the same days: above 0 the forecast was worth having. `WIS` scores the whole range of quantiles,
# smaller is better. `cover80` is the share of days inside the 80 % range, and should be near 0.8.

# %%
judged = with_events(table, closures)
card = report_card(judged, as_of)
card[card["by"] == "all"].drop(columns=["by", "of"]).set_index("window").round(3)

# %% [markdown]
# The last 28 days again, by how many days ahead the forecast spoke and by kind of day. The error should grow slowly with the
# distance. Holidays and bridge days are few: one bad one weighs much, and says little. Days with an event of the owner's are a kind of
# their own.

# %%
card[(card["by"] != "all") & (card["window"] == 28)].drop(columns="window").set_index(["by", "of"]).round(3)

# %% [markdown]
# And series by series over all days that are known: the twenty of least skill, of one series itself. Errors of several are added
# up in one unit, that of a series whose naive forecast errs as the mean of them; here each is in its own.

# %%
by_series(table)[["days", "forecasts", "MAE", "skill", "cover80"]].head(20).round(3)

# %% [markdown]
# ## Look
#
# What was said on the evening before, with the range that should hold four days out of five, and what happened. About one
# dot in five may lie outside, a red cross. Crosses in a row on one side are what decay looks like: on the bundled sample, whose last
# weeks the naive forecast foresaw better (skill below 0), one in three does.

# %%
figure = plots.hindsight(drawn, window)
figure

# %% [markdown]
# ## Decay
#
# The model is trained on the first of the month. If it has lost touch with the days, that is too late: where skill or coverage
# leaves its band, a training is called for at once. Days with an event are left out of it: no training foresees a burst pipe.
# The band is wide enough that ordinary weeks stay inside: in a backtest of Portugal with monthly trainings, from June 2021 on, it was
# left once, in the summer of 2021; in a year walked as production would have, in August 2022 ([accuracy](../resources/accuracy.md)).

# %%
decay = drift(judged[judged["kind"] != EVENT], window, least_skill, least_cover, most_cover)
print("decayed:" if decay.decayed else "good:", decay.reason)

# %% [markdown]
# ## Track record
#
# What a page may quote. A forecast says *busier* or *quieter* where it is half a spread of ordinary days or more from what is
# usual for the weekday, the median of its last six ordinary ones; it was right if the day lay on the same side.

# %%
track = track_record(drawn, as_of)
track

# %% [markdown]
# ## Save
#
# No row may be lost: every score of an earlier review is still there. The flow adds the table to the one in the bucket, gives
# each forecast's own run its figures, and acts on the decision.

# %%
assert len(before.merge(table)) == len(before), "a score of an earlier review was lost"
figures = card[card["by"] == "all"].set_index("window").loc[28, ["MAE", "skill", "WIS", "cover80"]].dropna().to_dict()
outputs.keep(
    out, review=figure, card=to_records(card), drift=decay._asdict(), track=track, news=findings, metrics=figures
)
table.to_parquet(f"{out}/scores.parquet", index=False)
