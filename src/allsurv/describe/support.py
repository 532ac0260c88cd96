"""What a cohort supports by Riley's criteria, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allsurv.stats.planning.samplesize import required_sample_size, supported_parameters

__all__ = ["ANTICIPATED_R2", "SHRINKAGE", "support_sentence"]

ANTICIPATED_R2 = (0.15, 0.3, 0.4)
"""Nagelkerke R2: the usual guess where nothing is known, and two more hopeful ones."""
SHRINKAGE = 0.9
MARGIN = 0.05


def support_sentence(
    y: NDArray[np.void],
    n_parameters: int,
    *,
    horizons: Sequence[float] = (),
    unit: str = "months",
    who: str = "these models use",
) -> str:
    """Say how many parameters a cohort supports beside how many are asked of it.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Fields ``event`` (bool) and ``time`` (float).
    n_parameters : int
        Coefficients, or their like, that are estimated.
    horizons : sequence of float, default=()
        Times by which risks are predicted; the overall risk is judged at each.
    unit : str, default="months"
        Unit of time.
    who : str, default="these models use"
        What asks for the parameters.

    Returns
    -------
    str
        Sentences on all three criteria, with a warning where too much is asked.

    Notes
    -----
    Riley's criteria for a prognostic model [1]_: shrinkage of at least 0.9, optimism in R2 of at
    most 0.05, and the overall risk at a horizon within 0.05. The first two rest on an R2 that is
    not known beforehand, so they are given for three. Checked against the worked examples of R
    ``pmsampsize``.

    References
    ----------
    .. [1] Riley RD, et al. Stat Med. 2019;38(7):1276-1296. doi:10.1002/sim.7992

    Examples
    --------
    >>> from allsurv.stats.outcome import make_y
    >>> y = make_y(np.full(110, 20.0), np.arange(110) < 69)
    >>> print(support_sentence(y, 1, horizons=[12, 36]))  # doctest: +NORMALIZE_WHITESPACE
    110 patients with 69 events support 1.7 model parameters at an anticipated Nagelkerke R2 of 0.15
    (3.6 at 0.3, 5.1 at 0.4; which holds is not known beforehand), by Riley's criteria for shrinkage
    and optimism; these models use 1 parameter. Riley's third criterion, the overall risk within
    0.05, needs 152 patients by 12 months and 277 by 36 months.
    """
    n, n_events = y.size, int(y["event"].sum())
    first, *others = (_supported(n, n_events, r2) for r2 in ANTICIPATED_R2)
    more = ", ".join(f"{m:.1f} at {r2:g}" for m, r2 in zip(others, ANTICIPATED_R2[1:], strict=True))
    said = (
        f"{n} patients with {n_events} events support {first:.1f} model parameters at an "
        f"anticipated Nagelkerke R2 of {ANTICIPATED_R2[0]:g} ({more}; which holds is not known "
        f"beforehand), by Riley's criteria for shrinkage and optimism; {who} {n_parameters} "
        f"parameter{'s' * (n_parameters != 1)}."
    )
    if len(horizons):
        rate, mean = n_events / float(y["time"].sum()), float(y["time"].mean())
        needed = [_for_overall_risk(rate, mean, float(horizon)) for horizon in horizons]
        listed = [f"{k} by {h:g} {unit}" for k, h in zip(needed, horizons, strict=True)]
        listed[0] = listed[0].replace(" by", " patients by", 1)
        said += (
            " Riley's third criterion, the overall risk within 0.05, needs "
            f"{', '.join(listed[:-1])}{' and ' * (len(listed) > 1)}{listed[-1]}."
        )
    if n_parameters > first:
        return f"{said} Expect overfitting, and read every estimate as exploratory."
    return said


def _supported(n: int, n_events: int, r2: float) -> float:
    carried = supported_parameters(n, n_events, r2_nagelkerke=r2, shrinkage=SHRINKAGE)
    return min(carried.by_shrinkage, carried.by_optimism)


def _for_overall_risk(rate: float, mean_follow_up: float, horizon: float) -> int:
    size = required_sample_size(
        1,
        event_rate=rate,
        mean_follow_up=mean_follow_up,
        horizon=horizon,
        r2_nagelkerke=ANTICIPATED_R2[0],
        margin=MARGIN,
    )
    return next(k.n for k in size.criteria if k.name == "overall risk")
