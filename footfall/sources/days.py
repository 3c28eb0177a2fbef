"""Rows of exports as one value a day and site: what is said twice goes, what is sold by the piece is summed."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from footfall.errors import SeveralTills
from footfall.opening import said
from footfall.params import Data
from footfall.series import FEWEST_BLANK, WEEK
from footfall.sources import names
from footfall.sources.business_day import shown_twice
from footfall.sources.export import Export
from footfall.sources.fault import Fault, counted, safe, shown, some
from footfall.units import unit_of

DAY = ["site", "day"]
ONE = np.timedelta64(1, "D")
LONG = 14  # days without a row on end, of which it is asked whether the place was shut; or on which two exports differ
PASTED = 20  # orders on end that are there before in the same order, which is no chance any more
ROUNDED = 0.005  # share of its number by which a day may differ from another export's
OFTEN = 3  # days on which two exports differ, from which it is told
ONE_GOES = "one of the two rows must go, or data.rows is orders"
AT_TIMES = "rows say times: data.rows is hours, of which each has one figure, or orders, which are added up"
WITHIN = "; two tills of one place add up within one file only, and two places are sites with data.files: sites"
OF_SITES = " Where each is a site, say data.files: sites."
CORRECTED = " Where newer files correct older ones, say data.files: exports."
ONE_NAME = (
    "all are of the site {}, as dates and numbers in files' names count for nothing; give each site a folder, "
    "or, where the newer corrects the older, take the older out"
)


def together(exports: Sequence[Export]) -> pd.DataFrame:
    """The rows of all exports, each with the number of its own, and with the rank of that, by age."""
    order = sorted(range(len(exports)), key=lambda i: exports[i].age())
    rows = pd.concat([exports[number].rows.assign(file=number, rank=rank) for rank, number in enumerate(order)])
    return rows.sort_values(["file", "line"], kind="stable", ignore_index=True)


def unite(rows: pd.DataFrame, data: Data, exports: Sequence[Export]) -> tuple[pd.DataFrame, list[str]]:
    """Rows without those of days of a site that a newer export has; of that one's first, without those it goes on from.

    Exports that end and begin at midnight have a part each of the day of business between them.
    """
    each = rows.groupby([*DAY, "rank"])
    parts = each.agg(
        file=("file", "first"), begins=("moment", "min"), ends=("moment", "max"), value=("value", "sum")
    ).reset_index()
    first_of_all, first = (parts.groupby(of)["day"].transform("min") for of in ("site", ["site", "rank"]))
    goes_on = parts["day"].eq(first) & parts["day"].ne(first_of_all)
    is_cut = goes_on & parts["file"].map(lambda file: exports[file].holds != "days")
    parts["begins"] = parts["begins"].where(is_cut, parts["day"])
    newer_first = parts.iloc[::-1]
    of_newer = newer_first.groupby(DAY)["begins"].cummin().groupby([newer_first[name] for name in DAY]).shift()
    parts["until"] = of_newer.reindex(parts.index)
    again = (rows["moment"] >= parts["until"].to_numpy()[each.ngroup()]).to_numpy()
    if not again.any():
        return rows, []
    count = counted(len(rows.loc[again, DAY].drop_duplicates()), "day")
    note = f"more than one export has {count}: those of the newer one are taken"
    return rows[~again].reset_index(drop=True), [note, *_other_tills(parts, data, exports)]


def _other_tills(parts: pd.DataFrame, data: Data, exports: Sequence[Export]) -> Iterator[str]:
    """A note on exports whose days newer ones have too, but with other numbers; of many days these are two tills'.

    The days of all exports count together, as tills may write a file a week; and so do those of files that are called
    alike but for dates and numbers, beside others, as they may write one a day.

    Raises
    ------
    SeveralTills
        If they are, and nobody said that newer ones correct them: one till's sales would be left out.
    """
    taken = parts.groupby(DAY)[["value", "file"]].transform("last")
    same = np.isclose(parts["value"], taken["value"], rtol=ROUNDED)
    parts = parts.assign(differs=~same, newer=taken["file"])
    said = parts[parts["until"].le(parts["ends"]) & parts["value"].ne(0)]  # a blank or zero may not have been known yet
    called = pd.Series([names.of_file(export.name) for export in exports])
    of_till, of_newer = (said[file].map(called) for file in ("file", "newer"))
    said = said.assign(till=of_till.where(of_till.ne(of_newer), said["file"].astype(str)))
    by_till = said.groupby("till")["differs"]
    others = said[said["differs"] & by_till.transform("size").ge(OFTEN) & by_till.transform("mean").gt(0.5)]
    days = len(others.drop_duplicates(DAY))
    for _, differs in others.groupby("till"):
        own = differs[differs["file"] == differs["file"].min()]
        name, newer = (safe(exports[own[file].iloc[-1]].name, 120) for file in ("file", "newer"))
        all_files = f", all files on {days:,}" if days > len(own) else ""
        other = f"{name} has other numbers than {newer} on {counted(len(own), 'day')}{all_files}"
        if days >= LONG and data.files != "exports":
            raise SeveralTills(f"{other}: {_remedy(data, own['site'].iloc[0])}", seen=other)
        within = "" if data.files else WITHIN
        yield f"{other}, and is left out there{within}"


def _remedy(data: Data, site: str) -> str:
    if data.files == "sites":
        return ONE_NAME.format(repr(safe(site)))
    may_be_sites = not data.columns.site and not isinstance(data.columns.value, list)
    what = f"two tills, or two places?{OF_SITES if may_be_sites else ''}{CORRECTED}"
    return f"{what} Tills of one place go into one file, of which data.rows: orders adds them up."


def name_sites(rows: pd.DataFrame, own: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows whose sites have one spelling each: the market's `own`, else the earliest; and a note on others."""
    spellings = rows.groupby("site")["day"].min().reset_index(name="since")
    spellings["key"] = spellings["site"].map(names.spelling)
    spellings["rank"] = spellings["site"].ne(own)
    first = spellings.sort_values(["rank", "since", "site"]).drop_duplicates("key")
    chosen = spellings["key"].map(first.set_index("key")["site"])
    other = spellings[chosen != spellings["site"]]
    pairs = [f"{safe(site)!r} is {safe(name)!r}" for site, name in zip(other["site"], chosen[other.index], strict=True)]
    merged = rows.assign(site=rows["site"].map(dict(zip(spellings["site"], chosen, strict=True))))
    return merged, [f"names typed in two ways are of one site: {', '.join(pairs[:3])}"] if pairs else []


