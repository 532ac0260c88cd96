"""The signature of a registered risk model: types, and in words units and ranges."""

from __future__ import annotations

from typing import Any

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from allsurv.models.riskmodel import RiskModel
from allsurv.scoring import RiskScorer
from allsurv.study.dictionary import Variable

__all__ = ["DescribedColumn", "describe_variable", "signature_of"]

_SAID = {
    "risk_score": "Higher is worse; no unit.",
    "risk_centile": "Per cent of the patients of development that scored lower.",
    "risk_group": "From the cuts of development.",
    "extrapolating": "Variables beyond nearly all patients of development, by comma.",
    "imputed": "Variables that were missing and filled in, by comma.",
    "outside_population": "Variables by which the patient is unlike development, by comma.",
    "fault": "Empty.",
}


class DescribedColumn(ColSpec):
    """A column of a signature that says what it is.

    MLflow writes what ``to_dict`` gives and ignores, when reading, what it does not know: the
    description is in the model's file and harms nobody.

    Parameters
    ----------
    kind : DataType
        Type of the column.
    name : str
        Its name.
    required : bool
        Whether it must be given.
    description : str
        In words.
    """

    def __init__(self, kind: DataType, name: str, *, required: bool, description: str) -> None:
        super().__init__(kind, name, required=required)
        self.description = description

    def to_dict(self) -> dict[str, Any]:
        """Give what is written to the model's file.

        Returns
        -------
        dict of str to object
            Type, name, whether required, description.
        """
        return {**super().to_dict(), "description": self.description}


def describe_variable(variable: Variable) -> str:
    """Say what a variable is, in which unit and range.

    Parameters
    ----------
    variable : Variable
        A line of the data dictionary.

    Returns
    -------
    str
        For example ``White blood cell count, in 10^9/L, 0.01 to 1000.``

    Examples
    --------
    >>> wbc = Variable("wbc", "White cells", "continuous", "wbc", unit="10^9/L", minimum=0.01)
    >>> describe_variable(wbc)
    'White cells, in 10^9/L, at least 0.01.'
    """
    parts = [variable.label]
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
    """Describe what a risk model takes and gives.

    Parameters
    ----------
    risk_model : RiskModel
        What is registered.

    Returns
    -------
    ModelSignature
        Numbers and yes/no as doubles, levels as texts; output columns do not depend on the call.
    """
    inputs: list[ColSpec | TensorSpec] = [
        DescribedColumn(
            DataType.double if variable.is_number or variable.is_yes_no else DataType.string,
            variable.name,
            required=variable.missing == "refused",
            description=describe_variable(variable),
        )
        for variable in risk_model.variables.values()
    ]
    scored = RiskScorer(risk_model).score(risk_model.example())
    outputs: list[ColSpec | TensorSpec] = [
        DescribedColumn(
            DataType.string if scored[name].dtype == "string" else DataType.double,
            name,
            required=True,
            description=_SAID.get(name) or _survival(name, risk_model),
        )
        for name in scored
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))


def _survival(name: str, risk_model: RiskModel) -> str:
    _, horizon, *limit = name.split("_")
    what = f"{limit[0].capitalize()} limit of the instability interval of the" if limit else "The"
    return (
        f"{what} probability of being free of the event ({risk_model.endpoint_label}) at "
        f"{horizon} {risk_model.time_unit} from {risk_model.origin}."
    )
