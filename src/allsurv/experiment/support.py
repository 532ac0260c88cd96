"""How many parameters a cohort supports, said before anyone looks at a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from allsurv.describe import support_sentence
from allsurv.models import SurvivalModel
from allsurv.models.catalog import find_family

__all__ = ["sample_size_verdict"]


def sample_size_verdict(
    y: NDArray[np.void],
    fitted: Mapping[str, SurvivalModel],
    *,
    horizons: Sequence[float] = (),
    unit: str = "months",
) -> str:
    """Say how many parameters the cohort supports beside how many the models have."""
    asked = max(len(model.encoder_.terms_) for model in fitted.values())
    found: str = support_sentence(y, asked, horizons=horizons, unit=unit)
    if any(
        find_family(model.family).mechanism in ("forest", "boosted") for model in fitted.values()
    ):
        found += " Models of trees have no such number: this one counts the columns they may use."
    return found