def without_repeats(
    rows: pd.DataFrame, data: Data, exports: Sequence[Export]
) -> tuple[pd.DataFrame, list[str], list[tuple[int, Fault]]]:
    """Rows of days or hours without those that say the same again; and those that say something else, by file."""
    holds = rows["file"].map(lambda file: exports[file].holds)
    has_hours = rows["moment"].ne(rows["day"]).any()
    key = ["site", "moment"] if has_hours and not holds.eq("days").any() else DAY
    again = rows.duplicated(key) & (holds.eq("days") | (holds.eq("hours") & has_hours))
    if again.any():
        twice = holds.eq("hours") & shown_twice(rows["moment"], data.timezone, data.rows_timezone)
        rows, key = rows.assign(turn=(rows.groupby(key).cumcount() % 2).where(twice, 0)), [*key, "turn"]
        again &= rows.duplicated(key)
    if not again.any():
        return rows, [], []
    pairs = rows[again].merge(rows[~again].drop_duplicates(key), on=key, suffixes=("", "_1"))
    same = pairs["value"].eq(pairs["value_1"]) | (pairs["value"].isna() & pairs["value_1"].isna())
    when = "day" if key[:2] == DAY else "time"
    rule = AT_TIMES if has_hours and when == "day" else ONE_GOES
    faults = [(pair.file, _contradiction(pair, when, rule, exports, data)) for pair in pairs[~same].itertuples()]
    note = f"said again in {counted(same.sum(), 'row')}, left out"
    firsts = [f"{safe(exports[pair.file].name, 120)}:{pair.line}" for pair in pairs[same].head(1).itertuples()]
    return rows[~again], [f"{note}; first {first}" for first in firsts], faults


