"""How many patients a prognostic model needs, and how many parameters a cohort supports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from allsurv.errors import ModelError
from allsurv.stats.levels import normal_quantile
from allsurv.stats.planning.anticipated_fit import (
    between,
    cox_snell_r2,
    expected_shrinkage,
    max_cox_snell_r2,
    parameters_per_patient,
    positive,
    whole_number,
)

__all__ = [
    "Criterion",
    "SampleSize",
    "SupportedParameters",
    "cox_snell_r2",
    "expected_shrinkage",
    "max_cox_snell_r2",
    "required_sample_size",
    "supported_parameters",
]

CriterionName = Literal["shrinkage", "optimism", "overall risk"]


@dataclass(frozen=True)
class Criterion:
    """One criterion and what it asks for.

    Attributes
    ----------
    name : {"shrinkage", "optimism", "overall risk"}
        Shrinkage of predictor effects; optimism in apparent fit; precision of the overall risk.
    n : int
        Patients it needs.
    parameters : float
        Parameters it supports with the patients at hand, or that were asked for; infinite for the
        overall risk, which does not depend on them.
    """

    name: CriterionName
    n: int
    parameters: float


@dataclass(frozen=True)
class SampleSize:
    """Patients needed to develop a prognostic model.

    Attributes
    ----------
    n, n_events : int
        Patients, and the events expected among them.
    n_parameters : int
        Candidate parameters, counted before any selection.
    events_per_parameter : float
        Events expected over parameters.
    r2_cox_snell, max_r2 : float
        Anticipated R2 (Cox-Snell) and the largest it can be.
    shrinkage : float
        Shrinkage factor expected with ``n`` patients.
    overall_risk, lower, upper : float
        Risk by the horizon with the limits expected from ``n`` patients.
    criteria : tuple of Criterion
        The three criteria.
    binding : str
        Name of the one that asks for most.
    """

    n: int
    n_events: int
    n_parameters: int
    events_per_parameter: float
    r2_cox_snell: float
    max_r2: float
    shrinkage: float
    overall_risk: float
    lower: float
    upper: float
    criteria: tuple[Criterion, Criterion, Criterion]
    binding: CriterionName


@dataclass(frozen=True)
class SupportedParameters:
    """Parameters that a cohort can carry.

    Attributes
    ----------
    n_parameters : int
        Whole parameters that meet both criteria; may be 0.
    by_shrinkage, by_optimism : float
        Parameters that each criterion allows, not rounded.
    n, n_events : int
        Patients and events of the cohort.
    r2_cox_snell, max_r2 : float
        Anticipated R2 (Cox-Snell) and the largest it can be.
    shrinkage : float
        Shrinkage factor aimed at.
    """

    n_parameters: int
    by_shrinkage: float
    by_optimism: float
    n: int
    n_events: int
    r2_cox_snell: float
    max_r2: float
    shrinkage: float

    def __str__(self) -> str:
        """One sentence for a report."""
        return (
            f"{self.n} patients with {self.n_events} events support "
            f"{min(self.by_shrinkage, self.by_optimism):.1f} parameters at a shrinkage of "
            f"{self.shrinkage:g} (anticipated Cox-Snell R2 {self.r2_cox_snell:.3f} of at most "
            f"{self.max_r2:.3f})."
        )


def required_sample_size(
    n_parameters: int,
    *,
    event_rate: float,
    mean_follow_up: float,
    horizon: float,
    r2_cox_snell: float | None = None,
    r2_nagelkerke: float | None = None,
    c_index: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    margin: float = 0.05,
) -> SampleSize:
    r"""Patients needed to develop a prognostic model for a time to event.

    Give exactly one of ``r2_cox_snell``, ``r2_nagelkerke`` and ``c_index``.

    Parameters
    ----------
    n_parameters : int
        Candidate parameters, counted before any selection; a category of k levels counts k - 1.
    event_rate : float
        Events per patient and unit of time.
    mean_follow_up : float
        Mean follow-up, in the same unit of time.
    horizon : float
        Time at which risk is to be predicted, same unit.
    r2_cox_snell : float, optional
        Anticipated Cox-Snell R2, adjusted for optimism, in (0, 1).
    r2_nagelkerke : float, optional
        Anticipated share of the largest possible R2, in (0, 1).
    c_index : float, optional
        C-index published for a like model, in (0.5, 1).
    shrinkage : float, default=0.9
        Shrinkage factor aimed at, in (0, 1).
    optimism : float, default=0.05
        Largest optimism in R2 relative to its maximum.
    margin : float, default=0.05
        Largest distance of the upper limit of the overall risk from the risk.

    Returns
    -------
    SampleSize
        Patients, events, and what each criterion asks for.

    Raises
    ------
    ModelError
        If a number is outside its range, or not exactly one measure of fit is given.

    Notes
    -----
    With :math:`p` parameters and :math:`R^2` by Cox and Snell [1]_:
    (1) :math:`n = p / \{(S - 1) \log(1 - R^2 / S)\}`;
    (2) the same with :math:`S = R^2 / (R^2 + \delta R^2_{max})`;
    (3) the upper 95% limit of :math:`1 - e^{-\lambda t}`, with :math:`\mathrm{se}(\lambda) =
    \sqrt{\lambda / (n \bar t)}`, within ``margin``, solved for n. Checked against R
    ``pmsampsize::pmsampsize`` (type "s"), which reports the third without solving it.

    References
    ----------
    .. [1] Riley RD, et al. Stat Med. 2019;38(7):1276-1296. doi:10.1002/sim.7992

    Examples
    --------
    The worked example of recurrent venous thromboembolism.

    >>> size = required_sample_size(
    ...     30, event_rate=0.065, mean_follow_up=2.07, horizon=2, r2_cox_snell=0.051
    ... )
    >>> size.n, size.n_events, round(size.events_per_parameter, 2), size.binding
    (5143, 692, 23.07, 'shrinkage')
    """
    where = "required_sample_size"
    p = whole_number(n_parameters, where, "n_parameters")
    rate, mean, time = (
        positive(value, where, name)
        for value, name in (
            (event_rate, "event_rate"),
            (mean_follow_up, "mean_follow_up"),
            (horizon, "horizon"),
        )
    )
    share = rate * mean
    r2 = cox_snell_r2(
        share, r2_cox_snell=r2_cox_snell, r2_nagelkerke=r2_nagelkerke, c_index=c_index
    )
    top = max_cox_snell_r2(share)
    aim = between(shrinkage, where, "shrinkage", r2, 1)
    by_optimism = r2 / (r2 + between(optimism, where, "optimism", 0, 1) * top)
    criteria = (
        Criterion("shrinkage", _ceil(p / parameters_per_patient(aim, r2)), p),
        Criterion("optimism", _ceil(p / parameters_per_patient(by_optimism, r2)), p),
        Criterion("overall risk", _patients_for_risk(rate, time, mean, margin, where), math.inf),
    )
    worst = max(criteria, key=lambda criterion: criterion.n)
    n = worst.n
    reach = normal_quantile(0.95) * math.sqrt(rate / (mean * n))
    return SampleSize(
        n=n,
        n_events=_ceil(n * share),
        n_parameters=p,
        events_per_parameter=n * share / p,
        r2_cox_snell=r2,
        max_r2=top,
        shrinkage=expected_shrinkage(n, p, r2_cox_snell=r2),
        overall_risk=-math.expm1(-rate * time),
        lower=max(0.0, -math.expm1(min((reach - rate) * time, 700.0))),
        upper=-math.expm1(-(rate + reach) * time),
        criteria=criteria,
        binding=worst.name,
    )


def supported_parameters(
    n: int,
    n_events: int,
    *,
    r2_cox_snell: float | None = None,
    r2_nagelkerke: float | None = None,
    c_index: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
) -> SupportedParameters:
    """Candidate parameters that a cohort of given size supports.

    Give exactly one of ``r2_cox_snell``, ``r2_nagelkerke`` and ``c_index``; a Nagelkerke R2 of
    0.15 is the usual guess where nothing is known.

    Parameters
    ----------
    n, n_events : int
        Patients and events.
    r2_cox_snell : float, optional
        Anticipated Cox-Snell R2, adjusted for optimism, in (0, 1).
    r2_nagelkerke : float, optional
        Anticipated share of the largest possible R2, in (0, 1).
    c_index : float, optional
        C-index published for a like model, in (0.5, 1).
    shrinkage : float, default=0.9
        Shrinkage factor aimed at, in (0, 1).
    optimism : float, default=0.05
        Largest optimism in R2 relative to its maximum.

    Returns
    -------
    SupportedParameters
        Parameters by each criterion, and the whole number that meets both.

    Raises
    ------
    ModelError
        If a number is outside its range, or not exactly one measure of fit is given.

    Notes
    -----
    The first two criteria of Riley and colleagues [1]_ solved for the number of parameters.
    Checked against the worked examples of R ``pmsampsize``.

    References
    ----------
    .. [1] Riley RD, et al. Stat Med. 2019;38(7):1276-1296. doi:10.1002/sim.7992

    Examples
    --------
    >>> print(supported_parameters(110, 69, r2_nagelkerke=0.15))
    110 patients with 69 events support 1.7 parameters at a shrinkage of 0.9
    (anticipated Cox-Snell R2 0.126 of at most 0.841).
    """
    where = "supported_parameters"
    patients, events = whole_number(n, where, "n"), whole_number(n_events, where, "n_events")
    share = events / patients
    if share > 1:
        raise ModelError(f"{where}: {events} events in {patients} patients; give one at most each.")
    r2 = cox_snell_r2(
        share, r2_cox_snell=r2_cox_snell, r2_nagelkerke=r2_nagelkerke, c_index=c_index
    )
    top = max_cox_snell_r2(share)
    aim = between(shrinkage, where, "shrinkage", r2, 1)
    other = r2 / (r2 + between(optimism, where, "optimism", 0, 1) * top)
    first = patients * parameters_per_patient(aim, r2)
    second = patients * parameters_per_patient(other, r2)
    return SupportedParameters(
        n_parameters=math.floor(min(first, second)),
        by_shrinkage=first,
        by_optimism=second,
        n=patients,
        n_events=events,
        r2_cox_snell=r2,
        max_r2=top,
        shrinkage=aim,
    )


def _patients_for_risk(rate: float, time: float, mean: float, margin: float, where: str) -> int:
    room = between(margin, where, "margin", 0, 1) * math.exp(min(rate * time, 700.0))
    if room >= 1:
        return 1  # the risk itself is so near 1 that no limit can be further off than the margin
    reach = -math.log1p(-room) / time
    ratio = normal_quantile(0.95) / reach
    return _ceil(rate / mean * ratio * ratio)


def _ceil(number: float) -> int:
    if not number < 1e15:
        raise ModelError(
            "required_sample_size: no realistic number of patients is enough; ask for fewer "
            "parameters or anticipate a better fit."
        )
    return math.ceil(number - 1e-9)
