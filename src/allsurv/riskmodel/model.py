"""The risk model as data: what is handed on in place of a fitted estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.dictionary.variable import Variable
from allsurv.errors import RiskModelError
from allsurv.riskmodel.development import Development
from allsurv.riskmodel.encoding import Term, encode_numbers, read_numbers
from allsurv.riskmodel.files import manifest_of, read_folder, write_folder
from allsurv.riskmodel.grid import grid_steps
from allsurv.riskmodel.instability import Instability
from allsurv.riskmodel.mechanisms import Mechanism
from allsurv.riskmodel.reach import Population, Reach
from allsurv.riskmodel.tree import parts_of, tree_of

__all__ = ["RiskModel"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RiskModel:
    """A fitted model as numbers and words: no code, no patient, no exact time.

    Parameters
    ----------
    family : str
        Family of the model it was made from.
    study : str
        Name of the study.
    endpoint, endpoint_label : str
        What is predicted.
    origin : str
        When the clock starts, in words.
    time_unit : str
        Unit of the grid and of horizons.
    grid : ndarray of shape (n_steps,)
        Times at which survival is known, from 0.
    horizons : tuple of float
        Times at which survival is reported.
    variables : mapping from str to Variable
        What a user gives: predictors, and the sources of derived ones.
    derived : mapping from str to Variable
        Predictors, and their sources, that are computed from ``variables``.
    predictors : tuple of str
        Variables that enter.
    terms : tuple of Term
        Columns of the design.
    mechanism : Mechanism
        From the design to risk.
    development : Development
        Centiles and risk groups.
    reach : Reach
        Whom development covered.
    population : Population
        Whom the model may be asked about.
    instability : Instability, optional
        Intervals of what refits predict.
    provenance : mapping
        Where it comes from; plain values, ready for JSON.

    Notes
    -----
    Needs numpy and pandas only; predicts as the coarse form of the model it was made
    from.
    """

    family: str
    study: str
    endpoint: str
    endpoint_label: str
    origin: str
    time_unit: str
    grid: Floats
    horizons: tuple[float, ...]
    variables: Mapping[str, Variable]
    derived: Mapping[str, Variable]
    predictors: tuple[str, ...]
    terms: tuple[Term, ...]
    mechanism: Mechanism
    development: Development
    reach: Reach
    population: Population
    instability: Instability | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def max_time(self) -> float:
        """Last time of which the model can speak."""
        return float(self.grid[-1])

    def design(self, frame: pd.DataFrame) -> Floats:
        """Encode patients.

        Parameters
        ----------
        frame : DataFrame of shape (n_patients, n_variables)
            Predictors by name, derived ones included, as ``Cohort.X``.

        Returns
        -------
        ndarray of shape (n_patients, n_terms)
            One column per term.

        Raises
        ------
        ModelError
            If data break the dictionary.
        """
        known = {**self.variables, **self.derived}
        numbers = read_numbers(frame, {name: known[name] for name in self.predictors})
        return encode_numbers(numbers, self.terms, n_rows=len(frame))

    def risk_score(self, frame: pd.DataFrame) -> Floats:
        """Score patients.

        Parameters
        ----------
        frame : DataFrame of shape (n_patients, n_variables)
            Predictors by name, derived ones included, as ``Cohort.X``.

        Returns
        -------
        ndarray of shape (n_patients,)
            Higher is worse.
        """
        return self.mechanism.risk_score(self.design(frame))

    def survival(self, frame: pd.DataFrame, times: ArrayLike) -> Floats:
        """Predict the probability of being event-free.

        Parameters
        ----------
        frame : DataFrame of shape (n_patients, n_variables)
            Predictors by name, derived ones included, as ``Cohort.X``.
        times : array-like of shape (n_times,)
            In ``time_unit``, from 0 to ``max_time``.

        Returns
        -------
        ndarray of shape (n_patients, n_times)
            S(t | x).

        Raises
        ------
        ModelError
            If a time is beyond ``max_time``, or data break the dictionary.
        """
        return self.mechanism.survival(self.design(frame), self.steps(times))

    def steps(self, times: ArrayLike) -> NDArray[np.intp]:
        """Find times on the grid.

        Parameters
        ----------
        times : array-like of shape (n_times,)
            In ``time_unit``.

        Returns
        -------
        ndarray of int of shape (n_times,)
            Positions.

        Raises
        ------
        ModelError
            If a time is negative or beyond ``max_time``.
        """
        return grid_steps(times, self.grid, where=f"risk model of '{self.study}'")

    def example(self) -> pd.DataFrame:
        """Make up a patient to show what is to be given.

        Returns
        -------
        DataFrame of shape (1, n_variables)
            The middle of every range, the reference of every level; nobody's data.
        """
        columns: dict[str, list[float] | list[str]] = {}
        for variable in self.variables.values():
            if variable.is_number:
                low = 0.0 if variable.minimum is None else variable.minimum
                high = low + 2.0 if variable.maximum is None else variable.maximum
                columns[variable.name] = [float(np.floor((low + high) / 2))]
            elif variable.is_yes_no:
                columns[variable.name] = [0.0]
            else:
                usual = variable.reference
                columns[variable.name] = [str(variable.levels[0] if usual is None else usual)]
        return pd.DataFrame(columns, index=pd.RangeIndex(1))

    def write(self, folder: str | Path) -> Path:
        """Write the model to a folder.

        Parameters
        ----------
        folder : str or Path
            Made where it does not exist; an older model in it is replaced.

        Returns
        -------
        Path
            The folder, with ``risk_model.json`` and ``arrays.npz``.
        """
        return write_folder(self.tree(), self.mechanism.arrays(), Path(folder))

    def tree(self) -> dict[str, Any]:
        """Give the model as plain values.

        Returns
        -------
        dict of str to object
            What ``risk_model.json`` holds, without its seal; arrays by the seals of each.
        """
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        return {**tree_of(parts), "arrays": manifest_of(self.mechanism.arrays())}

    @classmethod
    def read(cls, folder: str | Path) -> RiskModel:
        """Read a model from a folder.

        Parameters
        ----------
        folder : str or Path
            As written by :meth:`write`.

        Returns
        -------
        RiskModel
            Predicting as the one that was written.

        Raises
        ------
        RiskModelError
            If a part is missing, damaged or altered; the message names it.
        """
        model = cls(**parts_of(*read_folder(Path(folder))))
        model._check_fit()
        return model

    def _check_fit(self) -> None:
        known = {**self.variables, **self.derived}
        needed = (*self.predictors, *(term.variable for term in self.terms))
        absent = [name for name in needed if name not in known]
        strange = [t.variable for t in self.terms if t.variable not in self.predictors]
        fault = ""
        if absent:
            fault = f"'{absent[0]}' is a predictor but not among 'variables' or 'derived'"
        elif strange:
            fault = f"'terms' needs '{strange[0]}', which is no predictor"
        elif self.grid.size < 2 or not self.grid[1] > 0:
            fault = "'time' holds no grid"
        elif len(self.development.labels) != len(self.development.cuts) + 1:
            fault = "'development' needs one more risk group than cuts"
        elif not _is_rising(self.development.cuts) or not _is_rising(self.development.scores):
            fault = "'development' needs cuts and risk scores that do not fall"
        elif self.development.points.shape != self.development.scores.shape:
            fault = "'development' needs one risk score per centile"
        elif curved := [t.name for t in self.terms if t.kind == "spline" and not _is_curved(t)]:
            fault = f"'{curved[0]}' is a spline without its knots"
        elif odd := [t.name for t in self.terms if not _can_be_filled(t)]:
            fault = f"'{odd[0]}' has a level or a fill that its variable cannot be"
        elif orphan := _without_factors(self.terms):
            fault = f"'{orphan}' is a product of terms that do not come before it"
        if fault:
            raise RiskModelError(f"risk_model.json: {fault}; export the model again.")
        self.mechanism.check(len(self.terms), self.grid.size)
        if self.reach.typical.shape != (len(self.terms),):
            raise RiskModelError(
                "risk_model.json: 'development' needs one typical value per term; "
                "export the model again."
            )


def _is_rising(values: Sequence[float] | NDArray[np.float64]) -> bool:
    return bool(np.all(np.diff(np.asarray(values, dtype=float)) >= 0))


def _can_be_filled(term: Term) -> bool:
    """Tell whether what stands in for a missing value, and the level asked for, can be values."""
    given = [value for value in (term.fill, term.level) if value is not None]
    if term.kind in ("number", "spline") or not term.levels:
        return all(isinstance(value, int | float) for value in given)
    return all(value in term.levels for value in given)


def _is_curved(term: Term) -> bool:
    rises = bool(np.all(np.diff(term.knots) > 0))
    return rises and len(term.knots) > 2 and term.part <= len(term.knots) - 3


def _without_factors(terms: Sequence[Term]) -> str:
    earlier: set[str] = set()
    for term in terms:
        if term.kind == "product" and not (term.factors and earlier.issuperset(term.factors)):
            return term.name
        earlier.add(term.name)
    return ""
