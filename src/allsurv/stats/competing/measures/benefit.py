"""Clinical utility: net benefit of acting on the predicted risk of one cause."""

from __future__ import annotations

from numpy.typing import ArrayLike

from allsurv.stats.competing.measures.checked import check_failures
from allsurv.stats.measures.net_benefit import NetBenefit, benefit_of

__all__ = ["net_benefit_of_cause"]


def net_benefit_of_cause(
    time: ArrayLike,
    cause: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    thresholds: ArrayLike,
    *,
    of: int = 1,
) -> NetBenefit:
    r"""Net benefit of acting on patients whose predicted risk of a cause reaches a threshold.

    True positives per patient, less false positives at the odds of the threshold; who fails from
    another cause first is a false positive.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    risk : array-like of shape (n_patients,)
        Predicted probability, in [0, 1], of failing from the cause by ``horizon``.
    horizon : float
        In the unit of ``time``; follow-up must reach it.
    thresholds : array-like of shape (n_thresholds,)
        Risks from which one would act, in [0, 1).
    of : int, default=1
        Cause whose risk is judged.

    Returns
    -------
    NetBenefit
        One value per threshold and strategy.

    Raises
    ------
    OutcomeError
        If times or causes are malformed.
    ModelError
        If ``risk``, ``horizon`` or ``thresholds`` is malformed.

    Notes
    -----
    :math:`P (F - (1 - F) p / (1 - p))`, P being the share of patients with a risk of p or more and
    F their incidence of the cause by Aalen and Johansen [1]_. Checked against R
    ``survival::survfit`` of those patients.

    References
    ----------
    .. [1] Vickers AJ, Cronin AM, Elkin EB, Gonen M. BMC Med Inform Decis Mak. 2008;8:53.
       doi:10.1186/1472-6947-8-53

    Examples
    --------
    At 0.5 two of four are above, one failing from the cause by 15: 2/4 * (1/2 - 1/2) = 0. Treating
    all: 1/4 - 3/4 = -1/2.

    >>> found = net_benefit_of_cause([6, 12, 18, 24], [1, 2, 0, 1], [0.9, 0.5, 0.3, 0.2], 15, [0.5])
    >>> found.model.tolist(), found.treat_all.tolist()
    ([0.0], [-0.5])
    """
    outcome = check_failures(time, cause, of, "net_benefit_of_cause")
    return benefit_of(outcome.time, outcome.failed, outcome.case, risk, horizon, thresholds)
