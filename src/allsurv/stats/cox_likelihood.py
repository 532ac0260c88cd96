"""The partial likelihood on a design that is sorted once: value, gradient and information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.errors import ModelError
from allsurv.stats.cox_design import CoxData, RiskSets, make_risk_sets

__all__ = ["Evaluation", "PartialLikelihood", "RiskSums", "TiedEvents"]

Floats = NDArray[np.float64]
_CHUNK = 8192


class Evaluation(NamedTuple):
    """The log partial likelihood and its derivatives, for scaled covariates."""

    loglik: float
    gradient: Floats
    information: Floats


class RiskSums(NamedTuple):
    """Weighted sums over the risk set of each event time, and over its tied events."""

    risk: Floats
    total: Floats
    moment: Floats
    tied_total: Floats
    tied_moment: Floats


@dataclass(frozen=True, eq=False)
class TiedEvents:
    """Event times with several events, each event a term of Efron's approximation.

    Parameters
    ----------
    times : ndarray of shape (n_tied,)
        Indices of event times with more than one event.
    rows : ndarray of shape (n_tied_events,)
        Positions of those events among the used rows.
    group : ndarray of shape (n_tied_events,)
        For each event, the index in ``times``.
    fraction : ndarray of shape (n_tied_events,)
        k / d for the k-th of d events, k from 0.
    begins : ndarray of shape (n_tied,)
        Where each time's events begin.
    """

    times: NDArray[np.intp]
    rows: NDArray[np.intp]
    group: NDArray[np.intp]
    fraction: Floats
    begins: NDArray[np.intp]

    @classmethod
    def of(cls, sets: RiskSets, ties: str) -> TiedEvents:
        """Find the ties that the method of ties acts on; none for Breslow.

        Parameters
        ----------
        sets : RiskSets
            Risk sets.
        ties : str
            "efron" or "breslow".

        Returns
        -------
        TiedEvents
            Empty where nothing is tied.
        """
        several = sets.n_deaths > 1 if ties == "efron" else np.zeros(sets.times.size, dtype=bool)
        times = np.flatnonzero(several)
        counts = sets.n_deaths[times]
        begins = np.cumsum(counts) - counts
        group = np.repeat(np.arange(times.size), counts)
        rows = sets.deaths[several[sets.last[sets.deaths]]]
        fraction = (np.arange(group.size) - begins[group]) / counts[group]
        return cls(times, rows, group, fraction, begins)

    def summed(self, per_event: Floats) -> Floats:
        """Sum over the events of each tied time.

        Parameters
        ----------
        per_event : ndarray of shape (n_tied_events, ...)
            One value per term.

        Returns
        -------
        ndarray of shape (n_tied, ...)
            One value per tied time.
        """
        return np.add.reduceat(per_event, self.begins, axis=0)


class PartialLikelihood:
    """The partial likelihood of one data set, ready to be evaluated at any coefficients.

    Covariates are centred and scaled; coefficients here are those of the scaled covariates, and
    ``coef = beta / scale`` those of the covariates as given.

    Parameters
    ----------
    data : CoxData
        Checked rows.
    ties : str
        "efron" or "breslow".
    """

    def __init__(self, data: CoxData, ties: str) -> None:
        event = data.counted_event
        n_strata = 1 if data.strata is None else data.strata.size
        self.data = data
        self.ties = ties
        self.sets = make_risk_sets(
            data.time, event, start=data.start, stratum=data.stratum, n_strata=n_strata
        )
        rows = self.sets.rows
        self.X, self.centre, self.scale = _standardised(data, rows)
        self.weights = None if data.weights is None else data.weights[rows]
        self.offset = None if data.offset is None else data.offset[rows]
        self.tied = TiedEvents.of(self.sets, ties)
        deaths = self.sets.deaths
        weight = np.ones(deaths.size) if self.weights is None else self.weights[deaths]
        self.death_weight = np.bincount(
            self.sets.last[deaths], weights=weight, minlength=self.sets.times.size
        )
        self.term_weight = self.death_weight.copy()
        self.term_weight[self.tied.times] /= self.sets.n_deaths[self.tied.times]
        self._event_weight = weight
        self._event_sum = weight @ self.X[deaths]
        self._risk_matrix, self._sign = _risk_matrix(self.sets)
        self._tied_matrix = csr_array(
            (
                np.ones(self.tied.rows.size),
                self.tied.rows,
                np.concatenate([self.tied.begins, [self.tied.rows.size]]),
            ),
            shape=(self.tied.times.size, rows.size),
        )

    def linear_predictor(self, beta: Floats) -> Floats:
        """Linear predictor of the used rows, largest 0.

        Parameters
        ----------
        beta : ndarray of shape (n_columns,)
            Coefficients of the scaled covariates.

        Returns
        -------
        ndarray of shape (n_used,)
            Shifted so that its exponential cannot overflow.
        """
        eta = self.X @ beta
        if self.offset is not None:
            eta += self.offset
        eta -= eta.max()
        return eta

    def risk_sums(self, eta: Floats) -> RiskSums:
        """Sums over risk sets.

        Parameters
        ----------
        eta : ndarray of shape (n_used,)
            Linear predictor.

        Returns
        -------
        RiskSums
            Weighted risks, their sums and their first moments; second moments are never formed.
        """
        risk = np.exp(eta)
        if self.weights is not None:
            risk *= self.weights
        matrix, tied = self._risk_matrix, self._tied_matrix
        if self._sign is None:
            matrix.data = risk
        else:
            np.multiply(risk[matrix.indices], self._sign, out=matrix.data)
        total = np.add.reduceat(matrix.data, matrix.indptr[:-1])
        total[np.diff(matrix.indptr) == 0] = 0.0
        total = self.sets.at_risk_sum(total)
        moment = self.sets.at_risk_sum(matrix @ self.X)
        tied.data = risk[self.tied.rows]
        tied_total = self.tied.summed(tied.data) if tied.data.size else np.empty(0)
        if tied_total.size:
            total[self.tied.times] = np.maximum(total[self.tied.times], tied_total)
        return RiskSums(risk, total, moment, tied_total, tied @ self.X)

    def loglik(self, beta: Floats) -> float:
        """Log partial likelihood.

        Parameters
        ----------
        beta : ndarray of shape (n_columns,)
            Coefficients of the scaled covariates.

        Returns
        -------
        float
            Its value.
        """
        return self.evaluate(beta).loglik

    def evaluate(self, beta: Floats) -> Evaluation:
        """Value, gradient and information at given coefficients.

        Parameters
        ----------
        beta : ndarray of shape (n_columns,)
            Coefficients of the scaled covariates.

        Returns
        -------
        Evaluation
            Not finite where the coefficients are too large to be evaluated.

        Notes
        -----
        Information is X' diag(risk * hazard) X less a quadratic form in the first moments of each
        event time, so that its cost is that of one product of matrices.
        """
        with np.errstate(all="ignore"):
            eta = self.linear_predictor(beta)
            sums = self.risk_sums(eta)
            inverse = 1.0 / sums.total
            first = self.term_weight * inverse
            second = first * inverse
            log_total = np.log(sums.total)
            tied = self.tied.times
            if tied.size:
                terms = self._efron_terms(sums)
                log_total[tied] = terms.log
                first[tied] = self.term_weight[tied] * terms.one
                second[tied] = self.term_weight[tied] * terms.square
            loglik = self._event_weight @ eta[self.sets.deaths] - self.term_weight @ log_total
            hazard = self.sets.over_rows(self.sets.history_sum(first))
            gradient = self._event_sum - first @ sums.moment
            if tied.size:
                weight = self.term_weight[tied]
                down = weight * terms.down
                gradient += down @ sums.tied_moment
                hazard[self.tied.rows] -= down[self.tied.group]
            hazard *= sums.risk
            information = _weighted_gram(self.X, hazard)
            information -= _weighted_gram(sums.moment, second)
            if tied.size:
                cross = (sums.moment[tied] * (weight * terms.down_square)[:, None]).T
                cross = cross @ sums.tied_moment
                information += cross + cross.T
                information -= _weighted_gram(sums.tied_moment, weight * terms.down2_square)
        return Evaluation(float(loglik), gradient, information)

    def _efron_terms(self, sums: RiskSums) -> _EfronTerms:
        group, fraction = self.tied.group, self.tied.fraction
        denominator = sums.total[self.tied.times][group] - fraction * sums.tied_total[group]
        inverse = 1.0 / denominator
        down = fraction * inverse
        summed = self.tied.summed
        return _EfronTerms(
            log=summed(np.log(denominator)),
            one=summed(inverse),
            down=summed(down),
            square=summed(inverse * inverse),
            down_square=summed(down * inverse),
            down2_square=summed(down * down),
        )


class _EfronTerms(NamedTuple):
    log: Floats
    one: Floats
    down: Floats
    square: Floats
    down_square: Floats
    down2_square: Floats


def _standardised(data: CoxData, rows: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    X = np.empty((rows.size, data.X.shape[1]))
    for begin in range(0, rows.size, _CHUNK):
        X[begin : begin + _CHUNK] = data.X[rows[begin : begin + _CHUNK]]
    with np.errstate(all="ignore"):
        centre = X.mean(axis=0)
        X -= centre
        scale = np.sqrt(np.einsum("ij,ij->j", X, X) / rows.size)
        if not np.all(np.isfinite(scale)):
            names = [data.names[k] for k in np.flatnonzero(~np.isfinite(scale))]
            raise ModelError(
                f"fit_cox: columns {names} hold values too large to compute with; "
                "change their unit."
            )
        scale = np.where(scale > 1e-13 * np.abs(centre), scale, 0.0)
        scale[scale == 0] = 1.0
        X /= scale
    return X, centre, scale


def _risk_matrix(sets: RiskSets) -> tuple[csr_array, Floats | None]:
    n, m = sets.rows.size, sets.times.size
    index = np.int32 if 2 * n < 2**31 else np.int64
    entries, columns, sign = sets.last, np.arange(n, dtype=index), None
    if sets.first is not None:
        leaves = np.flatnonzero(sets.first > sets.bounds[sets.stratum_of(sets.first)])
        entries = np.concatenate([entries, sets.first[leaves] - 1])
        order = np.argsort(entries, kind="stable")
        columns = np.concatenate([columns, leaves.astype(index)])[order]
        sign = np.concatenate([np.ones(n), -np.ones(leaves.size)])[order]
    counts = np.bincount(entries, minlength=m)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(index)
    data = np.ones(columns.size) if sign is None else sign.copy()
    return csr_array((data, columns, indptr), shape=(m, n)), sign


def _weighted_gram(X: Floats, weight: Floats) -> Floats:
    if X.shape[0] <= _CHUNK:
        return X.T @ (X * weight[:, None])
    out = np.zeros((X.shape[1], X.shape[1]))
    buffer = np.empty((_CHUNK, X.shape[1]))
    for begin in range(0, X.shape[0], _CHUNK):
        part = X[begin : begin + _CHUNK]
        weighted = np.multiply(
            part, weight[begin : begin + _CHUNK, None], out=buffer[: part.shape[0]]
        )
        out += part.T @ weighted
    return out
