"""Champions saved before the forecasters moved to other modules are loaded, and forecast what they did.

`tests/fixtures/champions` holds three as commit 65be78b wrote them, fitted to the sample as of 2022-10-13, with its own
forecasts: `as saved`, and `brought up` to 2022-10-13.
"""

import json
import os
import pickle
import shutil
import sys
import types
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figures import parts_of, retail
from sklearn.linear_model import Ridge
from sktime.forecasting.compose import EnsembleForecaster, make_reduction
from sktime.forecasting.naive import NaiveForecaster
from sktime.transformations.series.func_transform import FunctionTransformer

from footfall.champion import read_champion, read_incumbent, write_champion
from footfall.errors import DataProblem, UnreadableModel
from footfall.models import (
    Boosted,
    KindOfDay,
    LogLevel,
    Panel,
    SeasonalNaive,
    bring_up_to,
    contributions,
    fit,
    predict,
    with_panel,
)
from footfall.models.saving import MOVED, load, refuse_own_of_notebook, save

CHAMPIONS = Path(__file__).parents[1] / "fixtures" / "champions"
each = pytest.mark.parametrize("name", ["calendar", "boosted", "ets"])


def forecasts(name: str) -> dict:
    return json.loads((CHAMPIONS / name / "forecast.json").read_text())


@each
def test_an_old_champion_forecasts_what_it_did(name):
    model, then = read_champion(CHAMPIONS / name).forecaster, forecasts(name)
    for forecaster, expected in ((model, then["as saved"]), (bring_up_to(model, retail()), then["brought up"])):
        days = pd.DatetimeIndex(expected["days"])
        np.testing.assert_allclose(predict(forecaster, days), expected["mean"], rtol=0, atol=1e-12)
        parts = parts_of(forecaster, days)
        np.testing.assert_allclose(parts, pd.DataFrame(expected["parts"])[list(parts)], rtol=0, atol=1e-12)
        total = contributions.total(parts, contributions.in_logarithms(forecaster))
        np.testing.assert_allclose(total, predict(forecaster, days))


@each
def test_the_recipe_of_an_old_champion_is_fitted_anew(name, tmp_path):
    old = read_champion(CHAMPIONS / name)
    assert (old.about["candidate"], old.about["data_through"]) == (name, f"{old.forecaster.cutoff[-1]:%Y-%m-%d}")
    recipe = with_panel(old.forecaster, Panel())
    save(fit(recipe, retail()), tmp_path / "again.zip")
    days = pd.date_range("2022-10-14", periods=7)
    assert predict(load(tmp_path / "again.zip"), days).between(-20, 40).all()


def test_every_old_name_leads_to_a_class_of_that_name():
    for (_, name), module in MOVED.items():
        assert pickle.loads(f"c{module}\n{name}\n.".encode()).__module__ == module


def test_a_saved_class_of_an_old_name_is_the_one_of_today():
    assert type(read_champion(CHAMPIONS / "boosted").forecaster) is Boosted
    assert type(read_champion(CHAMPIONS / "calendar").forecaster.steps_[1][1]) is KindOfDay


def test_a_member_of_an_enum_is_found_by_its_name_and_nothing_else_is(tmp_path):
    for module, name, value in (("pandas._libs.lib", "_NoDefault", "no_default"), ("pandas", "Series", "to_pickle")):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as file:
            file.writestr("_obj", f"cbuiltins\ngetattr\n(c{module}\n{name}\nV{value}\ntR.")
    assert load(tmp_path / "_NoDefault.zip") is pd.api.extensions.no_default
    with pytest.raises(UnreadableModel, match=r"TypeError|AttributeError"):
        load(tmp_path / "Series.zip")


class Shell:
    """Pickled, it runs a command when it is read."""

    def __reduce__(self):
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Shell()),
        b"cbuiltins\neval\n(V1+1\ntR.",
        b"\x80\x04\x8c\x10pandas.io.common\x8c\tos.getpid\x93)R.",  # by way of a package that imports it
        b"cpandas\nread_pickle\n(V/dev/null\ntR.",  # which would unpickle with nobody looking
        b"cnumpy\nload\n(V/dev/null\nNI01\ntR.",
        b"cpsutil\nPopen\n(Vtrue\ntR.",  # a class that acts, of a package that no model is of
        b"cpandas.core.computation.expr\nExpr\n(V1+1\ntR.",  # a class that takes a text for code
        b"\x80\x04\x8c\x06pandas\x8c\x14io.pytables.HDFStore\x93\x8c\x01x\x85R.",
        b"cpandas\nExcelFile\n(V/dev/null\ntR.",
        b"cnumpy\nvectorize\n(I1\ntR.",
        b"cnumpy\nmemmap\n(V/dev/null\ntR.",
        b"cfootfall.models.saving\n_Unpickler\n(I1\ntR.",
        b"cfootfall.champion\nread_champion\n(V/dev/null\ntR.",
    ],
)
def test_a_file_that_would_act_is_refused(content, tmp_path):
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as file:
        file.writestr("_obj", content)
    with pytest.raises(DataProblem, match="no forecaster needs"):
        load(tmp_path / "model.zip")


def test_a_forecaster_that_could_not_be_loaded_is_not_saved(tmp_path):
    fitted = fit(NaiveForecaster(sp=7), retail())
    fitted.extra = pytest.fail  # a function of a package that no model is of
    with pytest.raises(DataProblem, match=r"_pytest\.outcomes\.\w+.*footfall/models/saving\.py"):
        save(fitted, tmp_path / "model.zip")


