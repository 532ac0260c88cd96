"""The partial likelihood on a design that is sorted once: value, gradient and information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from allsurv.errors import ModelError
from allsurv.stats.cox_design import CoxData
from allsurv.stats.cox_risk_sets import RiskSets, make_risk_sets

__all__ = ["EfronTerms", "Evaluation", "PartialLikelihood", "RiskSums", "TiedEvents"]

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


class EfronTerms(NamedTuple):
    """Sums over the events of one time, f being k / d and D the k-th event's denominator.

    ``log``, ``one`` and ``square`` sum log D, 1 / D and 1 / D**2 at each event time; ``down``,
    ``down_square`` and ``down2_square`` sum f / D, f / D**2 and (f / D)**2 at each tied time.
    """

    log: Floats
    one: Floats
    square: Floats
    down: Floats
    down_square: Floats
    down2_square: Floats


@dataclass(frozen=True, eq=False)
class TiedEvents:
    """Event times with several events, each event a term of Efron's approximation.

    Attributes
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
        fraction = (np.arange(group.size, dtype=float) - begins[group]) / counts[group]
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
        self._design, self.centre, self.scale = _standardised(data, rows)
        self.X = self._design[:, :-1]
        self.weights = None if data.weights is None else data.weights[rows]
        self.offset = None if data.offset is None else data.offset[rows]
        self.tied = TiedEvents.of(self.sets, ties)
        deaths = self.sets.deaths
        weight = np.ones(deaths.size) if self.weights is None else self.weights[deaths]
        self.death_weight: Floats = np.bincount(
            self.sets.last[deaths], weights=weight, minlength=self.sets.times.size
        ).astype(float, copy=False)
        self.term_weight = self.death_weight.copy()
        self.term_weight[self.tied.times] /= self.sets.n_deaths[self.tied.times]
        self._event_weight = weight
        self._event_sum = weight @ self.X[deaths]
        self._group_matrix, self._sign = _group_matrix(self.sets, self.tied)

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
        """Sum over risk sets, and over tied events.

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
        at_risk, tied = self.weighted_sums(risk, self._design)
        total, tied_total = at_risk[:, -1], tied[:, -1]
        if self._sign is not None and tied_total.size:
            total[self.tied.times] = np.maximum(total[self.tied.times], tied_total)
        return RiskSums(risk, total, at_risk[:, :-1], tied_total, tied[:, :-1])

    def entering_matrix(self) -> csr_array:
        """Give who enters (1) and leaves (-1) the risk sets, going back in time.

        Returns
        -------
        csr_array of shape (n_times, n_used)
            Its product with weighted rows, summed backwards, is the sum over risk sets.
        """
        matrix, n_times = self._group_matrix, self.sets.times.size
        end = int(matrix.indptr[n_times])
        data = np.ones(end) if self._sign is None else self._sign[:end]
        parts = (data, matrix.indices[:end], matrix.indptr[: n_times + 1])
        return csr_array(parts, shape=(n_times, self.sets.rows.size))

    def weighted_sums(self, risk: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Sum weighted columns over risk sets, and over tied events.

        Parameters
        ----------
        risk : ndarray of shape (n_used,)
            Weight of each used row.
        columns : ndarray of shape (n_used, n_sums)
            What to sum.

        Returns
        -------
        at_risk : ndarray of shape (n_times, n_sums)
            Sums over the risk set of each event time.
        tied : ndarray of shape (n_tied, n_sums)
            Sums over the events of each tied time.
        """
        matrix, n_times = self._group_matrix, self.sets.times.size
        np.take(risk, matrix.indices, out=matrix.data, mode="clip")
        if self._sign is not None:
            matrix.data *= self._sign
        grouped = matrix @ columns
        return self.sets.at_risk_sum(grouped[:n_times]), grouped[n_times:]

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
            terms = self.efron_terms(sums)
            loglik = self._event_weight @ eta[self.sets.deaths] - self.term_weight @ terms.log
            gradient = self._event_sum - (self.term_weight * terms.one) @ sums.moment
            if self.tied.times.size:
                weight = self.term_weight[self.tied.times]
                gradient += (weight * terms.down) @ sums.tied_moment
            information = self.information(sums, terms, self.term_weight)
        return Evaluation(float(loglik), gradient, information)

    def efron_terms(self, sums: RiskSums) -> EfronTerms:
        """Sum functions of each event's denominator over the events of each time.

        Parameters
        ----------
        sums : RiskSums
            Sums over risk sets.

        Returns
        -------
        EfronTerms
            For Breslow, and where nothing is tied, functions of the sum over the risk set itself.
        """
        log = np.log(sums.total)
        one = 1.0 / sums.total
        square = one * one
        if not self.tied.times.size:
            none = np.empty(0)
            return EfronTerms(log, one, square, none, none, none)
        group, fraction = self.tied.group, self.tied.fraction
        denominator = sums.total[self.tied.times][group] - fraction * sums.tied_total[group]
        inverse = 1.0 / denominator
        down = fraction * inverse
        summed = self.tied.summed
        log[self.tied.times] = summed(np.log(denominator))
        one[self.tied.times] = summed(inverse)
        square[self.tied.times] = summed(inverse * inverse)
        return EfronTerms(
            log, one, square, summed(down), summed(down * inverse), summed(down * down)
        )

    def information(self, sums: RiskSums, terms: EfronTerms, per_time: Floats) -> Floats:
        """Covariance of the covariates in the risk sets, summed over event times.

        Parameters
        ----------
        sums : RiskSums
            Sums over risk sets.
        terms : EfronTerms
            Of those sums.
        per_time : ndarray of shape (n_times,)
            Weight of each event time; ``term_weight`` for the information itself.

        Returns
        -------
        ndarray of shape (n_columns, n_columns)
            For scaled covariates.
        """
        hazard = self.sets.over_rows(self.sets.history_sum(per_time * terms.one))
        tied = self.tied.times
        if tied.size:
            weight = per_time[tied]
            hazard[self.tied.rows] -= (weight * terms.down)[self.tied.group]
        hazard *= sums.risk
        information = _weighted_gram(self.X, hazard)
        information -= _weighted_gram(sums.moment, per_time * terms.square)
        if tied.size:
            cross = (sums.moment[tied] * (weight * terms.down_square)[:, None]).T
            cross = cross @ sums.tied_moment
            information += cross + cross.T
            information -= _weighted_gram(sums.tied_moment, weight * terms.down2_square)
        return information


