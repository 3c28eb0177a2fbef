"""How a market stands, on one screen: what it has, what comes next, what is wrong, and the command that mends it."""

import datetime as dt
from collections.abc import Callable, Iterator

import pandas as pd

from flows.champion import entries
from flows.operations.finding import Finding
from flows.orchestration import alerts, automations, deployments, schedule
from flows.record.folder import unfinished
from flows.settings import day_of, home, params_folder
from flows.storage import bucket as storage
from flows.storage import forecasts, layout
from flows.storage.bucket import Bucket
from footfall.errors import DataProblem, Problem, UsageProblem
from footfall.evaluation.review import LATELY, accuracy, last_days
from footfall.market_file import read_market, read_markets
from footfall.params import Market
from footfall.selection import NEWER
from footfall.sources.fault import counted

REMEDY = {
    "stale source": "look at the source; the run after its next figures goes on by itself",
    "sites without a forecast": "look at their tills",
    "missed day": "run the missed days as the sentence says",
    "decay": "footfall train {market}",
    "word not sent": "see the sentence, then footfall predict {market}",
}


def screens(bucket: Bucket, market: str | None = None) -> Iterator[tuple[str, list[Finding]]]:
    """One market's screen, or that of each that there is something to say of; at the end what is of all at once."""
    causes = alerts.opened()
    names = [market] if market else markets(bucket, causes)
    for name in names:
        yield name, screen(bucket, name, causes)
    none = [] if names else [Finding("markets", "no forecast or champion yet; make one: footfall run sample")]
    yield "all markets", [*none, *_waiting(), Finding("alerts", automations.sentence())]


def markets(bucket: Bucket, causes: list[dict[str, str]]) -> list[str]:
    """The markets in ``params/`` that have a forecast, a champion, a schedule, an open cause, or an unreadable file.

    One that fails each morning may have neither of the first two.
    """
    files = read_markets(params_folder())
    told = {cause["market"] for cause in causes} | deployments.scheduled()
    told |= {name for name, market in files.items() if isinstance(market, UsageProblem)}
    return [name for name in files if name in told or _has_something(bucket, name)]


def _has_something(bucket: Bucket, name: str) -> bool:
    try:
        return bool(storage.names(bucket, layout.pointer(name)) or entries.newest(bucket, name))
    except DataProblem:  # it has a ledger, of which its own lines tell what is wrong
        return True


def screen(bucket: Bucket, name: str, causes: list[dict[str, str]]) -> list[Finding]:
    """Everything there is to know of a market at a glance; a line with a `mend` is one where something is wrong."""
    opened = [_open(cause) for cause in causes if cause["market"] == name]
    try:
        market = read_market(params_folder(), name)
    except UsageProblem as problem:
        return [Finding("file", str(problem), "correct it; until then no run of this market succeeds"), *opened]
    today = day_of(market.data)
    parts: dict[str, Callable[[], list[Finding]]] = {
        "forecast": lambda: _forecast(bucket, market, today),
        "champion": lambda: [_champion(bucket, name, today)],
        "skill": lambda: [_skill(bucket, market)],
        "next": lambda: _next(market),
        "missed": lambda: _missed(bucket, market, today),
    }
    return [*[finding for about, part in parts.items() for finding in _found(about, part)], *opened]


def _found(about: str, part: Callable[[], list[Finding]]) -> list[Finding]:
    """What was found; of what cannot be read, that, and it hides nothing else."""
    try:
        return part()
    except DataProblem as problem:
        return [Finding(about, str(problem), "see the sentence")]


def _forecast(bucket: Bucket, market: Market, today: dt.date) -> list[Finding]:
    """The last data, and the last forecast with its true date."""
    try:
        latest = forecasts.latest(bucket, market.name)
    except Problem as problem:
        return [Finding("forecast", str(problem), f"footfall predict {market.name}")]
    if latest is None:
        return [Finding("forecast", "none yet", f"footfall run {market.name}")]
    made, about = dt.date.fromisoformat(latest.pointer["as_of"]), latest.manifest["about"]
    through = dt.date.fromisoformat(about["data_through"])
    stale = forecasts.is_stale(bucket, market.data, about, today)
    says = f"{through}, {_days(today, through)} before {today}" + (f", stale: {about['source']}" if stale else "")
    # of a stale source the page says so, and differs
    behind = not stale and not forecasts.is_put_up(bucket, latest)
    return [
        Finding("data", says, REMEDY["stale source"] if stale else ""),
        Finding("forecast", f"as of {made}, {_age(today, made)}"),
        *[Finding("page", "not that of the latest forecast", f"footfall predict {market.name}")] * behind,
    ]


