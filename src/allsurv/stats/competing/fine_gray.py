"""Fine-Gray regression: covariates and the cumulative incidence of one cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from allsurv.errors import ModelError, MonotoneError
from allsurv.stats.competing.causes import check_causes, require_cause
from allsurv.stats.competing.censoring_error import censoring_scores
from allsurv.stats.competing.followed import Convention, probability_followed
from allsurv.stats.competing.subdistribution import Competing, SubdistributionLikelihood
from allsurv.stats.cox.design import CoxData, check_cox_data, check_matrix
from allsurv.stats.cox.increments import Increments, increments
from allsurv.stats.cox.newton import Optimum, inverse, maximise, refuse_collinear, refuse_monotone
from allsurv.stats.cox.residuals import score_residuals
from allsurv.stats.curves.intervals import check_times
from allsurv.stats.labels import label_codes
from allsurv.stats.levels import check_level
from allsurv.stats.outcome import ChiSquared, distinct_times
from allsurv.stats.sorting import sort_rows

__all__ = ["FineGrayFit", "fit_fine_gray"]

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]
Ties = Literal["breslow", "efron"]
Found = TypeVar("Found")
WHERE = "fit_fine_gray"
_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class FineGrayFit:
    """A fitted Fine-Gray model; it holds no row of a patient.

    Attributes
    ----------
    of : int
        Cause whose incidence is modelled.
    names : tuple of str
        Names of the covariates.
    coef : ndarray of shape (n_columns,)
        Log subdistribution hazard ratios per unit of each covariate.
    covariance : ndarray of shape (n_columns, n_columns)
        Inverse information, as if the weights were data; too small.
    robust_covariance : ndarray of shape (n_columns, n_columns)
        Sandwich over patients, or over clusters; the errors below are made of it.
    std_error, z, p_value : ndarray of shape (n_columns,)
        Robust standard errors, Wald statistics, two-sided p-values.
    hazard_ratio, lower, upper : ndarray of shape (n_columns,)
        exp(coef) and its confidence limits.
    level : float
        Confidence level of the limits.
    loglik_null, loglik : float
        Log weighted partial likelihood at coefficients of 0 and at the fitted ones.
    wald_test : ChiSquared
        Robust test that all coefficients are 0.
    n, n_events, n_competing : int
        Rows that carry weight, those failing from the cause, and from another.
    n_iterations : int
        Newton steps.
    convention : {"crr", "finegray"}
        Which of R's two the weights and errors are those of.
    ties : {"breslow", "efron"}
        Method of ties.
    centre : ndarray of shape (n_columns,)
        Mean of each covariate.
    time : ndarray of shape (n_times,)
        Times at which somebody fails from the cause, rising.
    cumulative_hazard : ndarray of shape (n_times,)
        Cumulative subdistribution hazard of a patient whose covariates are the means.
    last_time : float
        End of the longest follow-up.
    """

    of: int
    names: tuple[str, ...]
    coef: Floats
    covariance: Floats
    robust_covariance: Floats
    std_error: Floats
    z: Floats
    p_value: Floats
    hazard_ratio: Floats
    lower: Floats
    upper: Floats
    level: float
    loglik_null: float
    loglik: float
    wald_test: ChiSquared
    n: int
    n_events: int
    n_competing: int
    n_iterations: int
    convention: Convention
    ties: Ties
    centre: Floats
    time: Floats
    cumulative_hazard: Floats
    last_time: float

    def linear_predictor(self, X: ArrayLike) -> Floats:
        """Log subdistribution hazard relative to a patient whose covariates are all 0.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
            Covariates, in the order of ``names``.

        Returns
        -------
        ndarray of shape (n_patients,)
            X times coef; not centred.

        Raises
        ------
        ModelError
            If ``X`` does not fit the model.
        """
        matrix = check_matrix(X, where="FineGrayFit.linear_predictor", n_columns=self.coef.size)
        return matrix @ self.coef

    def incidence(self, X: ArrayLike, times: ArrayLike) -> Floats:
        r"""Predict the cumulative incidence of the cause.

        Models of several causes, each fitted on its own, may add up to more than 1; cause-specific
        Cox models cannot.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
            Covariates, in the order of ``names``.
        times : array-like of shape (n_times,)
            In the unit of the data.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            Probability of failing from the cause by each time; NaN beyond follow-up.

        Raises
        ------
        ModelError
            If ``X`` does not fit the model.
        OutcomeError
            If ``times`` is not a vector of finite numbers.

        Notes
        -----
        :math:`1 - \exp\{-\Lambda(t) e^{x' b}\}`. Checked against R ``cmprsk::predict.crr``.

        Examples
        --------
        Without covariates, events at 1 and 3 of four: the last has 2 at risk, one of whom failed
        from another cause at 2 and is followed with certainty: 1 - exp(-(1/4 + 1/3)).

        >>> fit = fit_fine_gray([1, 2, 3, 4], [1, 2, 1, 0], np.empty((4, 0)))
        >>> fit.incidence(np.empty((1, 0)), [3]).round(6).tolist()
        [[0.441965]]
        """
        where = "FineGrayFit.incidence"
        matrix = check_matrix(X, where=where, n_columns=self.coef.size)
        wanted = check_times(times, where)
        hazard = np.concatenate([[0.0], self.cumulative_hazard])
        reached = hazard[np.searchsorted(self.time, wanted, side="right")]
        reached[wanted > self.last_time] = np.nan
        with np.errstate(over="ignore", invalid="ignore"):
            risk = np.exp((matrix - self.centre) @ self.coef)
            found: Floats = -np.expm1(-risk[:, None] * reached)
        return found


def fit_fine_gray(
    time: ArrayLike,
    cause: ArrayLike,
    X: ArrayLike,
    *,
    of: int = 1,
    convention: Convention = "crr",
    ties: Ties | None = None,
    censoring_group: ArrayLike | None = None,
    start: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    patient: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    level: float = 0.95,
    names: Sequence[str] | None = None,
) -> FineGrayFit:
    r"""Fit a Fine-Gray model of the cumulative incidence of one cause.

    A coefficient above 0 means a higher cumulative incidence, whether the covariate raises the
    hazard of the cause or lowers that of the others; for the former fit cause-specific Cox models.

    Parameters
    ----------
    time : array-like of shape (n_patients,)
        End of follow-up, in any one unit; positive.
    cause : array-like of shape (n_patients,)
        Whole numbers: 0 where censored, 1, 2, ... for the cause of failure.
    X : array-like of shape (n_patients, n_columns)
        Covariates known at the start, without intercept.
    of : int, default=1
        Cause of interest.
    convention : {"crr", "finegray"}, default="crr"
        ``"crr"``: as R's package cmprsk; errors include that of estimating the censoring
        distribution. ``"finegray"``: as R's survival; those failing at a time of censoring are not
        at risk of censoring then, errors take the weights as known.
    ties : {"breslow", "efron"}, optional
        Method of ties: ``"breslow"``, the only one of ``"crr"``; ``"efron"`` if not given for
        ``"finegray"``.
    censoring_group : array-like of shape (n_patients,), optional
        Labels of groups, each with its own censoring distribution.
    start : array-like of shape (n_patients,), optional
        Delayed entry; ``convention="finegray"`` only.
    weights : array-like of shape (n_patients,), optional
        Case weights, not negative; the censoring distribution counts each patient once.
        ``convention="finegray"`` only.
    patient : array-like of shape (n_patients,), optional
        Labels of patients, to make sure that each has one row.
    cluster : array-like of shape (n_patients,), optional
        Labels, such as centres, whose patients are not independent.
    level : float, default=0.95
        Confidence level, in (0, 1).
    names : sequence of str, optional
        Names of the columns.

    Returns
    -------
    FineGrayFit
        Coefficients, robust errors, predicted incidence.

    Raises
    ------
    OutcomeError
        If the outcome, labels or level are malformed, or nobody failed from ``of``.
    ModelError
        If covariates are malformed, collinear, or change in time; if an argument does not go with
        the convention.
    MonotoneError
        If an estimate would be infinite. Also a ``ModelError``.

    Notes
    -----
    The partial likelihood of the subdistribution, in which a patient who failed from another cause
    at T stays at risk at t with weight :math:`G(t-) / G(T-)`, G being the probability of not being
    censored [1]_. Under delayed entry G is multiplied by the probability of having entered [2]_.
    Covariates that change in time are refused: after a failure from another cause they have no
    value, yet the patient is still at risk. Checked against R ``cmprsk::crr`` and
    ``survival::finegray`` with ``coxph``. With several censoring groups the errors of
    ``cmprsk::crr`` take each group's estimate to act on the weights of all groups; here on its own.

    References
    ----------
    .. [1] Fine JP, Gray RJ. J Am Stat Assoc. 1999;94(446):496-509.
       doi:10.1080/01621459.1999.10474144
    .. [2] Geskus RB. Biometrics. 2011;67(1):39-49. doi:10.1111/j.1541-0420.2010.01420.x

    Examples
    --------
    With x = 1, 0, 1, 0, events at 1 and 3, another cause at 2 and u = exp(b), the likelihood is
    u / (2u + 2) * u / (u + 2), which rises for ever; with the last two exchanged it is
    u / (2u + 2) * 1 / (u + 2), largest where u * u = 2.

    >>> fit = fit_fine_gray([1, 2, 3, 4], [1, 2, 1, 0], [[1], [0], [0], [1]])
    >>> round(float(fit.hazard_ratio[0]), 6)
    1.414214
    """
    outcome = check_causes(time, cause, start=start, weights=weights, where=WHERE)
    of = require_cause(outcome, of, WHERE)
    method = _check_choices(convention, ties, start=start, weights=weights)
    _refuse_changing(X, patient, np.size(time))
    kept = slice(None) if weights is None else np.asarray(weights, dtype=float) > 0
    data = check_cox_data(
        outcome.time,
        outcome.cause == of,
        check_matrix(X, where=WHERE, n_rows=np.size(time))[kept],
        start=outcome.start,
        weights=outcome.weights,
        cluster=None if cluster is None else np.asarray(cluster)[kept],
        names=names,
        where=WHERE,
    )
    level = check_level(level, WHERE)
    _check_size(data)
    groups = np.zeros(data.time.size, np.intp)
    if censoring_group is not None:
        labels = label_codes(censoring_group, np.size(time), "censoring_group", WHERE)[1]
        groups = np.unique(labels[kept], return_inverse=True)[1]
    # In order of time every search below runs along memory: a third of the time of a million rows.
    order, _ = sort_rows(data.time)
    data, groups, failed = _in_order(data, order), groups[order], outcome.failed[order]
    competing = _competing_rows(data, failed, groups, convention)
    likelihood = SubdistributionLikelihood(data, method, competing)
    optimum = _maximised(likelihood)
    coef = optimum.beta / likelihood.scale
    steps = increments(likelihood, coef)
    scores = score_residuals(likelihood, steps)
    if convention == "crr":
        scores += censoring_scores(likelihood, steps, competing, groups, failed)
    return _assembled(
        likelihood, optimum, steps, scores, of=of, convention=convention, level=level,
        n_competing=competing.rows.size,
    )  # fmt: skip


def _check_choices(
    convention: str, ties: str | None, *, start: ArrayLike | None, weights: ArrayLike | None
) -> Ties:
    if convention not in ("crr", "finegray"):
        raise ModelError(f"{WHERE}: convention is {convention!r}; choose 'crr' or 'finegray'.")
    if ties not in (None, "breslow", "efron"):
        raise ModelError(f"{WHERE}: ties is {ties!r}; choose 'breslow' or 'efron'.")
    if convention == "finegray":
        return "breslow" if ties == "breslow" else "efron"
    for name, given in (("start", start), ("weights", weights)):
        if given is not None:
            raise ModelError(
                f"{WHERE}: convention 'crr' has no {name}; choose convention='finegray'."
            )
    if ties == "efron":
        raise ModelError(f"{WHERE}: convention 'crr' has Breslow's ties; leave ties out.")
    return "breslow"


def _refuse_changing(X: ArrayLike, patient: ArrayLike | None, n_rows: int) -> None:
    reason = (
        "a patient who failed from another cause stays at risk, but covariates that change in time "
        "have no value after that failure; use covariates known at the start, a landmark, or "
        "cause-specific Cox models."
    )
    if np.ndim(X) > 2:
        raise ModelError(f"{WHERE}: X has {np.ndim(X)} dimensions; {reason}")
    if patient is not None:
        levels, _ = label_codes(patient, n_rows, "patient", WHERE)
        if levels.size < n_rows:
            raise ModelError(f"{WHERE}: {n_rows} rows of {levels.size} patients; {reason}")


def _check_size(data: CoxData) -> None:
    columns, events = data.X.shape[1], int(data.counted_event.sum())
    if columns > events:
        raise ModelError(f"{WHERE}: {columns} columns but {events} events; use fewer columns.")


def _in_order(data: CoxData, order: Integers) -> CoxData:
    return replace(
        data,
        time=data.time[order],
        event=data.event[order],
        start=None if data.start is None else data.start[order],
        weights=None if data.weights is None else data.weights[order],
        X=data.X[order],
        cluster=None if data.cluster is None else data.cluster[order],
    )


def _competing_rows(
    data: CoxData, failed: NDArray[np.bool_], groups: Integers, convention: Convention
) -> Competing:
    rows = np.flatnonzero(failed & ~data.event)
    times = distinct_times(data.time[data.event])
    own, at_events = np.empty(rows.size), np.empty((int(groups.max()) + 1, times.size))
    for group in range(len(at_events)):
        inside = groups == group
        mine = groups[rows] == group
        start = None if data.start is None else data.start[inside]
        found = probability_followed(
            data.time[inside],
            failed[inside],
            start,
            np.concatenate([times, data.time[rows[mine]]]),
            convention,
        )
        at_events[group], own[mine] = found[: times.size], found[times.size :]
    return Competing(rows, groups[rows], own, at_events)


def _maximised(likelihood: SubdistributionLikelihood) -> Optimum:
    first = np.zeros(likelihood.X.shape[1])
    initial = likelihood.evaluate(first)
    _in_own_words(lambda: refuse_collinear(initial.information, likelihood.data.names))
    optimum = maximise(likelihood.evaluate, first, initial, tolerance=_TOLERANCE)
    return _in_own_words(lambda: refuse_monotone(likelihood, likelihood.evaluate, optimum))


def _in_own_words(call: Callable[[], Found]) -> Found:
    """Let a refusal of Newton's method name this function and offer what it has."""
    try:
        return call()
    except ModelError as fault:
        said = str(fault).replace("fit_cox:", f"{WHERE}:")
        for asked, offered in (
            ("use firth=True, ridge > 0, or merge levels.", "merge levels, or leave it out."),
            (", or use ridge > 0.", "."),
            ("give init, or use a larger ridge.", "or change their unit."),
        ):
            said = said.replace(asked, offered)
        kind = MonotoneError if isinstance(fault, MonotoneError) else ModelError
        raise kind(said) from None


