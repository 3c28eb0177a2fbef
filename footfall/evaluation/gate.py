"""The gate: whether a challenger may become champion."""

from math import isnan
from typing import NamedTuple

import pandas as pd

from footfall.params import COVER
from footfall.series import SERIES

Metrics = dict[str, float]  # a row of the leaderboard
DECIDING = ("MAE", "WIS", "cover80")  # MASE is unknown where every week is as the one before
WEATHER, LEAST_OF_WEATHER = ", weather", 0.99  # what its name ends in that takes it in, and what may be left of the WIS


class Decision(NamedTuple):
    """Whether the challenger passed, why in plain words, and the scores that decided, by role.

    ``standing`` is what there is to be said for the one that passed: ``proven`` by a verdict, ``unproven`` where
    nothing is proven, ``young`` where there are too few days for a verdict; nothing for one that did not pass.
    ``candidate`` is who that is, to be fitted and saved: the challenger, or in its place the naive.
    """

    passed: bool
    reason: str
    figures: dict[str, Metrics]
    standing: str
    candidate: str


def without_weather(candidate: str) -> str:
    """The name of the same without weather; of one that takes none in, its own."""
    return candidate.removesuffix(WEATHER)


def gaining(scores: pd.DataFrame, challenger: str) -> pd.Index:
    """The series that the weather helps: chosen with it, and a hundredth of the WIS saved where nothing was chosen.

    Parameters
    ----------
    scores : DataFrame
        Of each series, from `footfall.evaluation.rolling.Rolling`.
    challenger : str
        ``NAME`` or ``NAME, weather``; none gains where one of the two is no candidate.
    """
    plain = without_weather(challenger)
    wis = scores.set_index([*SERIES, "window", "candidate"])["WIS"].unstack("candidate")
    if not {plain, plain + WEATHER} <= {*wis}:
        return pd.Index([])
    left = (wis[plain + WEATHER] / wis[plain]).unstack("window")
    return left.index[(left["selection"] < 1) & (left["report"] <= LEAST_OF_WEATHER)]


def by_weather(scores: pd.DataFrame, board: pd.DataFrame, challenger: str) -> str:
    """Who is judged of a challenger and its twin: the one with weather if a series gains by it, and all no less.

    Parameters
    ----------
    scores, challenger
        As in `gaining`; a challenger without a twin is judged itself.
    board : DataFrame
        Leaderboard of the report window.
    """
    plain = without_weather(challenger)
    if not len(gaining(scores, challenger)):
        return plain if plain in board.index else challenger
    wet = plain + WEATHER
    return wet if board.loc[wet, "WIS"] <= board.loc[plain, "WIS"] else plain


