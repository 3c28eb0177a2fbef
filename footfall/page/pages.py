"""The pages of a market: that of its one place, or an index of its places and a page each."""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from footfall import events
from footfall.calendar import country_of
from footfall.champion import FALLBACKS
from footfall.digest import sha256
from footfall.forecast import write_csv
from footfall.forecasting import MarketForecast, SeriesForecast
from footfall.page.about import About, Standing
from footfall.page.index import Site, index, weeks_of
from footfall.page.page import Track, read_tracks, write_page
from footfall.page.reasons import WEATHER
from footfall.page.translations import Language, languages, leading
from footfall.page.words import of_places, without_forecast
from footfall.selection import Key
from footfall.series import DAY, SERIES, site_of
from footfall.units import COUNTS, unit_of

INDEX = "../../index.html"  # seen from a place's page
DRAWN = 100  # places at most that have a page each; of more the index alone is drawn


def write_pages(
    made: MarketForecast,
    lag: int,
    tracks: str | Path,
    out: str | Path,
    about: About,
) -> None:
    """Write the page of a market's one place; of more an index, and under ``sites/<slug>/`` a page and calendars each.

    Parameters
    ----------
    made : MarketForecast
        From `footfall.forecasting.forecast_all`. A market that asked for one series has one place.
    lag : int
        Days between a day and its publication.
    tracks : str or Path
        File with how earlier forecasts came true; empty if there is none.
    out : str or Path
        The notebook's folder; what is drawn lies beside the published table.
    about : About
        What the market says of itself.
    """
    folder, tracks_of = Path(out) / "forecast", read_tracks(tracks)
    keys = [*made.accounts[SERIES].itertuples(index=False, name=None)]
    if len(keys) == 1:
        return _keep(_write(made.series[keys[0]], lag, tracks_of.get(" ".join(keys[0])), folder, about), out)
    speaks = zip(keys, made.accounts["status"], made.accounts["model"], strict=True)
    standing = {key: _standing(status, model, about.standing) for key, status, model in speaks}
    of_several, is_drawn, sites, words = len({category for _, category in keys}) > 1, len(keys) <= DRAWN, [], {}
    countries = {country_of(location)[:2] for location, _ in keys}
    country = countries.pop() if len(countries) == 1 else ""  # of several none leads
    offered = languages(unit_of(keys[0][1]).name)
    names = {language.short: _names(keys, of_several, language, about) for language in offered}
    leader = leading(offered, country).short
    batches = {id(one.batch): one.batch for one in made.series.values()}
    weeks = {of: weeks_of(batch.outlook, batch.y.shape[1]) for of, batch in batches.items()}
    # the elder chooses its address first, so that no newcomer takes it; one without a forecast has no page, and is last
    firsts = ((batch.y, batch.y.notna().to_numpy().argmax(axis=0)) for batch in batches.values())
    begins = {key: y.index[first] for y, each in firsts for key, first in zip(y, each, strict=True)}
    slugs = _slugs(sorted(keys, key=lambda key: (key not in begins, begins.get(key))), of_several)
    for key in keys:
        slug = slugs[key]
        called, one, page = {short: of_all[key] for short, of_all in names.items()}, made.series.get(key), ""
        if is_drawn and one is not None:
            page = slug
            own = about._replace(all_places=INDEX, standing=standing[key])
            words[key] = _write(one, lag, tracks_of.get(" ".join(key)), folder / "sites" / slug, own)
            write_csv(one.table, folder / "sites" / slug / "forecast.csv")
        elif is_drawn:
            words[key] = without_forecast(made.asked.days, languages(unit_of(key[1]).name))
        week, alike = None if one is None else weeks[id(one.batch)][one.at], len({*called.values()}) == 1
        sites.append(Site(called[leader], page, week, {} if alike else called))
    on, through = made.asked.days[0] - DAY, max(batch.y.index[-1] for batch in batches.values())
    weather = any(batch.parts[name].any() for batch in batches.values() for name in batch.parts.keys() & {*WEATHER})
    about = about._replace(weather=weather)
    (folder / "index.html").write_text(index(sites, on, through, keys[0][1], country, about), encoding="utf-8")
    _keep(of_places(words, names, offered, about), out)


def _standing(status: str, model: str, of_market: Standing) -> Standing:
    """Of one of many: by who speaks for it, as a verdict on all of them says nothing of one."""
    if "young" in (status, of_market):
        return "young"
    return "proven" if model not in FALLBACKS or (status, of_market) == ("published", "proven") else "unproven"


def _keep(words: dict[str, Any], out: str | Path) -> None:
    (Path(out) / "words.json").write_text(json.dumps(words, ensure_ascii=False, indent=1), encoding="utf-8")


def _write(one: SeriesForecast, lag: int, track: Track | None, folder: Path, about: About) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    is_told = bool(one.batch.closed.events[one.at])
    about = about._replace(known_days=one.days_known, weather=one.parts.filter(WEATHER).any(axis=None), events=is_told)
    closures = events.among(one.batch.asked.closures, site_of(one.batch.y.columns[one.at][0]))
    return write_page(one.table, one.y, one.outlook, lag + one.was_shut, track, folder, about, closures)


def _names(keys: list[Key], of_several: bool, language: Language, about: About) -> dict[Key, str]:
    """What a language calls each place, those of one name told apart by their locations."""
    names = {key: _name(key, of_several, language, about) for key in keys}
    alike = Counter(names.values())
    return {key: name if alike[name] == 1 else f"{name} ({key[0]})" for key, name in names.items()}


def _name(key: Key, of_several: bool, language: Language, about: About) -> str:
    """A site by its own name, any other place by its location's; with the category where there are several."""
    location, category = key
    is_site = unit_of(category) is COUNTS and site_of(location)
    place = site_of(location) if is_site else language.place(location, about.names)
    return f"{place} · {language.say(category)}" if of_several else place


def _slugs(keys: list[Key], of_several: bool) -> dict[Key, str]:
    """A folder's name for each series: small letters and digits of its own; of some alike the first has no digest."""
    slugs: dict[str, Key] = {}
    for key in keys:
        slug = _plain(" ".join(key) if of_several else key[0])
        is_free = slug and slug not in slugs
        slugs[slug if is_free else f"{slug}-{sha256(' '.join(key).encode())[:8]}".lstrip("-")] = key
    return {key: slug for slug, key in slugs.items()}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", site_of(name) or name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60]
