"""The committed notebooks: executed on the sample where they stand, and the forecasts that the review reads."""

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import papermill
from nbclient import NotebookClient

from flows.authoring import pairing, screenshot
from flows.notebook.forkserver import environment
from flows.record.files import replace
from flows.settings import ROOT, notebooks_folder
from flows.sources.reading import read_source
from footfall.forecast import read_forecast
from footfall.market_file import read_market
from footfall.params import PredictParams
from footfall.series import to_parquet, visible

STATIONS = ("explore", "train", "predict", "review")


def forecast_the_past(say: Callable[[str], None]) -> None:
    """Make the forecasts that review.ipynb reads by default: train and predict as of the last weeks of the sample."""
    tables = []
    with tempfile.TemporaryDirectory() as scratch:
        for day in map(str, pd.date_range("2022-09-01", "2022-10-12").date):
            parameters = {"as_of": day, "out": f"{scratch}/{day}"}
            if day.endswith("-01"):
                champion = {"champion": f"{scratch}/{day}/model", "model_version": f"sample/{day[:7]}"}
                _execute("train", parameters)
            _execute("predict", parameters | champion)
            tables.append(read_forecast(f"{scratch}/{day}"))
            say(f"forecast as of {day}")
    path = ROOT / "resources" / "sample" / "forecasts.parquet"
    pd.concat(tables, ignore_index=True).to_parquet(path, compression="zstd", index=False)


def _execute(name: str, parameters: dict[str, Any]) -> None:
    folder = notebooks_folder()
    how = {"kernel_name": "python3", "cwd": folder, "progress_bar": False}
    papermill.execute_notebook(folder / f"{name}.ipynb", None, parameters, **how)


def refresh(say: Callable[[str], None]) -> None:
    """Execute the committed notebooks on the sample where they stand; store what they show and README's pictures."""
    for path in (notebooks_folder() / f"{name}.ipynb" for name in STATIONS):
        book = nbformat.read(path, as_version=4)
        quiet = ["--log-level=ERROR"]  # a kernel on this machine warns of talking in plain text
        client = NotebookClient(book, kernel_name="python3", extra_arguments=quiet)
        client.execute(cwd=str(notebooks_folder()), env=environment())
        for cell in book.cells:
            cell.metadata.pop("execution", None)  # when it ran; a fresh run of the same must leave the same file
        book.metadata["language_info"] = {"name": "python"}
        pairing.note_code(book)
        replace(path, nbformat.writes(book) + "\n")
        pairing.write_text(path)
        say(f"{path.name} executed")
    if screenshot.chromium_path() is None:
        return say(f"README's pictures of pages stay: {screenshot.ADVICE}")
    _draw()
    say("README's pictures drawn")


def _draw() -> None:
    """README's pictures: the sample's page by day in English and in the dark in Portuguese, and Queen Street's."""
    page, day = ROOT / ".footfall" / "lab" / "predict" / "forecast" / "index.html", PredictParams().as_of
    screenshot.draw(page, ROOT / "resources" / "page.png", dt.date.fromisoformat(day))
    screenshot.draw(page, ROOT / "resources" / "page-pt.png", dt.date.fromisoformat(day), "pt-PT", "dark")
    with tempfile.TemporaryDirectory() as scratch:
        market = read_market(ROOT / "params", "queen-street")
        table = visible(read_source(market.data).series, str(market.data.as_of), market.data.lag)
        (Path(scratch) / "snapshot.parquet").write_bytes(to_parquet(table))
        parameters = {**market.series(), "snapshot": f"{scratch}/snapshot.parquet"}
        _execute("train", {**parameters, "out": f"{scratch}/train"})
        champion = {"champion": f"{scratch}/train/model", "model_version": "queen-street/1"}
        _execute("predict", {**parameters, **champion, **market.data.of_the_place(), "out": f"{scratch}/predict"})
        page = Path(scratch) / "predict" / "forecast" / "index.html"
        screenshot.draw(page, ROOT / "resources" / "page-own.png", dt.date.fromisoformat(str(market.data.as_of)))
