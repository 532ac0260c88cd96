"""How many parameters a cohort supports, said before anyone looks at a model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allsurv.models import SurvivalModel
from allsurv.stats.samplesize import supported_parameters

__all__ = ["sample_size_verdict"]

ANTICIPATED_R2 = 0.15
SHRINKAGE = 0.9


def sample_size_verdict(y: NDArray[np.void], fitted: Mapping[str, SurvivalModel]) -> str:
    """Say how many parameters the cohort supports beside how many the models have.

    Parameters
    ----------
    y : structured ndarray of shape (n_patients,)
        Outcome of the patients the models were fitted on.
    fitted : mapping from str to SurvivalModel
        Fitted models by name.

    Returns
    -------
    str
        One or two sentences.

    Notes
    -----
    Riley's criteria for the shrinkage of a prognostic model, at an anticipated Nagelkerke R2 of
    0.15, the usual guess where nothing is known [1]_.

    References
    ----------
    .. [1] Riley RD, et al. Stat Med. 2019;38(7):1276-1296. doi:10.1002/sim.7992
    """
    n, n_events = len(y), int(y["event"].sum())
    carried = supported_parameters(n, n_events, r2_nagelkerke=ANTICIPATED_R2, shrinkage=SHRINKAGE)
    supported = min(carried.by_shrinkage, carried.by_optimism)
    asked = max(len(model.encoder_.terms_) for model in fitted.values())
    said = (
        f"{n} patients with {n_events} events support {supported:.1f} model parameters "
        f"(Riley's criteria: shrinkage {SHRINKAGE:g}, anticipated Nagelkerke R2 "
        f"{ANTICIPATED_R2:g}); the models here weigh {asked}."
    )
    if asked > supported:
        return f"{said} Too many: expect overfitting, and read every estimate as exploratory."
    return said
