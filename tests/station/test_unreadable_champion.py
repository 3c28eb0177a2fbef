"""A champion whose class is no longer there: a prediction says what to do, and a training puts another in its place."""

import sys
import types

import pandas as pd
from conftest import footfall
from figures import retail

from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.champion import read_champion, write_champion
from footfall.models import fit

AS_OF = ("--as-of", "2022-10-13")
MISSING = "the champion cannot be read: it needs footfall.models.mine.Mine, which is not there"


def test_a_champion_whose_class_left_stops_the_prediction_and_not_the_training(
    first_run, few_candidates, live, tmp_path, monkeypatch
):
    from flows.champion import ledger, registry

    store, module = storage.connect("footfall"), types.ModuleType("footfall.models.mine")
    exec("from footfall.models import SeasonalNaive\nclass Mine(SeasonalNaive): pass", module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)  # here alone: a notebook's process does not know it
    first = ledger.entries(store, "sample")[0]
    registry.lay_down("sample", first.version, tmp_path)
    good = read_champion(tmp_path / "champion")
    fitted = fit(module.Mine(), retail()[: pd.Timestamp(good.about["data_through"])])
    write_champion(tmp_path / "model", fitted, good.residuals, good.about)
    version = registry.register(live, first.run, tmp_path / "model", {})
    ledger.promote(store, live, version, None, first.as_of, first.gate, first.run)

    refused = footfall("predict", live, *AS_OF)
    assert refused.exit_code == 3 and MISSING in refused.output, refused.output
    assert "footfall train" in refused.output and "footfall rollback" in refused.output
    trained = footfall("train", live, *AS_OF, "--set", "train.backtest_days=66")  # fewer: it trains faster
    assert trained.exit_code == 0, trained.output
    entry = ledger.newest(store, live)
    assert entry.version != version and entry.was == version and entry.why.startswith(MISSING), entry
    assert footfall("predict", live, *AS_OF).exit_code == 0
    assert forecasts.latest(store, live).manifest["about"]["model_version"] == f"{live}/{entry.version}"