def decide(
    scores: pd.DataFrame,
    challenger: str,
    naive: str,
    champion: str | None,
    margin: float,
    proven: bool = True,
    losing: float = 0.0,
    most_losing: float = 1.0,
) -> Decision:
    """Let the challenger pass, or say why not.

    Its 80 % range must hold 60 to 98 % of the days; it must beat the naive in WIS by the margin without losing in
    MAE, and the champion's recipe in WIS. Where it is the champion's own recipe it cannot beat it: it passes as the
    same model on newer data.

    Where no champion is proven, somebody must speak all the same: a challenger that fails, but not to the naive, is
    the best known, else the naive itself.

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
    proven : bool, default=True
        Whether the champion once passed such a verdict itself; one that is young or the best known did not.
    losing, most_losing : float
        Share of a market's series on which the challenger errs more than the naive, and the largest that may.

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
    if passed and losing > most_losing:
        passed, reason = False, f"{challenger} loses to {naive} on {losing:.0%} of the series, {most_losing:.0%} may"
    if passed or (champion and proven):
        return Decision(passed, reason, by_role, "proven" if passed else "", challenger)
    return _best_known(by_role, names, reason)


def judge(
    scores: pd.DataFrame,
    challenger: str,
    naive: str,
    standing: str,
    margin: float,
    days: int,
    needed: int,
    losing: float = 0.0,
    most_losing: float = 1.0,
    unread: str = "",
) -> Decision:
    """The decision on a challenger, by `decide`; of a series that has too few days for a verdict, by `young`.

    A champion that is proven stays where there are too few: a source may have lost what it was proven on.

    Parameters
    ----------
    scores, challenger, naive, margin
        As in `decide`; today's champion, if there is one, is the row ``champion``.
    standing : str
        Today's champion's; empty where there is none.
    days, needed : int
        As in `young`; of many series, the days of the longest.
    losing, most_losing : float
        As in `decide`.
    unread : str
        Why today's champion cannot be compared: its reason begins with it.
    """
    if unread:
        decision = judge(scores, challenger, naive, standing, margin, days, needed, losing, most_losing)
        return decision._replace(reason=f"{unread}; {decision.reason}")
    if days < needed:
        decision = young(scores, challenger, naive, days, needed)
        kept = f"{days} days known, a verdict takes {needed}; the champion, which is proven, stays"
        return decision._replace(passed=False, standing="", reason=kept) if standing == "proven" else decision
    champion, proven = "champion" if standing else None, standing == "proven"
    return decide(scores, challenger, naive, champion, margin, proven, losing, most_losing)


def young(scores: pd.DataFrame, challenger: str, naive: str, days: int, needed: int) -> Decision:
    """Let the challenger speak for a series that has too few days for a verdict, or the naive where that erred less.

    Parameters
    ----------
    scores : DataFrame
        Leaderboard of the few origins that there are.
    challenger, naive : str
        Rows of `scores`.
    days, needed : int
        Days that are known, and days that a verdict takes: see `footfall.evaluation.backtest.days_needed`.
    """
    names = {"challenger": challenger, "naive": naive}
    by_role = {role: scores.loc[name].astype(float).to_dict() for role, name in names.items()}
    role = "challenger" if by_role["challenger"]["MAE"] <= by_role["naive"]["MAE"] else "naive"
    reason = f"young: {days} days known, a verdict takes {needed}; {names[role]} is used until then"
    return Decision(True, reason, by_role | {"challenger": by_role[role]}, "young", names[role])


def _best_known(by_role: dict[str, Metrics], names: dict[str, str], why: str) -> Decision:
    """The challenger where it is no worse than the naive and its ranges hold what they say, else the naive."""
    challenger, naive = by_role["challenger"], by_role["naive"]
    ahead = all(challenger[metric] <= naive[metric] for metric in ("WIS", "MAE"))
    role = "challenger" if ahead and COVER[0] <= challenger["cover80"] <= COVER[1] else "naive"
    reason = f"{why}; {names[role]} is used, nothing better is known yet"
    return Decision(True, reason, by_role | {"challenger": by_role[role]}, "unproven", names[role])


def _verdict(scores: dict[str, Metrics], names: dict[str, str], margin: float) -> tuple[bool, str]:
    challenger, naive, champion = scores["challenger"], scores["naive"], scores.get("champion")
    who = names["challenger"]
    for role, row in scores.items():
        if any(isnan(row[metric]) for metric in DECIDING):
            return False, f"the {role if role == names[role] else f'{role} {names[role]}'} has no score"
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
    if all(champion[metric] == challenger[metric] for metric in DECIDING):
        return True, f"{ahead}; it is the champion's own recipe, refreshed on newer data"
    if not challenger["WIS"] < champion["WIS"]:
        return False, f"{ahead}, but not the champion, {_against(challenger, champion, 'WIS')}"
    return True, f"{ahead}, and the champion, {_against(challenger, champion, 'WIS')}"


def _against(challenger: Metrics, rival: Metrics, metric: str) -> str:
    return f"{metric} {challenger[metric]:.2f} against {rival[metric]:.2f}"
