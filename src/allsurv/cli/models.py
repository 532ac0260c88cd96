"""A saved risk model, wherever it is kept."""

from __future__ import annotations

from allsurv.cli.extras import require
from allsurv.scoring import RiskScorer
from allsurv.scoring.addresses import is_address

__all__ = ["open_scorer"]


def open_scorer(model: str) -> RiskScorer:
    """Open a risk model in a folder or in MLflow, also where the package is not installed."""
    if is_address(model):
        require("an address of MLflow", "track")
        from allsurv.tracking import download_risk_model

        return RiskScorer.load(download_risk_model(model))
    return RiskScorer.load(model)