def pasted(rows: pd.DataFrame, exports: Sequence[Export]) -> Iterator[str]:
    """A note on orders of a file that are there before, many on end: two can be alike, and so they are counted.

    What was copied stands on end, or sorted each directly beneath its like. Days alone, of products twice a day, do
    not tell; documents of SAF-T do, by their numbers.
    """
    unnumbered = [file for file, export in enumerate(exports) if export.holds == "orders" and not export.audit]
    says_time = rows["moment"].ne(rows["day"]).groupby(rows["file"]).transform("any")
    orders = rows[rows["file"].isin(unnumbered) & says_time]
    alike = [*DAY, "moment", "value", "file"]
    again = orders[orders.duplicated(alike, keep=False)].reset_index(names="at")
    again["lag"] = again["at"] - again.groupby(alike)["at"].transform("first")
    again = again[again["lag"] > 0]
    step = again["at"].diff()
    goes_on = (step.eq(1) & again["lag"].diff().eq(0)) | step.eq(again["lag"] + 1)
    run = (~goes_on).cumsum()
    long = again[again.groupby(run)["at"].transform("size") >= PASTED]
    for file, own in long.groupby("file"):
        line = own["line"].iloc[0]
        which = f"{len(own):,} rows are there again in the same order, and counted again; first line {line}"
        yield f"{safe(exports[file].name, 120)}: {which}: if they were pasted twice, take them out"


def _contradiction(pair: pd.Series, when: str, rule: str, exports: Sequence[Export], data: Data) -> Fault:
    first = f"{safe(exports[pair.file_1].name, 120)}:{pair.line_1} has {shown(pair.value_1)} "
    others = [safe(name) for name in exports[pair.file].header if name and name not in data.columns.wanted]
    if others and isinstance(data.columns.value, str) and not data.columns.site:  # of shops, orders would be added up
        rule = f"if {' or '.join(others[:3])} tells them apart, it is data.columns.site; else {rule}"
    return Fault(pair.line, pair.column, shown(pair.value), f"for the same {when}; {rule}", first)


def sum_up(rows: pd.DataFrame, floor: float) -> tuple[pd.DataFrame, list[str]]:
    """One value a site and day, NaN where all its cells are blank; less than nothing, after refunds, is not known."""
    days = rows.groupby(DAY)["value"].sum(min_count=1).round(6).reset_index()
    below = days["value"] < floor
    first = str(days.loc[below, "day"].min())[:10]
    note = f"more given back than sold, taken as not known: {counted(below.sum(), 'day')}; first {first}"
    return days.assign(value=days["value"].mask(below) + 0.0), [note] if below.any() else []


def to_series(days: pd.DataFrame, data: Data) -> pd.DataFrame:
    """The series table of one value a site and day, with the days that the market's file says something of.

    Each site from its first day to its last; a day said to be shut on which somebody came was open.
    """
    spans = days.groupby("site")["day"].agg(["min", "max"])
    places = pd.Series({site: location(str(site), data.location) for site in spans.index}).sort_values()
    first, last = (spans.loc[places.index, end].to_numpy() for end in ("min", "max"))
    lengths = (last - first) // ONE + 1
    begins = np.cumsum(lengths) - lengths  # where each site's days do, all sites one after the other
    every = pd.DatetimeIndex(first.repeat(lengths) + (np.arange(lengths.sum()) - begins.repeat(lengths)) * ONE)
    site = places.index.get_indexer(days["site"])
    at = begins[site] + (days["day"].to_numpy() - first[site]) // ONE
    values, had_row = np.full(len(every), np.nan), np.zeros(len(every), bool)
    values[at], had_row[at] = days["value"], True
    came = values > unit_of(data.category).floor
    closed = (said(every, data.closed.model_dump()) | (~had_row & (data.absent == "closed"))) & ~came
    opened = np.select([closed, came], ["no", "yes"], "unknown")
    table = pd.DataFrame({"location": places.to_numpy().repeat(lengths), "category": data.category, "date": every,
                          "value": values, "open": opened})  # fmt: skip
    return table[had_row | closed | (data.absent == "unknown")].reset_index(drop=True)


