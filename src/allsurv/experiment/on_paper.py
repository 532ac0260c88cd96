"""A linear model on paper, as tables: nomogram, whole points, and what rounding loses."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.models.riskmodel import RiskModel
from allsurv.scoring.points import make_points

__all__ = ["points_tables"]


def points_tables(
    risk_models: Mapping[str, RiskModel], cohort: Cohort, *, first: str
) -> dict[str, pd.DataFrame]:
    """Turn the recommended model, or else the first linear one, into points.

    Parameters
    ----------
    risk_models : mapping from str to RiskModel
        Exported models by name.
    cohort : Cohort
        Patients of development.
    first : str
        Name of the recommended model.

    Returns
    -------
    dict of str to DataFrame
        ``points``, ``nomogram``, ``points_survival`` and ``points_loss``, each with the ``model``;
        empty where no model is a sum over predictors.
    """
    for name in dict.fromkeys([first, *risk_models]):
        try:
            system = make_points(risk_models[name], cohort)
        except ModelError:
            continue
        tables = {
            "points": system.points,
            "nomogram": system.scales,
            "points_survival": system.survival,
            "points_loss": system.loss,
        }
        return {key: table.assign(model=name) for key, table in tables.items()}
    return {}
