"""A linear model on paper, as tables: nomogram, whole points, and what rounding loses."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.models.points import make_points
from allsurv.riskmodel.model import RiskModel
from allsurv.validation import find_measure

__all__ = ["points_tables"]


def points_tables(
    risk_models: Mapping[str, RiskModel], cohort: Cohort, *, first: str
) -> dict[str, pd.DataFrame]:
    """Turn the recommended model, or else the first linear one, into points."""
    for name in dict.fromkeys([first, *risk_models]):
        try:
            system = make_points(risk_models[name], cohort)
        except ModelError:
            continue
        tables = {
            "points": system.points.head(0) if system.loses_too_much else system.points,
            "nomogram": system.scales,
            "points_survival": system.survival,
            "points_loss": system.loss.assign(
                label=system.loss["measure"].map(lambda name: find_measure(name).label)
            ),
        }
        return {key: table.assign(model=name) for key, table in tables.items()}
    return {}