def test_a_candidate_of_sktimes_own_on_statsmodels_is_saved(tmp_path):
    from sktime.forecasting.arima import StatsModelsARIMA

    model = StatsModelsARIMA(order=(1, 0, 0)).fit(retail()[-60:], fh=[1, 2])
    save(model, tmp_path / "arima.zip")
    pd.testing.assert_series_equal(load(tmp_path / "arima.zip").predict(), model.predict())


MINE = "footfall.models.mine"


def mine(monkeypatch, parameters=""):
    """A class of one's own in footfall/models/, with such parameters; as it stands in a file that changes."""
    module = types.ModuleType(MINE)
    names = [part.partition("=")[0] for part in parameters.split(", ") if part]
    keep = "".join(f"        self.{name} = {name}\n" for name in names)
    init = f"    def __init__({', '.join(['self', *filter(None, [parameters])])}):\n{keep}        super().__init__()\n"
    exec(f"from footfall.models import SeasonalNaive\nclass Mine(SeasonalNaive):\n{init}", module.__dict__)
    monkeypatch.setitem(sys.modules, MINE, module)
    return module.Mine


def test_a_parameter_that_a_class_was_given_since_has_its_default_wherever_it_is(monkeypatch, tmp_path):
    own = mine(monkeypatch, "inner=3")(inner=5)
    fitted = EnsembleForecaster([("a", own), ("b", LogLevel() * own)]).fit(retail())
    save(fitted, tmp_path / "model.zip")
    mine(monkeypatch, "inner=3, window=28")
    loaded = load(tmp_path / "model.zip")
    recipe = loaded.clone()
    for step in (recipe.forecasters[0][1], recipe.forecasters[1][1].steps[-1]):
        assert step.get_params() == {"inner": 5, "window": 28}
    days = pd.date_range(retail().index[-1], periods=8)[1:]
    pd.testing.assert_series_equal(predict(loaded, days), predict(fitted, days))


def gone(monkeypatch):
    monkeypatch.delitem(sys.modules, MINE)


def renamed(monkeypatch):
    del sys.modules[MINE].Mine


def asked_for_more(monkeypatch):
    mine(monkeypatch, "window")


def of_another_form(monkeypatch):
    def refuse(self, state):
        raise ValueError("a state of release 1")

    monkeypatch.setattr(sys.modules[MINE].Mine, "__setstate__", refuse, raising=False)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (gone, r"it needs footfall\.models\.mine\.Mine, which is not there \(No module named 'footfall\.models\.mine"),
        (renamed, r"it needs footfall\.models\.mine\.Mine, which is not there"),
        (asked_for_more, r"footfall\.models\.mine\.Mine has a parameter window by now, without a default"),
        (of_another_form, "ValueError: a state of release 1"),
    ],
)
def test_a_champion_that_code_has_left_behind_says_so_and_stops_no_training(changed, says, monkeypatch, tmp_path):
    old = read_champion(CHAMPIONS / "calendar")
    write_champion(tmp_path, fit(mine(monkeypatch)(), retail()), old.residuals, old.about)
    assert read_incumbent(tmp_path)[0] and read_incumbent("") == (None, "")
    changed(monkeypatch)
    with pytest.raises(UnreadableModel, match=f"the champion cannot be read: {says}") as stopped:
        read_champion(tmp_path)
    assert "footfall train" in str(stopped.value) and "footfall rollback" in str(stopped.value)
    assert read_incumbent(tmp_path) == (None, str(stopped.value).partition("\n")[0])


def test_a_champion_that_would_act_stops_a_training_too(tmp_path):
    shutil.copytree(CHAMPIONS / "calendar", tmp_path, dirs_exist_ok=True)
    with zipfile.ZipFile(tmp_path / "forecaster.zip", "w") as file:
        file.writestr("_obj", pickle.dumps(Shell()))
    with pytest.raises(DataProblem, match="no forecaster needs"):
        read_incumbent(tmp_path)


def test_a_regressor_or_function_of_the_notebook_s_own_is_refused_too(tmp_path):
    class Own(Ridge):
        pass

    def half(y):
        return y / 2

    Own.__module__ = half.__module__ = "__main__"
    for recipe, name in (
        (make_reduction(Own(), window_length=14), "class Own"),
        (FunctionTransformer(half) * SeasonalNaive(), "function half"),
        (FunctionTransformer(partial(half)) * SeasonalNaive(), "function half"),
    ):
        for refuse in (refuse_own_of_notebook, lambda one: save(one, tmp_path / "model.zip")):
            with pytest.raises(DataProblem, match=f"^{name} is the notebook's own; .* a module of footfall/models/"):
                refuse(recipe)
    Own.__module__ = __name__  # in which nobody finds it by its name either
    with pytest.raises(DataProblem, match=r"cannot be saved, \w+: .*Own"):
        refuse_own_of_notebook(make_reduction(Own(), window_length=14))


def test_a_class_of_the_notebook_s_own_is_refused_wherever_it_is(monkeypatch, tmp_path):
    class Mine(SeasonalNaive):
        pass

    Mine.__module__ = "__main__"
    own = LogLevel() * Mine()
    for recipe in (own, EnsembleForecaster([("a", SeasonalNaive()), ("b", own)]), Boosted("PT", Panel(), calendar=own)):
        with pytest.raises(DataProblem, match=r"class Mine is the notebook's own; move it into .* footfall/models/"):
            refuse_own_of_notebook(recipe)
    refuse_own_of_notebook(LogLevel() * SeasonalNaive())
    refuse_own_of_notebook(make_reduction(Ridge(), window_length=14))
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as file:
        file.writestr("_obj", b"c__main__\nMine\n.")
    with pytest.raises(DataProblem, match="Mine is the notebook's own"):
        load(tmp_path / "model.zip")
