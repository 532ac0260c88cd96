"""Shapley values as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """What each variable adds to each patient's prediction.

    Values of a patient and the base value sum to the prediction.

    Parameters
    ----------
    values : ndarray of shape (n_patients, n_variables) or (n_patients, n_variables, n_times)
        Shapley values, in the unit of what is explained: risk score, or survival.
    base_values : ndarray of shape (n_patients,) or (n_patients, n_times)
        Prediction for a patient of whom nothing is known; of the reference patient for a linear
        model.
    data : ndarray of object of shape (n_patients, n_variables)
        The patients' values.
    feature_names : list of str
        Labels of the variables.
    output_names : list of str or None
        The times; ``None`` where the risk score is explained.

    Notes
    -----
    The fields are those of :class:`shap.Explanation`;
    :func:`allsurv.plots.shap_explanation` turns one into the other for shap's own figures.
    """

    values: NDArray[np.float64]
    base_values: NDArray[np.float64]
    data: NDArray[np.object_]
    feature_names: list[str]
    output_names: list[str] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Explanation:
        """Take patients, variables, times: ``explanation[3]``, ``explanation[3, :, 0]``."""
        patients, variables, *times = index if isinstance(index, tuple) else (index, slice(None))
        names = np.array(self.feature_names, dtype=object)[variables]
        base = self.base_values[(patients, *times)]
        outputs: Any = None
        if self.output_names is not None:
            outputs = np.array(self.output_names, dtype=object)[times[0] if times else slice(None)]
            outputs = [outputs] if isinstance(outputs, str) else list(outputs)
        return Explanation(
            self.values[index],
            np.asarray(base),
            self.data[patients, variables],
            [names] if isinstance(names, str) else list(names),
            outputs,
        )
