"""Scoring new patients with a saved risk model.

Only numpy and pandas are loaded. An address of MLflow (``models:/``, ``runs:/``) is resolved by
:mod:`allsurv.tracking`, which is looked up by name at that moment: the one place where a lower
room reaches up, so that who scores from a folder needs no MLflow.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import CohortError, Violation
from allsurv.features.encoding import encode_with_faults
from allsurv.models.riskmodel import RiskModel
from allsurv.scoring.reading import Plan, make_plan, read_patients

__all__ = ["RiskScorer"]

_ADDRESSES = ("models:/", "runs:/", "mlflow-artifacts:/")
_WHERE = "the table"


class RiskScorer:
    """A risk model at work: checked risks for new patients.

    Parameters
    ----------
    risk_model : RiskModel
        The model.
    """

    def __init__(self, risk_model: RiskModel) -> None:
        self.risk_model = risk_model
        self._plan: Plan | None = None

    @classmethod
    def load(cls, address: str | Path) -> RiskScorer:
        """Open a saved risk model.

        Parameters
        ----------
        address : str or Path
            Folder of a risk model, or where MLflow keeps one: ``models:/name@alias``,
            ``models:/name/version``, ``runs:/id/path``.

        Returns
        -------
        RiskScorer
            Ready to score.

        Raises
        ------
        RiskModelError
            If there is no risk model, or a part of it is missing, damaged or altered.
        """
        if isinstance(address, str) and address.startswith(_ADDRESSES):
            address = importlib.import_module("allsurv.tracking").download_risk_model(address)
        return cls(RiskModel.read(address))

    def score(self, frame: pd.DataFrame, horizons: Sequence[float] | None = None) -> pd.DataFrame:
        """Score patients, or say all that is wrong with their data.

        Parameters
        ----------
        frame : DataFrame of shape (n_patients, n_columns)
            One row per patient, columns as in a file of the study (see
            ``risk_model.variables``); others are ignored. A derived predictor may be given in
            place of its sources.
        horizons : sequence of float, optional
            Times at which survival is wanted, in the unit of the study; those of the model by
            default.

        Returns
        -------
        DataFrame of shape (n_patients, 3 + n_horizons)
            In the order and with the index of ``frame``: ``risk_score`` (higher is worse),
            ``risk_centile`` (per cent of development that scored lower), ``risk_group``, and
            ``survival_<horizon>``, such as ``survival_12``.

        Raises
        ------
        CohortError
            If data break the study's dictionary; ``.violations`` names every row.
        ModelError
            If a horizon lies beyond the follow-up of development.
        """
        model = self.risk_model
        asked = model.horizons if horizons is None else tuple(horizons)
        steps = model.steps(asked)
        design = self._design(frame)
        score, survival = model.mechanism.score_and_survival(design, steps)
        columns = {
            "risk_score": score,
            "risk_centile": model.development.centile(score),
            "risk_group": pd.array(model.development.group(score), dtype="string"),
            **{f"survival_{time:g}": survival[:, j] for j, time in enumerate(asked)},
        }
        return pd.DataFrame(columns, index=frame.index)

    def _design(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        model = self.risk_model
        if not isinstance(frame, pd.DataFrame):
            fault = Violation(_WHERE, f"is a {type(frame).__name__}; give a DataFrame.")
            raise CohortError(_WHERE, model.study, [fault])
        if self._plan is None or not self._plan.columns.equals(frame.columns):
            self._plan = make_plan(model, frame.columns)
        numbers, faults = read_patients(frame, self._plan, model.terms)
        if not faults:
            design, faults = encode_with_faults(numbers, model.terms, n_rows=len(frame))
        if faults:
            raise CohortError(_WHERE, model.study, faults)
        return design
