"""Scoring new patients with a saved risk model.

Only numpy and pandas are loaded. An address of MLflow (``models:/``, ``runs:/``) is resolved by
:mod:`allsurv.tracking`, which is looked up by name at that moment: the one place where a lower
room reaches up, so that who scores from a folder needs no MLflow.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import CohortError, ModelError, Violation
from allsurv.features.encoding import encode_with_faults
from allsurv.models.riskmodel import RiskModel
from allsurv.scoring.faults import reasons_of
from allsurv.scoring.flags import FLAGS, Flags
from allsurv.scoring.reading import Numbers, Plan, make_plan, read_patients
from allsurv.scoring.units import explain_range_faults, suspect_units

__all__ = ["RiskScorer"]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]
OnError = Literal["raise", "report"]
Judge = Callable[[Numbers], tuple[Violation, ...]]

_ADDRESSES = ("models:/", "runs:/", "mlflow-artifacts:/")
_WHERE = "the table"
_FEW = 64
"""Patients up to which making the table takes longer than filling it."""


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
        self._flags = Flags(risk_model)

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

    def score(
        self,
        frame: pd.DataFrame,
        horizons: Sequence[float] | None = None,
        *,
        explain: bool = False,
        on_error: OnError = "raise",
        trusted_units: Collection[str] = (),
    ) -> pd.DataFrame:
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
        explain : bool, default=False
            Whether to add what each variable adds to the risk score (exact Shapley values).
        on_error : {"raise", "report"}, default="raise"
            ``report`` scores the good rows; a bad one has no risk, and its reasons in ``fault``.
            What makes the whole table unreadable, such as a missing column, always raises.
        trusted_units : collection of str
            Variables whose unit you vouch for, though their values look a power of ten off.

        Returns
        -------
        DataFrame
            One row per patient, in the order and with the index of ``frame``: ``risk_score``
            (higher is worse), ``risk_centile`` (per cent of development that scored lower),
            ``risk_group``; per horizon ``survival_12`` with ``survival_12_lower`` and
            ``survival_12_upper`` (instability interval: what refits on other samples of the
            cohort predict; NaN where the model was exported without); ``extrapolating``,
            ``imputed``, ``outside_population`` (names of variables, empty for none); ``fault``
            (empty for none). With ``explain`` also ``contribution_base`` and one
            ``contribution_<variable>``, which sum to ``risk_score``.

        Raises
        ------
        CohortError
            If data break the study's dictionary; ``.violations`` names every row.
        ModelError
            If a horizon lies beyond the follow-up of development, or ``on_error`` is unknown.
        """
        judge = partial(suspect_units, self.risk_model, trusted=trusted_units)
        return self.score_judged(frame, horizons, judge, explain=explain, on_error=on_error)

    def score_judged(
        self,
        frame: pd.DataFrame,
        horizons: Sequence[float] | None,
        judge: Judge,
        *,
        explain: bool,
        on_error: OnError,
    ) -> pd.DataFrame:
        """Score patients as :meth:`score`, with units judged by somebody who saw more of them.

        Parameters
        ----------
        frame, horizons, explain, on_error : object
            As for :meth:`score`.
        judge : callable
            From the numbers of all good rows to what is wrong with whole columns.

        Returns
        -------
        DataFrame
            As of :meth:`score`.
        """
        if on_error not in ("raise", "report"):
            raise ModelError(f"score: on_error {on_error!r} is unknown; use 'raise' or 'report'.")
        model = self.risk_model
        asked = model.horizons if horizons is None else tuple(horizons)
        steps = model.steps(asked)
        self._refuse_other_than_tables(frame)
        numbers, design, good, faults = self._read(frame, on_error, judge)
        given = frame if len(good) == len(frame) else frame.iloc[good]
        columns = self._predict(design, asked, steps) | self._flags.of(given, numbers)
        columns["fault"] = np.full(len(good), "", dtype=object)
        if explain:
            columns |= self._contributions(design)
        scored = _table(columns, given.index)
        if len(good) < len(frame):
            scored = scored.set_axis(good).reindex(range(len(frame))).set_axis(frame.index)
            scored[list(FLAGS)] = scored[list(FLAGS)].fillna("")
            scored["fault"] = pd.array(reasons_of(faults, len(frame)), dtype="string")
        return scored

    def _predict(self, design: Floats, asked: Sequence[float], steps: Steps) -> dict[str, NDArray]:
        model = self.risk_model
        score, survival = model.mechanism.score_and_survival(design, steps)
        if model.instability is None:
            lower = upper = np.full_like(survival, np.nan)
        else:
            lower, upper = model.instability.limits(survival, steps)
        columns: dict[str, NDArray] = {
            "risk_score": score,
            "risk_centile": model.development.centile(score),
            "risk_group": model.development.group(score),
        }
        for j, time in enumerate(asked):
            columns[f"survival_{time:g}"] = survival[:, j]
            columns[f"survival_{time:g}_lower"] = lower[:, j]
            columns[f"survival_{time:g}_upper"] = upper[:, j]
        return columns

    def _contributions(self, design: Floats) -> dict[str, Floats]:
        explain = importlib.import_module("allsurv.explain.values")
        values, base = explain.explain_design(self.risk_model, design)
        named = zip(self.risk_model.predictors, values.T, strict=True)
        return {
            "contribution_base": np.full(len(design), base),
            **{f"contribution_{name}": column for name, column in named},
        }

    def _refuse_other_than_tables(self, frame: pd.DataFrame) -> None:
        if not isinstance(frame, pd.DataFrame):
            fault = Violation(_WHERE, f"is a {type(frame).__name__}; give a DataFrame.")
            raise CohortError(_WHERE, self.risk_model.study, [fault])

    def _read(
        self, frame: pd.DataFrame, on_error: OnError, judge: Judge
    ) -> tuple[Numbers, Floats, Steps, tuple[Violation, ...]]:
        """Read what is good, leaving bad rows out until nothing is wrong with the rest."""
        good = np.arange(len(frame))
        found: tuple[Violation, ...] = ()
        rest = frame
        while True:
            numbers, design, faults = self._read_once(rest, judge)
            if not faults:
                return numbers, design, good, found
            if on_error == "raise" or not all(fault.rows for fault in faults):
                raise CohortError(_WHERE, self.risk_model.study, faults)
            bad = np.unique(np.concatenate([fault.rows for fault in faults])) - 1
            found += tuple(
                Violation(f.column, f.rule, tuple((good[np.array(f.rows) - 1] + 1).tolist()))
                for f in faults
            )
            good = np.delete(good, bad)
            rest = frame.iloc[good]

    def _read_once(
        self, frame: pd.DataFrame, judge: Judge
    ) -> tuple[Numbers, Floats, tuple[Violation, ...]]:
        model = self.risk_model
        if self._plan is None or not self._plan.columns.equals(frame.columns):
            self._plan = make_plan(model, frame.columns)
        numbers, faults = read_patients(frame, self._plan, model.terms)
        if faults:
            return numbers, np.empty((0, 0)), explain_range_faults(faults, model, frame)
        design, faults = encode_with_faults(numbers, model.terms, n_rows=len(frame))
        return numbers, design, faults or judge(numbers)


def _table(columns: Mapping[str, NDArray], index: pd.Index) -> pd.DataFrame:
    """Make texts strings, all at once: for a single patient that is what takes time."""
    texts = [name for name, values in columns.items() if values.dtype == object]
    n = len(index)
    strings = pd.array(np.concatenate([columns[name] for name in texts]), dtype="string")
    typed = {name: strings[k * n : (k + 1) * n] for k, name in enumerate(texts)}
    whole = {**columns, **typed}
    if len(index) <= _FEW and hasattr(pd.DataFrame, "_from_arrays"):  # a fifth of the time
        names, arrays = pd.Index(list(whole)), list(whole.values())
        return pd.DataFrame._from_arrays(arrays, names, index, verify_integrity=False)
    return pd.DataFrame(whole, index=index, copy=False)
