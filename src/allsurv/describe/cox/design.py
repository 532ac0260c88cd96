"""Strata, clusters and weights of a Cox analysis: how patients are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import level_text
from allsurv.errors import ModelError
from allsurv.study.evidence import Analysis

__all__ = ["Design", "read_design"]


@dataclass(frozen=True, eq=False)
class Design:
    """What stands beside the covariates, one entry per row; ``None`` where not asked for."""

    strata: NDArray[np.object_] | None = None
    cluster: NDArray[np.object_] | None = None
    weights: NDArray[np.float64] | None = None


def read_design(
    cohort: Cohort, analysis: Analysis, patient: NDArray[np.intp], where: str
) -> Design:
    """Read strata, clusters and weights of the patients; weights alone cluster by patient."""
    frame = cohort.frame
    strata = cluster = weights = None
    if analysis.strata:
        labels = [[level_text(value) for value in frame[name]] for name in analysis.strata]
        joined = [" / ".join(levels) for levels in zip(*labels, strict=True)]
        strata = np.array(joined, dtype=object)[patient]
    if analysis.weights is not None:
        given = frame[analysis.weights].to_numpy(dtype=float)
        if (given < 0).any():
            raise ModelError(
                f"{where}: weights '{analysis.weights}' are negative in {int((given < 0).sum())} "
                "patients; weights are 0 or more."
            )
        weights, cluster = given[patient], patient.astype(object)
    if analysis.cluster is not None:
        cluster = frame[analysis.cluster].astype(str).to_numpy(dtype=object)[patient]
    return Design(strata, cluster, weights)
