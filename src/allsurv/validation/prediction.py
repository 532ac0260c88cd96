"""What a fitted model says about patients: the raw material of every measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.validation.plans import Split

__all__ = ["NO_TIMES", "Prediction", "predict_fitted"]

Floats = NDArray[np.float64]
NO_TIMES: Floats = np.empty(0)
ROUNDING = 1e-9  # a horizon may miss the last grid point by so much, as after a change of unit


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one refit says about the patients it has not seen.

    Attributes
    ----------
    model : str
        Name of the model.
    split : Split
        The resample.
    risk_score : ndarray of shape (n_test,)
        Unitless, higher is worse; comparable within this refit only.
    centile : ndarray of shape (n_test,)
        Percentage of the refit's own training patients whose risk score is lower; those whose
        score is the same count half.
    risk : ndarray of shape (n_test, n_horizons)
        Probability of the event by each horizon; NaN where the refit does not reach.
    reason : str
        Why there is no prediction at all; empty where there is one.
    horizon_reasons : tuple of str
        Why a horizon has none; empty strings where it has.
    curves : ndarray of shape (n_test, n_times)
        Risk by each time of a grid, if one was asked for; NaN where the refit does not reach.
    of_causes : ndarray of shape (n_causes, n_test, 2 + n_horizons + n_times)
        Where events compete: risk score, centile, risks and curves of each cause. The others are
        then of any of the events.
    """

    model: str
    split: Split
    risk_score: Floats
    centile: Floats
    risk: Floats
    reason: str = ""
    horizon_reasons: tuple[str, ...] = ()
    curves: Floats = field(default_factory=lambda: np.empty((0, 0)))
    of_causes: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))

    def __post_init__(self) -> None:
        """Give a prediction without a grid its rows."""
        if self.curves.size == 0:
            object.__setattr__(self, "curves", np.empty((len(self.risk), 0)))

    def reason_at(self, k: int) -> str:
        """Say why there is no risk at a horizon."""
        return self.reason or self.horizon_reasons[k]

    def of_cause(self, k: int) -> Prediction:
        """Give what is said of one cause, by its position; a failed refit says nothing of any."""
        if self.of_causes.size == 0:
            return self
        mine, last = self.of_causes[k], 2 + self.risk.shape[1]
        return replace(
            self,
            risk_score=mine[:, 0],
            centile=mine[:, 1],
            risk=mine[:, 2:last],
            curves=mine[:, last:],
            of_causes=np.empty((0, 0, 0)),
        )

    def parts(self) -> dict[str, NDArray[Any]]:
        """Take the prediction apart into arrays."""
        return {
            "risk_score": self.risk_score,
            "centile": self.centile,
            "risk": self.risk,
            "curves": self.curves,
            "of_causes": self.of_causes,
            "reason": np.array(self.reason),
            "horizon_reasons": np.array(self.horizon_reasons, dtype=str),
        }

    @classmethod
    def from_parts(cls, model: str, split: Split, parts: Mapping[str, NDArray[Any]]) -> Prediction:
        """Put a prediction together again."""
        return cls(
            model,
            split,
            parts["risk_score"],
            parts["centile"],
            parts["risk"],
            str(parts["reason"]),
            tuple(map(str, parts["horizon_reasons"])),
            parts["curves"],
            parts.get("of_causes", np.empty((0, 0, 0))),
        )


def predict_fitted(
    name: str,
    fitted: Any,
    developed: pd.DataFrame,
    new: pd.DataFrame,
    split: Split,
    horizons: Floats,
    times: Floats = NO_TIMES,
) -> Prediction:
    """Let a fitted model predict patients."""
    score = np.asarray(fitted.predict(new), dtype=float)
    centile = _centile(score, np.asarray(fitted.predict(developed), dtype=float))
    asked = np.concatenate([horizons, times])
    reached = asked <= fitted.max_time_ * (1 + ROUNDING)
    risk = np.full((len(new), asked.size), np.nan)
    if reached.any():
        risk[:, reached] = 1 - np.asarray(fitted.predict_survival(new, asked[reached]))
    reasons = tuple(
        ""
        if ok
        else f"follow-up of the patients fitted on ends at {fitted.max_time_:g}, before {horizon:g}"
        for ok, horizon in zip(reached, horizons, strict=False)
    )
    k = horizons.size
    found = Prediction(
        name, split, score, centile, risk[:, :k], horizon_reasons=reasons, curves=risk[:, k:]
    )
    if not hasattr(fitted, "predict_risk"):
        return found
    return replace(found, of_causes=_of_causes(fitted, developed, new, asked, reached))


def _centile(score: Floats, developed: Floats) -> Floats:
    ranked = np.sort(developed)
    places = [np.searchsorted(ranked, score, side=side) for side in ("left", "right")]
    found: Floats = 50 * (places[0] + places[1]) / ranked.size
    return found


def _of_causes(
    fitted: Any,
    developed: pd.DataFrame,
    new: pd.DataFrame,
    asked: Floats,
    reached: NDArray[np.bool_],
) -> Floats:
    scores, known = fitted.predict_scores(new), fitted.predict_scores(developed)
    out = np.full((len(scores), len(new), 2 + asked.size), np.nan)
    out[..., 0] = scores
    out[..., 1] = [_centile(mine, theirs) for mine, theirs in zip(scores, known, strict=True)]
    if reached.any():
        out[..., 2:][..., reached] = fitted.predict_risk(new, asked[reached])
    return out
