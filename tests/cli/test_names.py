"""What cannot be a market's name is refused by every command that takes one, before anything starts."""

import pytest
from conftest import footfall, market

DAYS = "--from 2022-10-01 --to 2022-10-02"
COMMANDS = [
    "run X", "train X", "predict X", "explore X", "review X", "forecast X", "status X", "champion X", "runs --market X",
    "trace X 2022-10-13", "rollback X --reason y", "try naive --market X", f"backfill X {DAYS}", f"backtest X {DAYS}",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_the_buckets_own_is_no_market(command, tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_HOME", str(tmp_path / "home"))
    for name in ("ledger", "snapshots"):
        market(monkeypatch, tmp_path, name, "data: {source: sample}\n")
        done = footfall(*(name if word == "X" else word for word in command.split()))
        assert done.exit_code == 2, done.output
        assert f"'{name}' cannot be a market's name: a folder of the bucket's own is called so" in done.output
    assert not (tmp_path / "home").exists()
