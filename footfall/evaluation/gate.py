"""The gate: whether a challenger may become champion."""

from math import isnan
from typing import NamedTuple

import pandas as pd

COVER = (0.6, 0.98)  # share of days in the 80 % range; outside, a review would call for a training at once
FIGURES = ["MAE", "MASE", "WIS", "cover50", "cover80", "cover90", "cover95", "days"]


class Decision(NamedTuple):
    """Whether the challenger passed, why in plain words, and the figures that decided."""

    passed: bool
    reason: str
    figures: dict[str, dict[str, float]]


def decide(
    scores: pd.DataFrame, challenger: str, naive: str, champion: str | None = None, margin: float = 0.02
) -> Decision:
    """Let the challenger pass, or say why not.

    Its 80 % range must hold 60 to 98 % of the days; it must beat the naive in WIS by the margin without losing in
    MAE, and the champion's recipe in WIS. Where it is the champion's own recipe it cannot beat it: it passes as the
    same model on newer data.

    Parameters
    ----------
    scores : DataFrame
        Leaderboard of the report window: the same origins and days for all.
    challenger, naive, champion : str
        Rows of `scores`; no champion yet if None. The champion's own recipe is known by
        its equal scores, whatever its name.
    margin : float, default=0.02
        Share of the naive's WIS by which the challenger must be better.

    Returns
    -------
    Decision

    Raises
    ------
    KeyError
        If `scores` lacks one of the rows.
    """
    names = {"challenger": challenger, "naive": naive} | ({"champion": champion} if champion else {})
    figures = {role: scores.loc[name, FIGURES].astype(float).to_dict() for role, name in names.items()}
    passed, reason = _verdict(figures, names, margin)
    return Decision(passed, reason, figures)


def _verdict(figures: dict, names: dict[str, str], margin: float) -> tuple[bool, str]:
    rival, naive, champion = figures["challenger"], figures["naive"], figures.get("champion")
    who = names["challenger"]
    for role, row in figures.items():
        if any(map(isnan, row.values())):
            return False, f"the {role} {names[role]} has no score"
    if not COVER[0] <= rival["cover80"] <= COVER[1]:
        band = "not {:.0%} to {:.0%}".format(*COVER)
        return False, f"the 80 % range of {who} holds {rival['cover80']:.0%} of the days, {band}"
    if not rival["WIS"] <= (1 - margin) * naive["WIS"]:
        return False, f"{who} is not {margin:.0%} better than {names['naive']}: {_against(rival, naive, 'WIS')}"
    if rival["MAE"] > naive["MAE"]:
        return False, f"{who} loses to {names['naive']}: {_against(rival, naive, 'MAE')}"
    ahead = f"{who} beats {names['naive']}, {_against(rival, naive, 'WIS')}"
    if champion is None:
        return True, f"{ahead}; there was no champion to beat"
    if champion == rival:
        return True, f"{ahead}; it is the champion's own recipe, refreshed on newer data"
    if not rival["WIS"] < champion["WIS"]:
        return False, f"{ahead}, but not the champion {names['champion']}, {_against(rival, champion, 'WIS')}"
    return True, f"{ahead}, and the champion {names['champion']}, {_against(rival, champion, 'WIS')}"


def _against(one: dict, other: dict, figure: str) -> str:
    return f"{figure} {one[figure]:.2f} against {other[figure]:.2f}"
