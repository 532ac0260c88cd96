"""The file MLflow runs to bring a registered risk model to life ("models from code")."""

import mlflow

from allsurv.tracking.pyfunc import RiskModelService

mlflow.models.set_model(RiskModelService())
