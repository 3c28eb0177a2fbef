"""The forecasters, by the names that notebooks use."""

from footfall.models.boosted import Boosted, Panel
from footfall.models.ets import ETS
from footfall.models.naive import SeasonalNaive
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import bring_up_to, fit, of_country, predict, with_panel

__all__ = [
    "ETS",
    "Boosted",
    "KindOfDay",
    "LastYearsTurn",
    "LogLevel",
    "Panel",
    "SeasonalNaive",
    "WeekdaySmoother",
    "bring_up_to",
    "fit",
    "of_country",
    "predict",
    "with_panel",
]
