"""Cox regression as a prognostic model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.riskmodel.grid import count_until
from allsurv.riskmodel.mechanisms import Linear
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.cox.many import fit_cox_many

__all__ = ["CoxModel"]

Floats = NDArray[np.float64]


class CoxModel(SurvivalModel):
    r"""Cox regression.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    ridge : float, default=0.0
        Penalty: ``ridge / 2`` times the sum of squared coefficients, numbers being in standard
        deviations and levels 0/1. 0 is the plain model, as R's ``coxph`` fits it.
    ties : {"efron", "breslow"}, default="efron"
        Method of ties, for coefficients and baseline.

    Attributes
    ----------
    coef_ : ndarray of shape (n_terms,)
        Log hazard ratios per unit of each term of ``encoder_.terms_``. A term that does not vary
        in development has 0 and is named in ``constant_``.
    covariance_ : ndarray of shape (n_terms, n_terms)
        Of ``coef_``; NaN for terms in ``constant_``.
    constant_ : tuple of str
        Terms that say nothing because all patients of development agree.

    Notes
    -----
    ``ridge`` is the inverse variance of a normal prior around a hazard ratio of 1 [1]_: 1 expects
    hazard ratios between 0.14 and 7 per standard deviation or level.

    References
    ----------
    .. [1] Verweij PJM, Van Houwelingen HC. Stat Med. 1994;13(23-24):2427-2436.
       doi:10.1002/sim.4780132307
    """

    family: ClassVar[str] = "cox"
    path: ClassVar[str] = "ridge"

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        ridge: float = 0.0,
        ties: Literal["efron", "breslow"] = "efron",
    ) -> None:
        super().__init__(features, grid=grid)
        self.ridge = ridge
        self.ties = ties

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Linear:
        names = np.array([term.name for term in self.encoder_.terms_], dtype=object)
        varies = _varying(design)
        self.constant_ = tuple(np.delete(names, varies)) if varies.size < names.size else ()
        if not varies.size:
            raise ModelError(
                "CoxModel.fit: no predictor varies among the patients; give others, or use 'null'."
            )
        fit = fit_cox(
            time,
            event,
            design.take(varies, axis=1),
            ties=self.ties,
            ridge=self.ridge,
            names=names[varies].tolist(),
        )
        self.coef_ = np.zeros(names.size)
        self.coef_[varies] = fit.coef
        self.covariance_ = np.full((names.size, names.size), np.nan)
        self.covariance_[varies[:, None], varies] = fit.covariance
        baseline = fit.baseline()
        steps = np.concatenate([[0.0], baseline.cumulative_hazard])
        hazard = steps[count_until(baseline.time, self.times_)]
        return Linear(self.coef_, hazard)

    def _score_path(
        self,
        design: Floats,
        time: Floats,
        event: NDArray[np.bool_],
        values: Sequence[float],
        new: Floats,
    ) -> Floats:
        varies = _varying(design)
        everybody = np.ones((len(values), time.size))
        fits = fit_cox_many(
            time, event, design[:, varies], everybody, ties=self.ties, ridge=np.asarray(values)
        )
        return fits.coef @ new[:, varies].T


def _varying(design: Floats) -> NDArray[np.intp]:
    """Find the columns in which patients differ."""
    found: NDArray[np.intp] = (design != design[0]).any(axis=0).nonzero()[0]
    return found