def _assembled(
    likelihood: SubdistributionLikelihood,
    optimum: Optimum,
    steps: Increments,
    scores: Floats,
    *,
    of: int,
    convention: Convention,
    level: float,
    n_competing: int,
) -> FineGrayFit:
    data, scale = likelihood.data, likelihood.scale
    coef = optimum.beta / scale
    covariance = _in_own_words(lambda: inverse(optimum.final.information)) / np.outer(scale, scale)
    influence = scores @ covariance
    if data.weights is not None:
        influence *= data.weights[:, None]
    if data.cluster is not None:
        order = np.argsort(data.cluster, kind="stable")
        begins = np.flatnonzero(np.diff(data.cluster[order], prepend=-1))
        influence = np.add.reduceat(influence[order], begins, axis=0)
    robust = influence.T @ influence
    std_error = np.sqrt(robust.diagonal())
    with np.errstate(all="ignore"):
        z = coef / std_error
        width = ndtri(0.5 + level / 2) * std_error
        ratio, lower, upper = np.exp(coef), np.exp(coef - width), np.exp(coef + width)
    solved = np.linalg.lstsq(robust, coef, rcond=1e-10)[0]
    rank = int(np.linalg.matrix_rank(robust, hermitian=True)) if coef.size else 0
    # Steps are those of a linear predictor less its largest value: at the means it is 0.
    hazard = np.cumsum(steps.hazard) * np.exp(-steps.shift)
    return FineGrayFit(
        of=of,
        names=data.names,
        coef=coef,
        covariance=covariance,
        robust_covariance=robust,
        std_error=std_error,
        z=z,
        p_value=2 * ndtr(-np.abs(z)),
        hazard_ratio=ratio,
        lower=lower,
        upper=upper,
        level=level,
        loglik_null=optimum.initial.loglik,
        loglik=optimum.final.loglik,
        wald_test=ChiSquared.of(float(coef @ solved), rank),
        n=data.time.size,
        n_events=likelihood.sets.deaths.size,
        n_competing=n_competing,
        n_iterations=optimum.n_iterations,
        convention=convention,
        ties="efron" if likelihood.ties == "efron" else "breslow",
        centre=likelihood.centre,
        time=likelihood.sets.times,
        cumulative_hazard=np.asarray(hazard, dtype=float),
        last_time=float(data.time.max()),
    )
