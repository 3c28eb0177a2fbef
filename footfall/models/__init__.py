"""The forecasters, by the names that notebooks use."""
# ruff: noqa: F401

from footfall.models.boosted import Boosted, Panel
from footfall.models.ets import ETS
from footfall.models.naive import OrdinaryNaive, SeasonalNaive
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import at_once, bring_up_to, fit, forecasts, of_country, predict, with_panel