def _champion(bucket: Bucket, name: str, today: dt.date) -> Finding:
    """The champion's version, its age and why it is champion."""
    last = entries.newest(bucket, name)
    if last is None:
        return Finding("champion", "none yet", f"footfall train {name}")
    entry = entries.read(bucket, last.champions[-1])
    age = _age(today, entry.as_of)
    return Finding("champion", f"{name}/{entry.version}, since {entry.as_of}, {age}; {entry.action}: {entry.why}")


def _skill(bucket: Bucket, market: Market) -> Finding:
    """How much smaller the errors of the last 28 reviewed days were than the seasonal naive's."""
    reviewed = forecasts.scores(bucket, market).dropna(subset="error")  # of a day said to be closed there is none
    if reviewed.empty:
        return Finding("skill", "no reviews yet")
    last = str(reviewed["target_end_date"].max())
    lately = last_days(reviewed, last, LATELY)
    recent, days = accuracy(lately), counted(lately["target_end_date"].nunique(), "day")
    skill = f"{recent['skill']:+.0%} against the seasonal naive"
    held = f"the 80 % range held {recent['cover80']:.0%} of the days"
    return Finding("skill", f"{skill}, {held}; {days} to {last}, {recent['forecasts']} forecasts")


def _next(market: Market) -> list[Finding]:
    late = "footfall up starts a worker; if one is there, read its log"
    lines = [
        Finding(f"next {run['flow']}", f"{run['when']}, {run['state'].lower()}", late if run["state"] == "Late" else "")
        for run in schedule.coming(market.name)
    ]
    if lines:
        return lines
    if deployments.is_shared(market.name, market.data):  # the zones of daily/all are those of the last start
        mend = "footfall up; where it is up, end it and start it again"
        return [Finding("next", f"nothing is scheduled in {market.data.timezone}", mend)]
    return [Finding("next", "nothing is scheduled")]


def _missed(bucket: Bucket, market: Market, today: dt.date) -> list[Finding]:
    """Scheduled days since the first publication, before today, that have no forecast."""
    name, published = market.name, forecasts.sets(bucket, market.name)
    if not published or market.data.as_of:  # a market whose clock stands still misses nothing
        return []
    first, last = dt.date.fromisoformat(min(published)), today - dt.timedelta(days=1)
    missed = [day for day in schedule.days(name, first, last) if str(day) not in published]
    if not missed:
        return []
    says = f"{counted(len(missed), 'scheduled day')} without a forecast: {', '.join(_stretches(missed))}"
    return [Finding("missed", says, f"footfall backfill {name} --from {missed[0]} --to {missed[-1]}")]


def _stretches(days: list[dt.date]) -> list[str]:
    """Days as ``2022-10-01`` and ``2022-10-03 … 2022-10-05``; the last five of the stretches."""
    table = pd.Series(pd.to_datetime(days))
    parts = [part for _, part in table.groupby((table.diff() != pd.Timedelta(days=1)).cumsum())]
    stretches = [" … ".join(sorted({f"{part.iloc[0]:%Y-%m-%d}", f"{part.iloc[-1]:%Y-%m-%d}"})) for part in parts]
    return stretches if len(stretches) <= 5 else ["earlier ones", *stretches[-5:]]


def _open(cause: dict[str, str]) -> Finding:
    look = f"footfall runs --market {cause['market']}, then open the page of the failed one"
    mend = REMEDY.get(cause["cause"], look).format(**cause)
    if f": {NEWER}: " in cause["sentence"]:
        mend += f"; one that is new waits for a training: footfall train {cause['market']}"
    first, *more = cause["sentence"].splitlines()
    sentence = f"{first} … and {len(more)} more" if more else first
    return Finding(cause["cause"], f"since {cause['since'][:16].replace('T', ' ')} UTC: {sentence}", mend)


def _waiting() -> list[Finding]:
    waiting = list(unfinished(home() / "runs"))
    if not waiting:
        return []
    says = f"{len(waiting)} wait for MLflow, the oldest {waiting[0].name}"
    return [Finding("records", says, "the next run delivers them")]


def _age(today: dt.date, day: dt.date) -> str:
    return f"{_days(today, day)} old" if day <= today else f"{_days(day, today)} after {today}, the market's own day"


def _days(later: dt.date, earlier: dt.date) -> str:
    return counted((later - earlier).days, "day")
