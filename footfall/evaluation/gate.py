"""The gate: whether a challenger may become champion."""

from collections.abc import Iterable
from math import isnan
from typing import NamedTuple

import pandas as pd

from footfall.params import COVER
from footfall.series import SERIES

Metrics = dict[str, float]  # a row of the leaderboard
DECIDING = ("MAE", "WIS", "cover80")  # MASE is unknown where every week is as the one before
WEATHER, LEAST_OF_WEATHER = ", weather", 0.99  # what its name ends in that takes it in, and what may be left of the WIS
ORDINARY = ", ordinary days"  # what the name of the naive ends in that is published, where the naive would speak


class Decision(NamedTuple):
    """Whether the challenger passed, why in plain words, and the scores that decided, by role.

    ``standing`` is what there is to be said for the one that passed: ``proven`` by a verdict, ``unproven`` where
    nothing is proven, ``young`` where there are too few days for a verdict; nothing for one that did not pass.
    ``candidate`` is who that is, to be fitted and saved: the challenger, or in its place the naive, see `spoken`.
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
    """Who is judged: the one that was chosen; in place of one with weather its twin, if no series gains, or all lose.

    So the days of the verdict may take the weather away from what was chosen, and bring none in.

    Parameters
    ----------
    scores, challenger
        As in `gaining`; a challenger without a twin is judged itself.
    board : DataFrame
        Leaderboard of the report window.
    """
    plain = without_weather(challenger)
    if plain == challenger or plain not in board.index:
        return challenger
    is_no_worse = board.loc[challenger, "WIS"] <= board.loc[plain, "WIS"]
    return challenger if is_no_worse and len(gaining(scores, challenger)) else plain


def spoken(candidate: str, naive: str, candidates: Iterable[str]) -> str:
    """Who is published in the place of a candidate: of the naive, which is the yardstick, ``NAIVE, ordinary days``.

    That does not take a holiday's figure for an ordinary day; the naive itself where it is none of the candidates.
    """
    return naive + ORDINARY if candidate == naive and naive + ORDINARY in candidates else candidate


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
    """Let the challenger pass, or say why not.

    Its 80 % range must hold 60 to 98 % of the days; it must beat the naive in WIS by the margin without losing in
    MAE, and the champion's recipe in WIS. Where it is the champion's own recipe it cannot beat it: it passes as the
    same model on newer data.

    Where no champion is proven, somebody must speak all the same: a challenger that fails, but not to the naive, is
    the best known, else the naive itself. So it is of a series that has too few days for a verdict; a champion that is
    proven stays there: a source may have lost what it was proven on.

    Parameters
    ----------
    scores : DataFrame
        Leaderboard of the report window: the same origins and days for all, or the few origins that there are. Today's
        champion, if there is one, is the row ``champion``; its own recipe is recognised by equal scores, whatever its
        name.
    challenger, naive : str
        Rows of `scores`.
    standing : str
        Today's champion's; empty where there is none. One that is young or the best known passed no verdict itself.
    margin : float
        Share of the naive's WIS by which the challenger must be better.
    days, needed : int
        Days that are known, of many series those of the longest that goes on, and days that a verdict takes: see
        `footfall.evaluation.backtest.days_needed`.
    losing, most_losing : float
        Share of a market's series on which the challenger errs more than the naive, and the largest that may.
    unread : str
        Why today's champion cannot be compared: its reason begins with it.

    Returns
    -------
    Decision

    Raises
    ------
    KeyError
        If `scores` lacks one of the rows.
    """
    has_verdict, is_proven, before = days >= needed, standing == "proven", f"{unread}; " if unread else ""
    names = {"challenger": challenger, "naive": naive}
    names |= {"champion": "champion"} if standing and has_verdict else {}
    by_role = {role: _row(scores, name) for role, name in names.items()}
    if not has_verdict:
        known, ahead = f"{days} days known, a verdict takes {needed}", _errs_no_more(by_role, "MAE")
        decision = _best_known(scores, by_role, names, ahead, "young", f"{before}young: {known}", " until then")
        kept = f"{known}; the champion, which is proven, stays"
        return decision._replace(passed=False, standing="", reason=kept) if is_proven else decision
    passed, reason = _verdict(by_role, names, margin)
    if passed and losing > most_losing:
        passed, reason = False, f"{challenger} loses to {naive} on {losing:.0%} of the series, {most_losing:.0%} may"
    elif passed and not (standing or unread):
        reason += "; there was no champion to beat"
    reason = before + reason
    if passed or is_proven:
        return Decision(passed, reason, by_role, "proven" if passed else "", challenger)
    ahead = _errs_no_more(by_role, "WIS", "MAE") and COVER[0] <= by_role["challenger"]["cover80"] <= COVER[1]
    return _best_known(scores, by_role, names, ahead, "unproven", reason, ", nothing better is known yet")


def _errs_no_more(by_role: dict[str, Metrics], *metrics: str) -> bool:
    return all(by_role["challenger"][metric] <= by_role["naive"][metric] for metric in metrics)


def _best_known(
    scores: pd.DataFrame, by_role: dict[str, Metrics], names: dict[str, str],
    is_ahead: bool, standing: str, why: str, until: str,
) -> Decision:  # fmt: skip
    """The challenger where it is ahead of the naive, else the naive, or who speaks in its place."""
    who = spoken(names["challenger" if is_ahead else "naive"], names["naive"], scores.index)
    figures = by_role | {"challenger": _row(scores, who)}
    return Decision(True, f"{why}; {who} is used{until}", figures, standing, who)


def _row(scores: pd.DataFrame, name: str) -> Metrics:
    row: Metrics = scores.loc[name].astype(float).to_dict()
    return row


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
        return True, ahead
    if all(champion[metric] == challenger[metric] for metric in DECIDING):
        return True, f"{ahead}; it is the champion's own recipe, refreshed on newer data"
    if not challenger["WIS"] < champion["WIS"]:
        return False, f"{ahead}, but not the champion, {_against(challenger, champion, 'WIS')}"
    return True, f"{ahead}, and the champion, {_against(challenger, champion, 'WIS')}"


def _against(challenger: Metrics, rival: Metrics, metric: str) -> str:
    return f"{metric} {challenger[metric]:.2f} against {rival[metric]:.2f}"
