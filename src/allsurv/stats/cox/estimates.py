"""What a Cox model estimates: hazard ratios, their limits, and tests of all of them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

from allsurv.stats.cox.evaluation import Evaluation
from allsurv.stats.cox.firth import Profile
from allsurv.stats.cox.likelihood import PartialLikelihood
from allsurv.stats.cox.newton import newton_step
from allsurv.stats.levels import normal_quantile
from allsurv.stats.outcome import ChiSquared

__all__ = ["CoxEstimates"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CoxEstimates:
    """Coefficients of a Cox model, and all that is computed of them when it is asked for.

    Most fits are refits - resamples, folds, imputations - of which a few numbers are read.

    Attributes
    ----------
    names : tuple of str
        Names of the covariates.
    coef : ndarray of shape (n_columns,)
        Log hazard ratios per unit of each covariate.
    covariance : ndarray of shape (n_columns, n_columns)
        Inverse information, penalty included.
    robust_covariance : ndarray of shape (n_columns, n_columns) or None
        Sandwich over clusters; ``None`` without ``cluster``.
    level : float
        Confidence level of the limits.
    n_iterations : int
        Newton steps.
    likelihood : PartialLikelihood
        The sorted design; kept for residuals and curves.
    first : ndarray of shape (n_columns,)
        First coefficients of the scaled covariates.
    penalty : ndarray of shape (n_columns,) or None
        Ridge penalty of the scaled covariates.
    initial, final : Evaluation
        The (penalised) likelihood at the first and at the fitted coefficients.
    profile : Profile or None
        Limits and tests of Firth's method; ``None`` otherwise.
    """

    names: tuple[str, ...]
    coef: Floats
    covariance: Floats
    robust_covariance: Floats | None
    level: float
    n_iterations: int
    likelihood: PartialLikelihood = field(repr=False)
    first: Floats = field(repr=False)
    penalty: Floats | None = field(repr=False)
    initial: Evaluation = field(repr=False)
    final: Evaluation = field(repr=False)
    profile: Profile | None = field(default=None, repr=False)

    @cached_property
    def std_error(self) -> Floats:
        """Of ``coef``, from ``robust_covariance`` where there is one, else from ``covariance``."""
        found: Floats = np.sqrt(self._covariance.diagonal())
        return found

    @cached_property
    def z(self) -> Floats:
        """Wald statistics; for Firth's method signed roots of the likelihood ratio statistics."""
        if self.profile is not None:
            return np.sign(self.coef) * np.sqrt(self.profile.statistic)
        with np.errstate(all="ignore"):
            return self.coef / self.std_error

    @cached_property
    def p_value(self) -> Floats:
        """Two-sided p-value of each coefficient."""
        found: Floats = (
            2 * ndtr(-np.abs(self.z)) if self.profile is None else chdtrc(1, self.profile.statistic)
        )
        return found

    @cached_property
    def hazard_ratio(self) -> Floats:
        """exp(coef), per unit of each covariate."""
        return _exp(self.coef)

    @cached_property
    def lower(self) -> Floats:
        """Lower confidence limits of ``hazard_ratio``."""
        if self.profile is not None:
            return _exp(self.profile.lower / self.likelihood.scale)
        return _exp(self.coef - normal_quantile(self.level) * self.std_error)

    @cached_property
    def upper(self) -> Floats:
        """Upper confidence limits of ``hazard_ratio``."""
        if self.profile is not None:
            return _exp(self.profile.upper / self.likelihood.scale)
        return _exp(self.coef + normal_quantile(self.level) * self.std_error)

    @cached_property
    def loglik_null(self) -> float:
        """Log partial likelihood at the first coefficients, without ridge penalty."""
        return self.initial.loglik + self._penalty_at(self.first)

    @cached_property
    def loglik(self) -> float:
        """Log partial likelihood at the fitted coefficients, without ridge penalty."""
        return self.final.loglik + self._penalty_at(self.coef * self.likelihood.scale)

    @cached_property
    def lr_test(self) -> ChiSquared:
        """Likelihood ratio test that all coefficients equal their first values.

        Degrees of freedom are effective ones under a ridge penalty: the trace of the information
        without penalty in the inverse of that with it.
        """
        df: float = self.coef.size
        if self.penalty is not None:
            df -= float((self.covariance.diagonal() * self.likelihood.scale**2) @ self.penalty)
        return ChiSquared.of(2 * (self.loglik - self.loglik_null), df)

    @cached_property
    def wald_test(self) -> ChiSquared:
        """Wald test of the same, with the robust covariance where there is one."""
        moved = self.coef * self.likelihood.scale - self.first
        if self.robust_covariance is not None:
            return _robust_wald(self.robust_covariance, moved / self.likelihood.scale)
        return ChiSquared.of(float(moved @ self.final.information @ moved), moved.size)

    @cached_property
    def score_test(self) -> ChiSquared:
        """Score test of the same."""
        step = newton_step(self.initial)
        statistic = float("nan") if step is None else float(self.initial.gradient @ step)
        return ChiSquared.of(statistic, self.coef.size)

    @property
    def n(self) -> int:
        """Rows that carry weight."""
        return self.likelihood.data.n_counted

    @property
    def n_events(self) -> int:
        """Events that carry weight."""
        return self.likelihood.sets.deaths.size

    @property
    def ties(self) -> str:
        """Method of ties, "efron" or "breslow"."""
        return self.likelihood.ties

    @property
    def is_firth(self) -> bool:
        """Whether Firth's penalised likelihood was maximised."""
        return self.profile is not None

    def _penalty_at(self, beta: Floats) -> float:
        return 0.0 if self.penalty is None else 0.5 * float(self.penalty @ beta**2)

    @property
    def _covariance(self) -> Floats:
        return self.covariance if self.robust_covariance is None else self.robust_covariance


def _exp(values: Floats) -> Floats:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.exp(values)


def _robust_wald(robust: Floats, moved: Floats) -> ChiSquared:
    """Wald test in the directions that the clusters inform: fewer than columns if they are few."""
    error = np.sqrt(np.diag(robust))
    error[error == 0] = 1.0
    values, vectors = np.linalg.eigh(robust / np.outer(error, error))
    informed = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    along = (vectors.T @ (moved / error))[informed]
    return ChiSquared.of(float(along @ (along / values[informed])), int(informed.sum()))
