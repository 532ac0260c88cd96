"""A fitted Cox model: its numbers, and the curves, residuals and tests made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ModelError
from allsurv.stats.cox.baseline import (
    Baseline,
    PredictedSurvival,
    baseline_hazard,
    predicted_survival,
    survival_along_path,
)
from allsurv.stats.cox.design import check_matrix
from allsurv.stats.cox.estimates import CoxEstimates
from allsurv.stats.cox.increments import Increments, increments
from allsurv.stats.cox.residuals import (
    RESIDUALS,
    deviance_residuals,
    dfbeta_residuals,
    martingale_residuals,
    schoenfeld_residuals,
    score_residuals,
)
from allsurv.stats.cox.zph import ProportionalHazardsTest, proportional_hazards_test

__all__ = ["CoxFit"]

Floats = NDArray[np.float64]


class CoxFit(CoxEstimates):
    """A fitted Cox model: its estimates, and the curves, residuals and tests made of them.

    The base class :class:`~allsurv.stats.cox.estimates.CoxEstimates` has ``hazard_ratio``,
    ``lower``, ``upper``, ``p_value`` and the other numbers.
    """

    def linear_predictor(self, X: ArrayLike) -> Floats:
        """Log hazard relative to a patient whose covariates are all 0.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
            Covariates, in the order of ``names``.

        Returns
        -------
        ndarray of shape (n_patients,)
            X times coef; no offset, not centred.

        Raises
        ------
        ModelError
            If ``X`` does not fit the model.

        Notes
        -----
        Checked against R ``predict(survival::coxph(...), type = "lp", reference = "zero")``.
        """
        matrix = check_matrix(X, where="CoxFit.linear_predictor", n_columns=self.coef.size)
        return matrix @ self.coef

    def baseline(self) -> Baseline:
        """Baseline hazard of a patient whose covariates are all 0, per stratum.

        Returns
        -------
        Baseline
            At the event times; right under delayed entry.

        Raises
        ------
        ModelError
            If covariates of 0 lie so far away that the hazard there cannot be computed.

        Notes
        -----
        Breslow's or Efron's estimate, as the model's ties. Checked against R
        ``survival::basehaz(centered = FALSE)``.

        Examples
        --------
        Without a covariate of effect the hazard is that of Nelson and Aalen: 1/3, then 1/2.

        >>> from allsurv.stats.cox.fit import fit_cox
        >>> fit = fit_cox([1, 2, 3], [1, 1, 0], np.empty((3, 0)))
        >>> fit.baseline().hazard.round(4).tolist()
        [0.3333, 0.5]
        """
        return baseline_hazard(self.likelihood, self.coef)

    def survival(
        self, X: ArrayLike, times: ArrayLike, strata: ArrayLike | None = None
    ) -> PredictedSurvival:
        """Predict the survival of patients with fixed covariates.

        Parameters
        ----------
        X : array-like of shape (n_patients, n_columns)
            Covariates.
        times : array-like of shape (n_times,)
            Times, in the unit of the data; survival is 1 before the first event.
        strata : array-like of shape (n_patients,), optional
            Each patient's stratum, where the model has strata.

        Returns
        -------
        PredictedSurvival
            Arrays of shape (n_patients, n_times) with log-log limits, NaN beyond the follow-up of
            the patient's stratum; limits take the covariates as known.

        Raises
        ------
        ModelError
            If covariates, times or strata do not fit the model.

        Notes
        -----
        Checked against R ``survival::survfit.coxph(conf.type = "log-log")``.
        """
        return predicted_survival(
            self.likelihood,
            self.coef,
            self._covariance,
            self._steps(),
            X,
            times,
            strata=strata,
            level=self.level,
        )

    def survival_path(
        self,
        X: ArrayLike,
        start: ArrayLike,
        stop: ArrayLike,
        *,
        stratum: str | float | None = None,
    ) -> PredictedSurvival:
        """Predict the survival of one patient whose covariates change at known times.

        Parameters
        ----------
        X : array-like of shape (n_intervals, n_columns)
            Covariates in each interval.
        start, stop : array-like of shape (n_intervals,)
            Intervals ``(start, stop]`` that follow each other without gap.
        stratum : label, optional
            The patient's stratum, where the model has strata.

        Returns
        -------
        PredictedSurvival
            At ``start[0]``, where survival is 1, and at each event time of the path.

        Raises
        ------
        ModelError
            If covariates, intervals or stratum do not fit the model.

        Notes
        -----
        The curve is checked against R ``survival::survfit.coxph(id = )``; its standard error is the
        delta method along the path, which R has for a constant path only. A path that depends on
        the patient's own survival, as transplant does, describes no real patient.
        """
        return survival_along_path(
            self.likelihood,
            self.coef,
            self._covariance,
            self._steps(),
            X,
            start,
            stop,
            stratum=stratum,
            level=self.level,
        )

    def residuals(self, kind: str) -> Floats:
        """Residuals of the model.

        Parameters
        ----------
        kind : {"martingale", "deviance", "schoenfeld", "scaled-schoenfeld", "score", "dfbeta"}
            Which residuals.

        Returns
        -------
        ndarray
            One value per row for "martingale" and "deviance", NaN where the weight is 0; one row
            per row and one column per covariate for "score" and "dfbeta"; one row per event, by
            stratum and time, for the Schoenfeld residuals. Only "dfbeta" is multiplied by case
            weights.

        Raises
        ------
        ModelError
            If there is no such kind.

        Notes
        -----
        Checked against R ``survival::residuals.coxph``.
        """
        steps, likelihood = self._steps(), self.likelihood
        if kind == "martingale":
            return martingale_residuals(likelihood, steps)
        if kind == "deviance":
            return deviance_residuals(likelihood, steps)
        if kind == "schoenfeld":
            return schoenfeld_residuals(likelihood, steps)
        if kind == "scaled-schoenfeld":
            scaled = schoenfeld_residuals(likelihood, steps) @ self.covariance
            return scaled * self.n_events + self.coef
        if kind == "score":
            return score_residuals(likelihood, steps)
        if kind == "dfbeta":
            return dfbeta_residuals(likelihood, steps, self.covariance)
        raise ModelError(f"CoxFit.residuals: kind={kind!r}; allowed are {list(RESIDUALS)}.")

    def proportional_hazards_test(
        self, transform: str = "km", *, terms: Mapping[str, Sequence[str]] | None = None
    ) -> ProportionalHazardsTest:
        """Test whether hazard ratios are constant in time.

        Parameters
        ----------
        transform : {"km", "rank", "identity", "log"}, default="km"
            Transformation of time against which coefficients may change.
        terms : mapping from str to sequence of str, optional
            Columns that belong together, as the dummies of one factor; each alone if not given.

        Returns
        -------
        ProportionalHazardsTest
            Per term, and for all together.

        Raises
        ------
        ModelError
            If the transformation or a column is unknown.

        Notes
        -----
        Score test of the product of covariate and transformed time. Checked against R
        ``survival::cox.zph`` (version 3).
        """
        return proportional_hazards_test(
            self.likelihood,
            self.coef,
            self._steps(),
            transform,
            terms,
            at_maximum=not self.is_firth,
        )

    def _steps(self) -> Increments:
        return increments(self.likelihood, self.coef)
