"""Google's own zip, served as Google serves it, down the whole line; skipped where the figures are not at hand."""

import functools
import http.server
import os
import re
import threading
from pathlib import Path

import pytest
from conftest import footfall

DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[2] / "shared" / "data"))
ZIP = "Region_Mobility_Report_CSVs.zip"


@pytest.fixture(scope="module")
def address():
    if not (DATA / ZIP).exists():
        pytest.skip(f"{ZIP} is not in {DATA}; set FOOTFALL_DATA to the folder that holds it")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(DATA)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{ZIP}"
    server.shutdown()


@pytest.mark.parametrize(
    ("market", "as_of", "through", "rows"),
    [
        ("portugal", "2022-10-13", "2022-10-10", r"[\d,]+"),
        pytest.param("germany", "2022-08-07", "2022-08-04", r"[\d,]+", marks=pytest.mark.soak),
    ],
)
def test_googles_zip_becomes_a_published_forecast(servers, few_candidates, address, market, as_of, through, rows):
    fewer = "train.backtest_days=66"  # it trains faster
    done = footfall("run", market, "--set", f"data.source={address}", "--set", fewer, "--as-of", as_of)
    assert done.exit_code == 0, done.output
    assert re.search(rf"fetch +[\d.]+ s  data through {through} · {rows} rows", done.output)
    assert f"published: gs://footfall/{market}/forecasts/{as_of}/" in done.output
    assert f"{market} as of {as_of}, data through {through}, by {market}/1" in done.output
