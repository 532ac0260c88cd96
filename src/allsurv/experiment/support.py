"""How many parameters a cohort supports, said before anyone looks at a model."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allsurv.describe import support_sentence
from allsurv.models import SurvivalModel

__all__ = ["sample_size_verdict"]


def sample_size_verdict(y: NDArray[np.void], fitted: Mapping[str, SurvivalModel]) -> str:
    """Say how many parameters the cohort supports beside how many the models have."""
    asked = max(len(model.encoder_.terms_) for model in fitted.values())
    found: str = support_sentence(len(y), int(y["event"].sum()), asked)
    return found
