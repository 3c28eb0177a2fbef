"""How good the forecasts of a walked past were, month by month, and on which days they were furthest off.

footfall backfill MARKET --from DAY --to DAY --latest && python -m benchmarks.walked MARKET

Read from the scores that the market's reviews left in the bucket, of days ahead all together.
"""

from typing import Annotated

import pandas as pd
import typer

from flows.local import servers
from flows.settings import bucket_name, params_folder
from flows.storage import bucket, forecasts
from footfall.evaluation.review import accuracy
from footfall.market_file import read_market

FURTHEST = 5  # days that are named


def main(
    market: Annotated[str, typer.Argument(help="Name of a file in params/.")],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="The first day that counts.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="The last.")] = "9999",
) -> None:
    """Print a row for each month and one for all, and the days furthest off."""
    with servers.servers(servers.BUCKET):
        rows = forecasts.scores(bucket.connect(bucket_name()), read_market(params_folder(), market))
    rows = rows[rows["target_end_date"].between(first, last)].dropna(subset=["error"])
    if rows.empty:
        raise SystemExit(f"{market} has no scores of these days: footfall backfill {market} …")
    by_month = rows.groupby(rows["target_end_date"].str[:7])[list(rows)].apply(_of)
    print(pd.concat([by_month, _of(rows).to_frame("all").T]).round(3).to_string())
    off = rows.groupby(["location", "target_end_date"])[["mean", "actual", "error"]].mean()
    print(off.loc[off["error"].abs().nlargest(FURTHEST).index].round(2).to_string())


def _of(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(accuracy(rows))


if __name__ == "__main__":
    typer.run(main)
