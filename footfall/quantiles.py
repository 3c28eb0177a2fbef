"""The quantiles of a published forecast, the central ranges between them, and what their columns are called."""

LEVELS = [k / 20 for k in range(1, 20)]
COVERAGES = (0.5, 0.8, 0.9)  # of the published ranges that are scored and drawn
RANGE = 0.8  # coverage of the one that people read
WIDEST = 0.95  # coverage of a range that a backtest scores, and nobody publishes


def column(level: float) -> str:
    """What the column of a quantile is called: ``q05``, ``q97.5``."""
    return f"q{100 * level:02g}"


def ends(coverage: float) -> tuple[float, float]:
    """Levels of the two quantiles that a central range lies between: 0.1 and 0.9 for a coverage of 0.8."""
    return round((1 - coverage) / 2, 3), round((1 + coverage) / 2, 3)


def percentage(coverage: float) -> str:
    """A coverage as the names of columns and metrics end: ``80`` of ``cover80``."""
    return f"{100 * coverage:.0f}"


TAILS = ends(WIDEST)
LOW, HIGH = ends(RANGE)
QUANTILES = [column(level) for level in LEVELS]
SCORED_LEVELS = [*LEVELS, *TAILS]  # of a backtest, in the order of its arrays
