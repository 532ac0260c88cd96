"""Scoring a table: reading, predicting, flagging, and every fault by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.errors import CohortError, ModelError, Violation
from allsurv.explain.values import explain_design
from allsurv.riskmodel.encoding import encode_with_faults
from allsurv.riskmodel.horizons import read_horizons
from allsurv.riskmodel.model import RiskModel
from allsurv.scoring.faults import reasons_of
from allsurv.scoring.flags import FLAGS, Flags
from allsurv.scoring.reading import Numbers, Plan, make_plan, read_patients
from allsurv.scoring.units import explain_range_faults

__all__ = ["Engine", "Judge", "OnError"]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]
OnError = Literal["raise", "report"]
Judge = Callable[[Numbers], tuple[Violation, ...]]

_WHERE = "the table"
_FEW = 64
"""Patients up to which making the table takes longer than filling it."""


class Engine:
    """What scores for :class:`allsurv.scoring.RiskScorer`."""

    def __init__(self, model: RiskModel) -> None:
        self.model = model
        self._plan: Plan | None = None
        self._flags = Flags(model)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the plan out: its readers are closures, and the first table makes it anew."""
        return {**self.__dict__, "_plan": None}

    def score(
        self,
        frame: pd.DataFrame,
        horizons: Sequence[float] | None,
        judge: Judge,
        *,
        explain: bool,
        on_error: OnError,
    ) -> pd.DataFrame:
        """Score patients, or say all that is wrong with their data."""
        if on_error not in ("raise", "report"):
            raise ModelError(f"score: on_error {on_error!r} is unknown; use 'raise' or 'report'.")
        model = self.model
        asked = (
            model.horizons
            if horizons is None
            else read_horizons(horizons, where="score", fewest=0, zero=True)
        )
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

    def _predict(
        self, design: Floats, asked: Sequence[float], steps: Steps
    ) -> dict[str, NDArray[Any]]:
        model = self.model
        score, survival = model.mechanism.score_and_survival(design, steps)
        if model.instability is None:
            lower = upper = np.full_like(survival, np.nan)
        else:
            lower, upper = model.instability.limits(survival, steps)
        columns: dict[str, NDArray[Any]] = {
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
        values, base = explain_design(self.model, design)
        named = zip(self.model.predictors, values.T, strict=True)
        return {
            "contribution_base": np.full(len(design), base),
            **{f"contribution_{name}": column for name, column in named},
        }

    def _refuse_other_than_tables(self, frame: pd.DataFrame) -> None:
        if not isinstance(frame, pd.DataFrame):
            fault = Violation(_WHERE, f"is a {type(frame).__name__}; give a DataFrame.")
            raise CohortError(_WHERE, self.model.study, [fault])

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
                raise CohortError(_WHERE, self.model.study, faults)
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
        model = self.model
        if self._plan is None or not self._plan.columns.equals(frame.columns):
            self._plan = make_plan(model, frame.columns)
        numbers, faults = read_patients(frame, self._plan, model.terms)
        if faults:
            return numbers, np.empty((0, 0)), explain_range_faults(faults, model, frame)
        design, faults = encode_with_faults(numbers, model.terms, n_rows=len(frame))
        return numbers, design, faults or judge(numbers)


def _table(columns: Mapping[str, NDArray[Any]], index: pd.Index) -> pd.DataFrame:
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
