"""The gate: whether a challenger may become champion."""

from math import isnan
from typing import NamedTuple

import pandas as pd

from footfall.params import COVER

Scores = dict[str, float]  # a row of the leaderboard


class Decision(NamedTuple):
    """Whether the challenger passed, why in plain words, and the scores that decided, by role."""

    passed: bool
    reason: str
    figures: dict[str, Scores]


def decide(scores: pd.DataFrame, challenger: str, naive: str, champion: str | None, margin: float) -> Decision:
    """Let the challenger pass, or say why not.

    Its 80 % range must hold 60 to 98 % of the days; it must beat the naive in WIS by the margin without losing in
    MAE, and the champion's recipe in WIS. Where it is the champion's own recipe it cannot beat it: it passes as the
    same model on newer data.

    Parameters
    ----------
    scores : DataFrame
        Leaderboard of the report window: the same origins and days for all.
    challenger, naive : str
        Rows of `scores`.
    champion : str or None
        Another; None where there is no champion yet. Its own recipe is recognised by equal scores, whatever its name.
    margin : float
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
    by_role = {role: scores.loc[name].astype(float).to_dict() for role, name in names.items()}
    passed, reason = _verdict(by_role, names, margin)
    return Decision(passed, reason, by_role)


def _verdict(scores: dict[str, Scores], names: dict[str, str], margin: float) -> tuple[bool, str]:
    challenger, naive, champion = scores["challenger"], scores["naive"], scores.get("champion")
    who = names["challenger"]
    for role, row in scores.items():
        if any(map(isnan, row.values())):
            return False, f"the {role} {names[role]} has no score"
    if not COVER[0] <= challenger["cover80"] <= COVER[1]:
        band = "not {:.0%} to {:.0%}".format(*COVER)
        return False, f"the 80 % range of {who} holds {challenger['cover80']:.0%} of the days, {band}"
    if not challenger["WIS"] <= (1 - margin) * naive["WIS"]:
        return False, f"{who} is not {margin:.0%} better than {names['naive']}: {_against(challenger, naive, 'WIS')}"
    if challenger["MAE"] > naive["MAE"]:
        return False, f"{who} loses to {names['naive']}: {_against(challenger, naive, 'MAE')}"
    ahead = f"{who} beats {names['naive']}, {_against(challenger, naive, 'WIS')}"
    if champion is None:
        return True, f"{ahead}; there was no champion to beat"
    if champion == challenger:
        return True, f"{ahead}; it is the champion's own recipe, refreshed on newer data"
    if not challenger["WIS"] < champion["WIS"]:
        return False, f"{ahead}, but not the champion {names['champion']}, {_against(challenger, champion, 'WIS')}"
    return True, f"{ahead}, and the champion {names['champion']}, {_against(challenger, champion, 'WIS')}"


def _against(challenger: Scores, rival: Scores, metric: str) -> str:
    return f"{metric} {challenger[metric]:.2f} against {rival[metric]:.2f}"
