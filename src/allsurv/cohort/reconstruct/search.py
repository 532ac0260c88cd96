"""Which patient has which blasts, karyotype, TP53 and time of death: a seeded search.

Swaps keep every count. The target is the published Kaplan-Meier percentages at 36 months and the
published hazard ratios: at the published coefficients the score of the Cox model is to be zero.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.reconstruct.draws import Patients

__all__ = ["HAZARD_RATIOS", "SURVIVAL_36", "match_survival"]

SURVIVAL_36 = {
    "all": 0.40,
    "before": 0.34,
    "after": 0.52,
    "salvage 1": 0.49,
    "salvage 2+": 0.18,
    "MRD negative": 0.54,
    "MRD positive": 0.11,
    "TP53 wild type": 0.63,
    "TP53 mutated": 0.09,
    "cytogenetics low": 0.60,
    "cytogenetics high": 0.07,
    "transplanted": 0.54,
    "not transplanted": 0.54,
}
HAZARD_RATIOS = {
    "pb_blasts": 1.014,
    "high_risk_cyto": 2.765,
    "tp53": 2.354,
    "arm": 0.574,
    "sct": 1.0,
}
_TARGETS = np.array(list(SURVIVAL_36.values()))
_BETA = np.log(list(HAZARD_RATIOS.values()))
_HORIZON = 36.0
_KARYOTYPES = ("ho_tr", "kmt2a", "complex", "im_nd", "heh", "tt", "other", "diploid")
_HO_TR, _KMT2A, _COMPLEX, _IM_ND = range(4)
_MUTATED, _WILD_TYPE, _UNTESTED = 1, 0, -1
_MOVES = (
    ("pb_blasts",),
    ("karyotype",),
    ("tp53_mut",),
    ("karyotype", "tp53_mut"),
    ("os_months",),
    ("os_months",),
)


def match_survival(
    rng: np.random.Generator, people: Patients, *, swaps: int = 8_000, enough: float = 2.0
) -> float:
    """Swap values between patients until survival is roughly as published.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With times and baseline; blasts, karyotype, TP53 and times of death are exchanged.
    swaps : int, default=8000
        Exchanges to try at most.
    enough : float, default=2
        Loss at which to stop.

    Returns
    -------
    float
        The loss: squared misses of the curves in percentage points, and of the log hazard ratios
        in fifths of a standard error.
    """
    board = _board(people)
    loss = _loss(board)
    for move, first, second in _proposals(rng, board["age"].size, swaps):
        if not _allowed(board, move, first, second):
            continue
        _exchange(board, move, first, second)
        new = _loss(board)
        if new < loss - 1e-9:
            loss = new
            if loss < enough:
                break
        else:
            _exchange(board, move, first, second)
    people["pb_blasts"], people["os_months"] = board["pb_blasts"], board["os_months"]
    people["karyotype"] = np.array([_KARYOTYPES[k] for k in board["karyotype"]], dtype=object)
    people["tp53_mut"] = np.array([_TP53[t] for t in board["tp53_mut"]], dtype=object)
    return loss


_TP53 = {_MUTATED: True, _WILD_TYPE: False, _UNTESTED: None}


def _board(people: Patients) -> Patients:
    """Copy the columns the search looks at, texts as numbers."""
    board = {name: people[name].copy() for name in ("age", "pb_blasts", "os_months", "salvage")}
    board["before"] = people["arm"] == "before"
    board["after"] = ~board["before"]
    codes = {value: code for code, value in _TP53.items()}
    board["karyotype"] = np.array([_KARYOTYPES.index(k) for k in people["karyotype"]])
    board["tp53_mut"] = np.array([codes[t] for t in people["tp53_mut"]])
    best = [codes[m] for m in people["mrd_best_neg"]]
    board["mrd_negative"] = np.array(best) == 1
    board["mrd_positive"] = np.array(best) == 0
    board["fate"] = np.unique(people["fate"], return_inverse=True)[1]
    board["movable_death"] = ~people["alive"] & (people["fate"] != "early_death")
    for name in ("alive", "sct", "lm4_cohort", "tp53_survivor"):
        board[name] = people[name]
    board["switch"] = np.where(people["sct"], people["time_to_sct_months"], np.inf)
    return board


def _proposals(
    rng: np.random.Generator, n: int, swaps: int
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    draws = rng.random((swaps, 3))
    kinds = (draws[:, 0] * len(_MOVES)).astype(int)
    pairs = (draws[:, 1:] * n).astype(int)
    for kind, (first, second) in zip(kinds.tolist(), pairs.tolist(), strict=True):
        yield _MOVES[kind], first, second


def _exchange(board: Patients, move: tuple[str, ...], i: int, j: int) -> None:
    for name in move:
        column = board[name]
        column[i], column[j] = column[j], column[i]


def _allowed(board: Patients, move: tuple[str, ...], i: int, j: int) -> bool:
    if board[move[0]][i] == board[move[0]][j]:
        return False
    if move == ("os_months",):
        time, switch = board["os_months"], board["switch"]
        return bool(
            board["movable_death"][i]
            and board["fate"][i] == board["fate"][j]
            and (np.isinf(switch[i]) or max(switch[i] - time[j], switch[j] - time[i]) < -0.2)
        )
    if board["before"][i] != board["before"][j]:
        return False
    # Low hypodiploidy keeps its TP53 mutation.
    alone = move in (("karyotype",), ("tp53_mut",))
    if alone and _HO_TR in (board["karyotype"][i], board["karyotype"][j]):
        return False
    return "tp53_mut" not in move or _keeps_survivors(board, i, j)


def _keeps_survivors(board: Patients, i: int, j: int) -> bool:
    """Of the patients with a mutation two live, and the paper says who they are."""
    if board["tp53_survivor"][i] or board["tp53_survivor"][j]:
        return False
    mutated = board["tp53_mut"] == _MUTATED
    return not ((mutated[i] and board["alive"][j]) or (mutated[j] and board["alive"][i]))


def _loss(board: Patients) -> float:
    order = np.argsort(board["os_months"], kind="stable")
    time, dead = board["os_months"][order], ~board["alive"][order]
    misses = 100 * (_survival_36(_groups(board)[:, order], time, dead) - _TARGETS)
    return float(np.sum(misses**2) + 25 * np.sum(_scores(board, order, time, dead) ** 2))


def _groups(board: Patients) -> NDArray[np.bool_]:
    karyotype, tp53, landmark = board["karyotype"], board["tp53_mut"], board["lm4_cohort"]
    high = karyotype <= _COMPLEX
    return np.stack(
        [
            np.ones(high.size, dtype=bool),
            board["before"],
            board["after"],
            board["salvage"] == 1,
            board["salvage"] > 1,
            board["mrd_negative"],
            board["mrd_positive"],
            tp53 == _WILD_TYPE,
            tp53 == _MUTATED,
            ~high & (karyotype != _IM_ND),
            high,
            landmark & board["sct"],
            landmark & ~board["sct"],
        ]
    )


def _survival_36(
    groups: NDArray[np.bool_], time: NDArray[np.float64], dead: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Kaplan-Meier at 36 months of each group; rows by time, ties one after the other."""
    at_risk = np.cumsum(groups[:, ::-1], axis=1)[:, ::-1]
    falls = groups & (dead & (time <= _HORIZON))
    return np.prod(1 - falls / np.maximum(at_risk, 1), axis=1)


def _scores(
    board: Patients, order: NDArray[np.intp], time: NDArray[np.float64], dead: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Score of each covariate at the published coefficients, in standard errors."""
    high_risk = board["karyotype"] <= _KMT2A
    columns = [board["pb_blasts"], high_risk, board["tp53_mut"] == _MUTATED, board["after"]]
    fixed = np.column_stack(columns).astype(float)[order]
    weight = np.exp(fixed @ _BETA[:4])
    moments = np.column_stack([np.ones(weight.size), fixed, fixed**2]) * weight[:, None]
    sums = np.cumsum(moments[::-1], axis=0)[::-1][dead]
    mean, square = sums[:, 1:5] / sums[:, :1], sums[:, 5:] / sums[:, :1]
    score = (fixed[dead] - mean).sum(axis=0)
    information = (square - mean**2).sum(axis=0)
    # Transplant switches on with time; at the published null its weight is 1.
    switch, at = board["switch"][order], time[dead][:, None]
    exposed = ((switch < at) & (time >= at)) @ weight / sums[:, 0]
    score = np.append(score, (switch[dead] < time[dead]).sum() - exposed.sum())
    information = np.append(information, (exposed * (1 - exposed)).sum())
    return score / np.sqrt(information)
