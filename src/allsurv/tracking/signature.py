"""The signature of a registered risk model, and its columns in words: units and ranges."""

from __future__ import annotations

from typing import Any

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import AnyType

from allsurv.dictionary.variable import Variable
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring import RiskScorer

__all__ = ["describe_columns", "describe_variable", "signature_of"]

_SAID = {
    "risk_score": "Higher is worse; no unit.",
    "risk_centile": "Per cent of the patients of development that scored lower.",
    "risk_group": "From the cuts of development.",
    "extrapolating": "Variables beyond nearly all patients of development, by comma.",
    "imputed": "Variables that were missing and filled in, by comma.",
    "outside_population": "Variables by which the patient is unlike development, by comma.",
    "fault": "Empty.",
}


class _DescribedColumn(ColSpec):
    """A column of any type whose entry in the schema says what it is.

    MLflow writes the entry as it stands. Reading it, it takes what it knows of a column of any
    type, and lets the description be.
    """

    def __init__(self, name: str, description: str) -> None:
        super().__init__(AnyType(), name, required=False)
        self._description = description

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "description": self._description}


def describe_variable(variable: Variable) -> str:
    """Say what a variable is, in which unit and range.

    Examples
    --------
    >>> wbc = Variable("wbc", "White cells", "continuous", "wbc", unit="10^9/L", minimum=0.01)
    >>> describe_variable(wbc)
    'White cells, a number, in 10^9/L, at least 0.01.'
    """
    parts = [variable.label]
    if variable.is_number:
        parts.append("a whole number" if variable.kind == "integer" else "a number")
    low, high = variable.minimum, variable.maximum
    if variable.unit:
        parts.append(f"in {variable.unit}")
    if low is not None and high is not None:
        parts.append(f"{low:g} to {high:g}")
    elif low is not None or high is not None:
        parts.append(f"at least {low:g}" if low is not None else f"at most {high:g}")
    if variable.is_yes_no:
        parts.append("1 for yes, 0 for no")
    elif variable.has_levels:
        parts.append(f"one of {', '.join(map(str, variable.levels))}")
    if variable.missing == "allowed":
        parts.append("may be missing")
    return ", ".join(parts) + "."


def signature_of(risk_model: RiskModel) -> ModelSignature:
    """Describe what a risk model takes and gives."""
    inputs: list[ColSpec | TensorSpec] = [
        _DescribedColumn(name, describe_variable(variable))
        for name, variable in risk_model.variables.items()
    ]
    scored = RiskScorer(risk_model).score(risk_model.example())
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string if scored[name].dtype == "string" else DataType.double, name)
        for name in scored
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def describe_columns(risk_model: RiskModel) -> dict[str, dict[str, str]]:
    """Say in words what each column of the signature is."""
    scored = RiskScorer(risk_model).score(risk_model.example())
    return {
        "inputs": {v.name: describe_variable(v) for v in risk_model.variables.values()},
        "outputs": {name: _SAID.get(name) or _survival(name, risk_model) for name in scored},
    }


def _survival(name: str, risk_model: RiskModel) -> str:
    _, horizon, *limit = name.split("_")
    what = f"{limit[0].capitalize()} limit of the instability interval of the" if limit else "The"
    return (
        f"{what} probability of being free of the event ({risk_model.endpoint_label}) at "
        f"{horizon} {risk_model.time_unit} from {risk_model.origin}."
    )
