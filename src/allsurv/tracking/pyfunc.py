"""A risk model as MLflow sees it: a data frame of patients in, a data frame of risks out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel

from allsurv.errors import AllsurvError
from allsurv.scoring import RiskScorer
from allsurv.scoring.faults import without_values

__all__ = ["PatientsRefused", "RiskModelService"]


class PatientsRefused(MlflowException):
    """Answered as HTTP 400, in our words alone.

    MLflow's server puts the rows it was sent before a model's message; here they are taken off.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, error_code=INVALID_PARAMETER_VALUE)

    @property
    def message(self) -> str:  # numpydoc ignore=RT01
        """What is wrong."""
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        self._message = text.rpartition("\nError: ")[2]


class RiskModelService(PythonModel):
    """Scores patients with the risk model that was logged beside it.

    Nothing is unpickled: the model is the JSON and arrays of its artifact folder.
    """

    def load_context(self, context: Any) -> None:
        """Open the risk model."""
        self.scorer = RiskScorer.load(context.artifacts["risk_model"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score patients at the horizons of the model."""
        try:
            return self.scorer.score(model_input)
        except AllsurvError as error:
            raise PatientsRefused(without_values(error)) from None
