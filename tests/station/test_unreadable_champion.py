"""A champion whose code has changed: a prediction says what to do, and a training puts another in its place."""

import sys
import types

from conftest import footfall
from figures import retail

from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.champion import read_champion, write_champion
from footfall.models import WeekdaySmoother, fit

AS_OF = ("--as-of", "2022-10-13")
MISSING = "the champion cannot be read: it needs footfall.models.mine.Mine, which is not there"


def enthrone(market, forecaster, tmp_path):
    """Make a forecaster champion of a market, whatever becomes of it; its version."""
    from flows.champion import ledger, registry

    store = storage.connect("footfall")
    first = ledger.entries(store, "sample")[0]
    registry.lay_down("sample", first.version, tmp_path)
    good = read_champion(tmp_path / "champion")
    write_champion(tmp_path / "model", forecaster, good.residuals, good.about)
    version = registry.register(market, first.run, tmp_path / "model", {})
    ledger.promote(store, market, version, None, first.as_of, first.gate, first.run)
    return version


def test_a_champion_whose_class_left_stops_the_prediction_and_not_the_training(
    first_run, few_candidates, live, tmp_path, monkeypatch
):
    from flows.champion import ledger, registry

    store, module = storage.connect("footfall"), types.ModuleType("footfall.models.mine")
    exec("from footfall.models import SeasonalNaive\nclass Mine(SeasonalNaive): pass", module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)  # here alone: a notebook's process does not know it
    version = enthrone(live, fit(module.Mine(), retail()[:"2022-10-10"]), tmp_path)

    refused = footfall("predict", live, *AS_OF)
    assert refused.exit_code == 3 and MISSING in refused.output, refused.output
    assert "footfall train" in refused.output and "footfall rollback" in refused.output
    trained = footfall("train", live, *AS_OF, "--set", "train.backtest_days=66")  # fewer: it trains faster
    assert trained.exit_code == 0, trained.output
    entry = ledger.newest(store, live)
    assert entry.version != version and entry.was == version and entry.why.startswith(MISSING), entry
    assert footfall("predict", live, *AS_OF).exit_code == 0
    assert forecasts.latest(store, live).manifest["about"]["model_version"] == f"{live}/{entry.version}"

    monkeypatch.delitem(sys.modules, module.__name__)
    refused = footfall("rollback", live, "--reason", "it drifts")
    assert refused.exit_code == 6 and f"version {version} of {live}: {MISSING}" in refused.output, refused.output
    assert "Nothing was changed; name another version by --to" in refused.output
    assert ledger.newest(store, live) == entry and registry.alias(live) == entry.version


def test_a_champion_that_can_be_read_and_no_longer_fitted_stops_no_training(first_run, few_candidates, live, tmp_path):
    from flows.champion import ledger

    fitted = fit(WeekdaySmoother(), retail()[:"2022-10-10"])
    fitted.level = "of a release that took words"
    version = enthrone(live, fitted, tmp_path)
    trained = footfall("train", live, *AS_OF)
    assert trained.exit_code == 0, trained.output
    entry = ledger.newest(storage.connect("footfall"), live)
    assert entry.was == version and entry.why.startswith("the champion cannot be fitted any more: "), entry
    assert "Error: " in entry.why.partition("; ")[0] and "there was no champion" not in entry.why
