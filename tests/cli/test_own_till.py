"""A till of one's own, as its owner would: an export, footfall new, footfall run, the page."""

import uuid

import numpy as np
import pandas as pd
import pytest
from conftest import footfall

from flows.storage import bucket, forecasts

DAYS = pd.date_range("2025-09-02", "2025-10-19")  # seven weeks, to a Sunday


@pytest.fixture
def tasca(servers, tmp_path, monkeypatch):
    """An export of guests a day, days first, without Mondays and Tuesdays; the market's name and the export."""
    guests = 80 + 15 * np.maximum(DAYS.dayofweek - 2, 0) + np.random.default_rng(1).integers(-8, 9, len(DAYS))
    rows = [f"{day:%d/%m/%Y};{n}" for day, n in zip(DAYS, guests, strict=True) if day.dayofweek > 1]
    (tmp_path / "export.csv").write_text("\n".join(["Data;Clientes", *rows]) + "\n")
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path))
    return f"tasca{uuid.uuid4().hex[:6]}", tmp_path / "export.csv"


def test_an_export_becomes_a_page_in_its_own_numbers_with_its_days_of_rest(tasca):
    from flows.champion import ledger

    name, export = tasca
    made = footfall("new", name, str(export), "--location", "PT-11", "--measure-en", "guest,guests", "--name", "Tasca")
    assert made.exit_code == 0 and "Mondays, Tuesdays taken for closed" in made.output, made.output
    done = footfall("run", name)
    assert done.exit_code == 0, done.output
    store = bucket.connect("footfall")
    latest = forecasts.latest(store, name)
    table = pd.read_csv(pd.io.common.BytesIO(latest.files["forecast.csv"]))
    means = table[table["output_type"] == "mean"].set_index("target_end_date")
    assert (means.index[0], means.index[-1]) == ("2025-10-21", "2025-10-27")
    assert means["open"].eq("no").tolist() == [True, *[False] * 5, True] and means.loc["2025-10-27", "value"] == 0
    assert means.loc[means["open"] == "yes", "value"].between(60, 160).all()
    assert latest.manifest["about"]["unit"] == "counts" and latest.manifest["about"]["measure"] == {
        "en": ["guest", "guests"]
    }
    page = latest.files["index.html"].decode()
    assert "Tasca" in page and "guests" in page and "Google" not in page and "Closed" in page
    entry = ledger.newest(store, name)
    assert entry.gate["standing"] == "young" and "a verdict takes" in entry.why
    assert "closed" in footfall("forecast", name).output
