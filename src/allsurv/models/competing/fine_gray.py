"""Fine-Gray regression as a prognostic model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.features import FeatureEncoder
from allsurv.models.competing.base import CompetingModel
from allsurv.riskmodel.causes import CausesSubdistribution
from allsurv.riskmodel.grid import count_until
from allsurv.stats.competing.fine_gray import fit_fine_gray

__all__ = ["FineGray"]

Floats = NDArray[np.float64]
Causes = NDArray[np.intp]


class FineGray(CompetingModel):
    r"""A Fine-Gray model of the incidence of each cause.

    Fitted cause by cause they may promise more than 1 together; such a patient's risks stop rising,
    in proportion, where nobody would be left.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    causes : sequence of str, default=("1", "2")
        Names of the causes, in the order of their codes 1, 2, ...

    Attributes
    ----------
    coef_ : ndarray of shape (n_causes, n_terms)
        Log subdistribution hazard ratios; 0 for a term that does not vary in development.
    share_capped_ : float
        Share of the patients of development whose risks had to stop.

    Notes
    -----
    As R ``cmprsk::crr`` for each cause; see
    :func:`~allsurv.stats.competing.fine_gray.fit_fine_gray`.
    """

    family: ClassVar[str] = "fine_gray"

    def __init__(
        self, features: FeatureEncoder, *, grid: float = 1.0, causes: Sequence[str] = ("1", "2")
    ) -> None:
        super().__init__(features, grid=grid)
        self.causes = causes

    def _learn_causes(self, design: Floats, time: Floats, cause: Causes) -> CausesSubdistribution:
        varies = np.ptp(design, axis=0) > 0
        if not varies.any():
            raise ModelError(
                "FineGray.fit: no predictor varies among the patients; give others, or use "
                "'incidence'."
            )
        self.coef_ = np.zeros((len(self.causes), design.shape[1]))
        hazard = np.zeros((len(self.causes), self.times_.size))
        names = [t.name for t, v in zip(self.encoder_.terms_, varies, strict=True) if v]
        for k, name in enumerate(self.causes):
            try:
                fit = fit_fine_gray(time, cause, design[:, varies], of=k + 1, names=names)
            except ModelError as fault:
                raise type(fault)(f"cause '{name}': {fault}") from None
            self.coef_[k, varies] = fit.coef
            steps = np.concatenate([[0.0], fit.cumulative_hazard * np.exp(-fit.centre @ fit.coef)])
            hazard[k] = steps[count_until(fit.time, self.times_)]
        mechanism = CausesSubdistribution(self.coef_, hazard)
        self.share_capped_ = float(mechanism.capped(design).mean())
        return mechanism
