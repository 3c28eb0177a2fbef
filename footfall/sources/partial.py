"""Days of which exports hold but a part: saved before the day was over, cut at midnight, with an hour left blank.

Their sum would be a small number and no day, so it is not known. What is said by the hours of the same weekdays, four
weeks back, or ahead of a first day; a house that shuts at ten has its last row at half past nine, and its day is whole.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from footfall.params import Data
from footfall.sources.business_day import day_of_business, never_shown
from footfall.sources.export import Export
from footfall.sources.fault import counted, safe

DAY = ["site", "day"]
HOUR = pd.Timedelta(hours=1)  # that a day begins later or ends earlier than others, and is whole all the same
EVENING = pd.Timedelta(hours=22)  # from which a day counts as over, where its rows say no hours
WEEKS = [pd.Timedelta(weeks=number) for number in range(1, 5)]
LATELY, MOSTLY = 14, 0.9  # rows of an hour, and the share of them that is blank: nobody comes then any more, or yet
MOST_NAMED = 3  # days that are not whole


def without_partial_days(rows: pd.DataFrame, data: Data, exports: Sequence[Export]) -> tuple[pd.DataFrame, list[str]]:
    """Rows of which those of days that are not whole are blank, and gone at a site's ends; and notes on these days.

    A last day that is not there is no day that the next export rewrites.
    """
    blank, extents = _has_blank_hours(rows, data, exports), _extents(rows, exports)
    partial_days = dict([*_at_the_edges(extents), *_saved_too_early(rows, extents, data, exports)])
    partial = blank | pd.MultiIndex.from_frame(rows[DAY]).isin([*partial_days])
    of_site = rows.groupby("site")["day"]
    at_an_end = rows["day"].eq(of_site.transform("min")) | rows["day"].eq(of_site.transform("max"))
    more = [f"and {len(partial_days) - MOST_NAMED} more such days"] if len(partial_days) > MOST_NAMED else []
    notes = [*_note_on_hours(rows[blank]), *[*partial_days.values()][:MOST_NAMED], *more]
    return rows.assign(value=rows["value"].mask(partial))[~(partial & at_an_end)].reset_index(drop=True), notes


def _has_blank_hours(rows: pd.DataFrame, data: Data, exports: Sequence[Export]) -> pd.Series:
    """Whether an hour of a row's day is blank, but for hours that nearly always were, or that clocks left out.

    They were lately, or all along: asked is up to that day alone, but for an hour's first two weeks, which go by their
    last day. So a change of opening hours says nothing of the days before it.
    """
    is_blank = rows["value"].isna() & rows["file"].map(lambda file: exports[file].holds == "hours")
    if not is_blank.any():
        return is_blank
    is_blank &= ~never_shown(rows["moment"], data.timezone)
    in_order = rows.sort_values("moment", kind="stable")
    hour = in_order["moment"] - in_order["moment"].dt.normalize()
    of_hour = is_blank[in_order.index].groupby([in_order["site"], hour])
    lately, all_along = (windows.mean().droplevel([0, 1]) for windows in (of_hour.rolling(LATELY), of_hour.expanding()))
    share = np.maximum(lately, all_along)  # of an hour's first rows not known
    never = share.groupby([in_order["site"], hour]).bfill().fillna(all_along).reindex(rows.index) >= MOSTLY
    return (is_blank & ~never).groupby([rows["site"], rows["day"]]).transform("any")


def _note_on_hours(rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return []
    which = f"{counted(len(rows[DAY].drop_duplicates()), 'day')}; first {rows['day'].min():%Y-%m-%d}"
    return [f"hours are blank, taken as not known: {which}; write 0 where nobody came"]


def _extents(rows: pd.DataFrame, exports: Sequence[Export]) -> pd.DataFrame:
    """When the first and the last come on each day of a site, as time since midnight; NaT where rows do not say."""
    holds = rows["file"].map(lambda file: exports[file].holds)
    time = (rows["moment"] - rows["day"]).where(rows["value"].notna() & rows["value"].ne(0) & holds.ne("days"))
    has_times = time.ne(pd.Timedelta(0)).groupby(rows["site"]).transform("any")
    ends = time + HOUR * holds.eq("hours")
    times = rows[DAY].assign(begins=time.where(has_times), ends=ends.where(has_times))
    return times.groupby(DAY).agg(begins=("begins", "min"), ends=("ends", "max"))


Found = tuple[tuple[str, pd.Timestamp], str]  # a site and a day, and a sentence on it


def _at_the_edges(extents: pd.DataFrame) -> Iterator[Found]:
    """A site's last day that ends well before all others of its weekday, and its first that begins well after them."""
    says_hours = extents.notna().any(axis=1).groupby("site").transform("any")
    for site, own in extents[says_hours].groupby("site"):
        own = own.droplevel("site")
        first, last = own.index[0], own.index[-1]
        opens = own["begins"].reindex([first + weeks for weeks in WEEKS]).max()
        shuts = own["ends"].reindex([last - weeks for weeks in WEEKS]).min()
        if own["begins"][first] - opens > HOUR:
            yield (site, first), _sentence(site, first, f"begins at {_clock(own['begins'][first])}", _clock(opens))
        if shuts - own["ends"][last] > HOUR:
            yield (site, last), _sentence(site, last, f"ends at {_clock(own['ends'][last])}", _clock(shuts))


def _sentence(site: str, day: pd.Timestamp, happened: str, usual: str) -> str:
    return f"{_place(site)}{day:%Y-%m-%d} {happened}, other {day.day_name()}s at {usual}: it is not whole, and left out"


def _saved_too_early(
    rows: pd.DataFrame, extents: pd.DataFrame, data: Data, exports: Sequence[Export]
) -> Iterator[Found]:
    """Days of business in which their file was saved, before the hour at which their weekday usually ends."""
    saved = [pd.Timestamp(each.saved, tz="UTC").tz_convert(data.timezone).tz_localize(None) for each in exports]
    on = day_of_business(pd.Series(saved), data.day_starts)
    newest = rows.groupby(DAY)["rank"].transform("max")
    own = rows[rows["day"].eq(rows["file"].map(on)) & rows["rank"].eq(newest)].drop_duplicates([*DAY, "file"])
    for site, day, file in own[[*DAY, "file"]].itertuples(index=False):
        usual = extents["ends"].reindex([(site, day - weeks) for weeks in WEEKS]).median()
        if saved[file] - day < (EVENING if pd.isna(usual) else usual):
            what = f"was not over when {safe(exports[file].name, 120)} was saved at {_clock(saved[file] - day)}"
            yield (site, day), f"{_place(site)}{day:%Y-%m-%d} {what}: it is left out"


def _place(site: str) -> str:
    return f"{safe(site)}: " if site else ""


def _clock(time: pd.Timedelta) -> str:
    return f"{pd.Timestamp(0) + time:%H:%M}"