def _standardised(data: CoxData, rows: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    """Copy, sort, centre and scale the covariates; the last column is 1, to sum risks with."""
    p = data.X.shape[1]
    design = np.empty((rows.size, p + 1))
    design[:, p] = 1.0
    X = design[:, :p]
    for begin in range(0, rows.size, _CHUNK):
        X[begin : begin + _CHUNK] = data.X[rows[begin : begin + _CHUNK]]
    with np.errstate(all="ignore"):
        centre = X.mean(axis=0)
        X -= centre
        scale = np.sqrt(np.einsum("ij,ij->j", X, X) / rows.size)
        if not np.isfinite(scale).all():
            names = [data.names[k] for k in np.flatnonzero(~np.isfinite(scale))]
            raise ModelError(
                f"fit_cox: columns {names} hold values too large to compute with; "
                "change their unit."
            )
        X[:, scale <= 1e-13 * np.abs(centre)] = 0.0
        scale[scale <= 1e-13 * np.abs(centre)] = 1.0
        X /= scale
    return design, centre, scale


def _group_matrix(sets: RiskSets, tied: TiedEvents) -> tuple[csr_array, Floats | None]:
    """Rows entering (1) and leaving (-1) the risk sets by event time; below, the tied events."""
    n, m = sets.rows.size, sets.times.size
    entries, columns, sign = sets.last, np.arange(n), None
    if sets.first is not None:
        leaves = np.flatnonzero(sets.first > sets.bounds[sets.stratum_of(sets.first)])
        entries = np.concatenate([entries, sets.first[leaves] - 1])
        order = np.argsort(entries, kind="stable")
        columns = np.concatenate([columns, leaves])[order]
        sign = np.ones(columns.size + tied.rows.size)
        sign[: columns.size][order >= n] = -1.0
    ends = np.cumsum(np.bincount(entries, minlength=m))
    tied_ends = np.append(tied.begins[1:], tied.rows.size)[: tied.times.size] + columns.size
    index = np.int32 if columns.size + tied.rows.size < 2**31 else np.int64
    indptr = np.concatenate([[0], ends, tied_ends]).astype(index)
    columns = np.concatenate([columns, tied.rows]).astype(index)
    shape = (m + tied.times.size, n)
    return csr_array((np.ones(columns.size), columns, indptr), shape=shape), sign


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
