"""Short, holed, low and foreign series get a sane forecast from every candidate, or a refusal that says why."""

import numpy as np
import pandas as pd
import pytest
from conftest import typical
from figures import retail

from flows.authoring.candidates import candidates
from flows.settings import notebooks_folder
from footfall.errors import DataProblem
from footfall.evaluation.backtest import backtest, last_origins
from footfall.evaluation.intervals import with_quantiles
from footfall.models.updating import fit, predict
from footfall.params import TrainParams
from footfall.quantiles import QUANTILES
from footfall.series import pick, to_parquet, unfit


def holed(y: pd.Series) -> pd.Series:
    """A sixth of the days gone: a fortnight in a row, and single ones."""
    y = y.copy()
    y.iloc[len(y) // 2 : len(y) // 2 + 14] = np.nan
    y.iloc[np.random.default_rng(1).choice(len(y) - 1, len(y) // 8, replace=False)] = np.nan
    return y


def lowered(y: pd.Series) -> pd.Series:
    """The same coming and going at a twentieth of the visits: around −95 %."""
    return (y + 100) / 20 - 100


SERIES = {
    "young": ("PT", retail()[-127:]),
    "at -95": ("PT", lowered(retail())),
    "holed": ("PT", holed(retail())),
    "no calendar": ("XX", retail()),
    "all of it": ("XX", lowered(holed(retail())[-127:])),
}
NAMES = ["seasonal naive", "ETS", "calendar", "steady", "boosted", "both scales"]
each = pytest.mark.parametrize("name", NAMES)


def recipes(country: str, y: pd.Series, folder) -> dict:
    """The candidates of train.ipynb, by its own cells, for a table with this one series."""
    table = pd.DataFrame({"location": country, "category": y.name, "date": y.index, "value": y.to_numpy()})
    (folder / "snapshot.parquet").write_bytes(to_parquet(table))
    asked = {"location": country, "category": y.name, "as_of": f"{y.index[-1]:%Y-%m-%d}", "lag": 0}
    few = {"horizon": 7, "backtest_days": 60, "snapshot": str(folder / "snapshot.parquet")}
    return candidates(notebooks_folder() / "train.ipynb", TrainParams(**asked, **few))


def ahead(y: pd.Series) -> pd.DatetimeIndex:
    """A week across a publication lag of three days."""
    return pd.date_range(y.index[-1], periods=11)[4:]


@pytest.mark.long
@each
@pytest.mark.parametrize("case", SERIES)
def test_the_week_is_within_what_the_series_has_shown(case, name, tmp_path):
    country, y = SERIES[case]
    said = predict(fit(recipes(country, y, tmp_path)[name], y), ahead(y))
    slack = (y.max() - y.min()) / 2
    assert np.isfinite(said).all() and (said >= -100).all()
    assert said.between(y.min() - slack, y.max() + slack).all()


@pytest.mark.parametrize("case", typical(SERIES, "at -95", "all of it"))
def test_its_ranges_are_whole_and_in_order(case, tmp_path):
    country, y = SERIES[case]
    chosen = {name: recipes(country, y, tmp_path)[name] for name in ("seasonal naive", "calendar")}
    table = with_quantiles(backtest(chosen, y, last_origins(y, 35, 7), 7, 0), country, 0)
    last = table[table["origin"] == table["origin"].max()][QUANTILES].to_numpy()
    assert np.isfinite(last).all() and (last >= -100).all() and (np.diff(last, axis=1) >= 0).all()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda y: y[-27:], "27 days from 2022-09-17 to 2022-10-13, and at least 28 are needed"),
        (lambda y: y.where(np.arange(len(y)) % 4 > 0), "25% of the days have no value, and at most 20% may be missing"),
        (lambda y: y.mask(y.index > y.index[-15], -95.0), "the source may be stuck"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_by_the_notebook(spoil, reason, tmp_path):
    with pytest.raises(DataProblem, match=reason):
        recipes("PT", spoil(retail()), tmp_path)


@pytest.mark.parametrize("name", ["seasonal naive", "calendar"])
def test_a_tenth_of_the_visits_is_a_tenth_of_the_forecast(name, tmp_path):
    y = retail()
    tenth = (y + 100) / 10 - 100
    recipe = recipes("PT", y, tmp_path)[name]
    said, lower = predict(fit(recipe, y), ahead(y)), predict(fit(recipe, tenth), ahead(y))
    np.testing.assert_allclose(lower, (said + 100) / 10 - 100)


@each
def test_days_without_figures_before_the_first_and_after_the_last_change_nothing(name, tmp_path):
    y = holed(retail())
    days = pd.date_range(y.index[0] - pd.Timedelta(days=30), y.index[-1] + pd.Timedelta(days=5))
    wide = y.reindex(days)
    table = pd.DataFrame({"location": "PT", "category": y.name, "date": days, "value": wide.to_numpy()})
    found, recipe = pick(table, "PT", y.name), recipes("PT", y, tmp_path)[name]
    pd.testing.assert_series_equal(predict(fit(recipe, found), ahead(y)), predict(fit(recipe, y), ahead(y)))


@pytest.mark.long
@each
def test_one_missing_day_moves_the_week_by_less_than_the_days_differ(name, tmp_path):
    y, recipe = retail(), recipes("PT", retail(), tmp_path)[name]
    whole = predict(fit(recipe, y), ahead(y))
    gone = predict(fit(recipe, y.mask(y.index == y.index[-9])), ahead(y))
    assert (whole - gone).abs().max() < y[-28:].std()


def test_a_series_without_any_day_is_refused_in_words():
    assert unfit(retail()[:0], 60) == ["no day of it is published, and at least 60 are needed"]
