"""A market's table of scores as it is in the bucket."""

import pandas as pd

from flows.storage import bucket as storage
from flows.storage import layout
from flows.storage.bucket import Bucket
from footfall.evaluation import scores
from footfall.params import Market


def stored(bucket: Bucket, market: Market) -> pd.DataFrame:
    """The table of a market, see `footfall.evaluation.scores`; without rows where nothing was reviewed yet."""
    content, _ = storage.get_if_there(bucket, layout.scores(market.name))
    return scores.from_parquet(content, market.data.location, market.data.category)
