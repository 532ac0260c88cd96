"""How many parameters a cohort supports, in one sentence."""

from __future__ import annotations

from allsurv.stats.planning.samplesize import supported_parameters

__all__ = ["ANTICIPATED_R2", "SHRINKAGE", "support_sentence"]

ANTICIPATED_R2 = 0.15
SHRINKAGE = 0.9


def support_sentence(
    n: int, n_events: int, n_parameters: int, *, who: str = "these models use"
) -> str:
    """Say how many parameters a cohort supports beside how many are asked of it.

    Parameters
    ----------
    n, n_events : int
        Patients and events.
    n_parameters : int
        Coefficients, or their like, that are estimated.
    who : str, default="these models use"
        What asks for them.

    Returns
    -------
    str
        One sentence, and a warning where it is too much.

    Notes
    -----
    Riley's criteria for the shrinkage of a prognostic model, at an anticipated Nagelkerke R2 of
    0.15, the usual guess where nothing is known [1]_. Checked against the worked examples of R
    ``pmsampsize``.

    References
    ----------
    .. [1] Riley RD, et al. Stat Med. 2019;38(7):1276-1296. doi:10.1002/sim.7992

    Examples
    --------
    >>> print(support_sentence(110, 69, 1))
    110 patients with 69 events support 1.7 model parameters (Riley's criteria: shrinkage 0.9,
    anticipated Nagelkerke R2 0.15); these models use 1 parameter.
    """
    carried = supported_parameters(n, n_events, r2_nagelkerke=ANTICIPATED_R2, shrinkage=SHRINKAGE)
    supported = min(carried.by_shrinkage, carried.by_optimism)
    said = (
        f"{n} patients with {n_events} events support {supported:.1f} model parameters "
        f"(Riley's criteria: shrinkage {SHRINKAGE:g}, anticipated Nagelkerke R2 "
        f"{ANTICIPATED_R2:g}); {who} {n_parameters} parameter{'s' * (n_parameters != 1)}."
    )
    if n_parameters > supported:
        return f"{said} Expect overfitting, and read every estimate as exploratory."
    return said