def location(site: str, market: str) -> str:
    """The location of a site's series: ``PT-11/<site>``, a / in its name as %2F; without sites, the market's own."""
    return f"{market.partition('/')[0]}/{site.replace('/', '%2F')}" if site else market


def never_known(days: pd.DataFrame, data: Data) -> list[str]:
    """A note for each weekday of which a site has rows, and none with a value: shut, or not exported."""
    own = days[~said(pd.DatetimeIndex(days["day"]), data.closed.model_dump())]
    known = own.groupby([own["day"].dt.day_name(), "site"])["value"].agg(["size", "count"])
    blank = known[known["count"].eq(0) & known["size"].ge(FEWEST_BLANK)]["size"]
    floor = unit_of(data.category).floor
    return [_no_value(weekday, sites.droplevel(0), floor) for weekday, sites in blank.groupby(level=0)]


def _no_value(weekday: str, blank: pd.Series, floor: float) -> str:
    at = f" at {some([str(site) for site in blank.index])}" if any(blank.index) else ""
    shut = f"write {floor:g}" if at else f"say closed: {{weekdays: [{weekday.lower()}]}}"
    return f"no {weekday}{at} has a value ({blank.sum():,} blank): if it is shut, {shut}; else export it"


def absent(days: pd.DataFrame, data: Data) -> list[str]:
    """A note: days without a row between a site's first and its last; of weeks on end, what to do if it was shut."""
    dates = days.groupby("site")["day"]
    missing = ((dates.max() - dates.min()).dt.days + 1 - dates.count()).rename("missing")
    if not missing.sum():
        return []
    site = missing.idxmax()
    own = pd.DatetimeIndex(days.loc[days["site"] == site, "day"])
    gone = pd.date_range(own.min(), own.max()).difference(own)
    weekdays = gone.day_name().value_counts()
    mostly = f"mostly {weekdays.index[0]}s, " if weekdays.iloc[0] > len(gone) / 2 else ""
    where = f"{len(gone):,} at {safe(str(site))}, " if site else ""
    weeks = [] if data.absent else _weeks_unsaid(gone, own, data)
    when = f"from {weeks[0]:%Y-%m-%d} to {weeks[-1]:%Y-%m-%d}" if len(weeks) else ""
    how = f"; if it was shut {when}, say so in closed.from_to, or absent: closed, for every such day" if when else ""
    which = f"{where}{mostly}first {gone[0]:%Y-%m-%d}{how}"
    return [f"no row between first and last: {counted(missing.sum(), 'day')}; {which}"]


def _weeks_unsaid(gone: pd.DatetimeIndex, own: pd.DatetimeIndex, data: Data) -> pd.DatetimeIndex:
    """The longest stretch of days without a row that no span says, from one usually open to another; none if short."""
    absent, present = (np.bincount(days.dayofweek, minlength=WEEK) for days in (gone, own))
    rests = absent > present
    rests &= ~rests.all()
    unsaid = gone[~said(gone, data.closed.model_dump() | {"weekdays": []})]
    stretches = np.split(unsaid, np.flatnonzero(np.diff(unsaid) > ONE) + 1)
    longest = max((_between(days, ~rests[days.dayofweek]) for days in map(pd.DatetimeIndex, stretches)), key=len)
    return longest if len(longest) >= LONG else longest[:0]


def _between(days: pd.DatetimeIndex, ends: np.ndarray) -> pd.DatetimeIndex:
    """Days from the first to the last one that may be an end."""
    return days[np.logical_or.accumulate(ends) & np.logical_or.accumulate(ends[::-1])[::-1]]
