"""An estimator of another package under the contract of a survival model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from allsurv.errors import ModelError, first_line
from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.borrowed import OwnSurvival, Recalibrated, predict_score
from allsurv.models.breslow import breslow_hazard
from allsurv.models.estimators import check_estimator, path_of
from allsurv.riskmodel.mechanisms import Mechanism
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.outcome import make_y

__all__ = ["Challenger", "own_parameters"]

Floats = NDArray[np.float64]


class Challenger(SurvivalModel):
    r"""An estimator of another package, validated and compared like any model, never exported.

    It is fitted on the encoded variables as ``fit(X, y)`` with scikit-survival's structured
    outcome.

    Parameters
    ----------
    features : FeatureEncoder
        Which variables enter and how.
    grid : float, default=1.0
        Step of the time grid, in the study's unit.
    estimator : object
        With ``fit`` and ``predict``, and ``predict_survival_function`` if it predicts survival. It
        is copied before it is fitted.
    survival : {"own", "recalibrated"}, optional
        Where survival comes from: the estimator's own prediction, or Cox regression on its risk
        score. Its own, where it has one, unless given.

    Attributes
    ----------
    estimator_ : object
        Fitted.
    slope_ : float
        Log hazard ratio per unit of the risk score, where survival is recalibrated.

    Notes
    -----
    ``predict`` is taken as a risk score, higher being worse; scikit-survival's estimators that
    predict a time say so in ``_predict_risk_score``, and their sign is changed. Recalibrated
    survival is :math:`\exp(-H_0(t) \exp(b s))`: :math:`b` from Cox regression on the score
    :math:`s` of the patients fitted on and :math:`H_0` by Breslow. As the score has seen them, it
    is too extreme where the estimator overfits, and validation shows it.

    Examples
    --------
    >>> from sksurv.svm import FastSurvivalSVM
    >>> from allsurv import load_study, make_model
    >>> model = make_model(FastSurvivalSVM(), load_study("rr-all"), random_state=0)
    >>> model.family, model.how_survival
    ('sksurv.svm.FastSurvivalSVM', 'recalibrated')
    """

    def __init__(
        self,
        features: FeatureEncoder,
        *,
        grid: float = 1.0,
        estimator: Any = None,
        survival: Literal["own", "recalibrated"] | None = None,
    ) -> None:
        super().__init__(features, grid=grid)
        self.estimator = estimator
        self.survival = survival

    @property
    def family(self) -> str:  # type: ignore[override]
        """Import path of the estimator."""
        return path_of(type(self.estimator))

    @property
    def software(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the estimator's package is installed as, beside our own needs."""
        root = type(self.estimator).__module__.partition(".")[0]
        return (*SurvivalModel.software, *packages_distributions().get(root, ()))

    @property
    def how_survival(self) -> str:
        """Where survival comes from."""
        if self.survival not in (None, "own", "recalibrated"):
            raise ModelError(
                f"{self.family}: survival={self.survival!r}; allowed are 'own', 'recalibrated'."
            )
        has_own = hasattr(self.estimator, "predict_survival_function")
        if self.survival == "own" and not has_own:
            raise ModelError(
                f"{self.family}: survival='own', but it predicts none; use 'recalibrated'."
            )
        return self.survival or ("own" if has_own else "recalibrated")

    def _learn(self, design: Floats, time: Floats, event: NDArray[np.bool_]) -> Mechanism:
        check_estimator(self.estimator, where=self.family)
        how = self.how_survival
        try:
            self.estimator_ = clone(self.estimator).fit(design, make_y(time, event))
        except (ValueError, ArithmeticError) as error:
            raise ModelError(f"{self.family}.fit: {first_line(error)}") from error
        if how == "own":
            return OwnSurvival(self.family, self.estimator_, self.times_)
        score = predict_score(self.family, self.estimator_, design)
        self.slope_ = _slope(score, time, event, where=self.family)
        hazard = breslow_hazard(self.slope_ * score, time, event, self.times_)
        return Recalibrated(self.family, self.estimator_, self.slope_, hazard)

    def _log_hazard(self, mechanism: Mechanism, design: Floats) -> Floats:
        if isinstance(mechanism, Recalibrated):
            return mechanism.slope * mechanism.risk_score(design)
        last = mechanism.survival(design, np.array([self.times_.size - 1]))[:, 0]
        cumulative: Floats = np.log(-np.log(np.clip(last, 1e-12, 1 - 1e-12)))
        return cumulative


def own_parameters(model: SurvivalModel) -> dict[str, Any]:
    """Give the parameters of a model that are not as they are by default."""
    if not isinstance(model, Challenger):
        return _changed(model, type(model)(model.features).get_params(deep=False))
    usual = {
        name: parameter.default
        for name, parameter in inspect.signature(type(model.estimator)).parameters.items()
    }
    survival = {} if model.survival is None else {"survival": model.survival}
    # What an estimator was given may be patients: only plain values are shown as they are.
    given = {name: _shown(value) for name, value in _changed(model.estimator, usual).items()}
    return given | survival


def _changed(model: Any, usual: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in model.get_params(deep=False).items()
        if name not in ("features", "grid", "random_state") and repr(value) != repr(usual.get(name))
    }


def _shown(value: Any) -> Any:
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else type(value).__name__


def _slope(score: Floats, time: Floats, event: NDArray[np.bool_], *, where: str) -> float:
    """Log hazard ratio per unit of a risk score; 0 where it tells nobody apart."""
    spread = float(score.std())
    if spread == 0:
        return 0.0
    scaled = ((score - score.mean()) / spread)[:, None]
    try:
        slope = float(fit_cox(time, event, scaled, names=["risk score"]).coef[0]) / spread
    except ModelError as error:
        raise ModelError(
            f"{where}: Cox regression on its risk score has no finite slope ({error}); it has "
            "learned these patients by heart: restrict it more."
        ) from None
    if slope < 0:
        raise ModelError(
            f"{where}: its risk score is higher in patients who fail later, even among those it "
            "was fitted on. If it predicts a time, its class must say so: "
            "_predict_risk_score = False."
        )
    return slope
