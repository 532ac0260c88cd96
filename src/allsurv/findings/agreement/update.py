"""What new patients add to a published equation: recalibration, revision, further variables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from allsurv.cohort import Cohort
from allsurv.errors import AllsurvError, first_line
from allsurv.features import make_features
from allsurv.models import make_model
from allsurv.models.published import FEWEST_TIMES, published_curve
from allsurv.riskmodel.encoding import Term
from allsurv.stats.cox.fit import fit_cox
from allsurv.study.spec import Study

__all__ = ["update_published"]

Floats = NDArray[np.float64]

COLUMNS = (
    "question", "term", "label", "estimate", "lower", "upper", "level", "p_value", "chi2", "df",
    "n", "n_events", "reason",
)  # fmt: skip

FINER = 50
"""Steps of the published curve in one of a model's: it is steep where the first patients die."""
INTERCEPT = {"question": "intercept", "label": "Log of observed over expected events"}
BY_CONSTRUCTION = INTERCEPT | {
    "estimate": 0.0,
    "reason": "0 by construction, not evaluated: no published survival of all patients at two "
    "times or more, so the baseline hazard is estimated from these patients",
}


@dataclass(frozen=True, eq=False)
class _Patients:
    study: Study
    X: pd.DataFrame
    time: Floats
    event: NDArray[np.bool_]
    score: Floats
    level: float


def update_published(
    cohort: Cohort,
    *,
    endpoint: str | None = None,
    predictors: Sequence[str] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    r"""Say what these patients add to the published equation of their study.

    Parameters
    ----------
    cohort : Cohort
        The patients; the study's findings make the equation.
    endpoint : str, optional
        What is predicted; the study's prediction endpoint unless given.
    predictors : sequence of str, optional
        Further variables to ask about; the study's predictors unless given.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    DataFrame
        ``question``, ``term``, ``label``, ``estimate``, ``lower``, ``upper``, ``level``,
        ``p_value``, ``chi2``, ``df``, ``n``, ``n_events`` and ``reason`` (why there is no answer).

        *slope*: of the published linear predictor; 1 where the published effects are as strong
        here, below 1 where they are weaker; P against 1. *intercept*: log of observed over expected
        events with the published baseline; 0 where as many events came as the paper leads to
        expect, and 0 by construction, without limits, where nothing published gives a baseline, so
        that it is estimated from these patients. *revised*: factor by which each published hazard
        ratio would change. *added*: hazard ratio of each further variable. A row without ``term``
        holds the likelihood ratio test of them all.

    Raises
    ------
    ModelError
        If the study has no published equation.

    Notes
    -----
    The published linear predictor :math:`s` is an offset: in
    :math:`h_0(t) \exp(s + x^\top\delta)` the test of :math:`\delta = 0` asks what the data add to
    the equation [1]_. The intercept is :math:`\log(O / E)` with
    :math:`E = \sum_i \hat H(t_i \mid x_i)` and Poisson variance :math:`1 / O` [2]_.

    References
    ----------
    .. [1] Royston P, Altman DG. BMC Med Res Methodol. 2013;13:33. doi:10.1186/1471-2288-13-33
    .. [2] Crowson CS, Atkinson EJ, Therneau TM. Stat Methods Med Res. 2016;25(4):1692-1706.
       doi:10.1177/0962280213497434
    """
    study = cohort.study
    endpoint = endpoint or study.prediction.endpoint
    eligible = cohort.eligible(endpoint)
    X, y = eligible.X, eligible.y(endpoint)
    model = make_model("published", study).fit(X, y)
    has_baseline = len(published_curve(study, endpoint)) >= FEWEST_TIMES
    patients = _Patients(study, X, y["time"], y["event"], model.predict(X), level)
    equation = [str(name) for name in model.feature_names_in_]
    asked = study.prediction.predictors if predictors is None else predictors
    further = [name for name in asked if name not in equation]
    rows = [
        _slope(patients),
        _intercept(patients, y) if has_baseline else BY_CONSTRUCTION,
        *_added(patients, "revised", equation),
        *(_added(patients, "added", further) if further else ()),
    ]
    counts = {"level": level, "n": len(X), "n_events": int(y["event"].sum())}
    return pd.DataFrame([{"reason": "", **counts, **row} for row in rows], columns=list(COLUMNS))


def _slope(patients: _Patients) -> dict[str, Any]:
    row = {"question": "slope", "label": "Calibration slope of the published equation"}
    score = patients.score - patients.score.mean()
    try:
        fit = fit_cox(patients.time, patients.event, score[:, None], level=patients.level)
    except AllsurvError as error:
        return row | {"reason": first_line(error)}
    z = float(ndtri(0.5 + patients.level / 2))
    slope, std_error = float(fit.coef[0]), float(fit.std_error[0])
    away = (slope - 1) / std_error
    return row | {
        "estimate": slope,
        "lower": slope - z * std_error,
        "upper": slope + z * std_error,
        "p_value": float(2 * ndtr(-abs(away))),
        "chi2": away**2,
        "df": 1,
    }


def _intercept(patients: _Patients, y: NDArray[np.void]) -> dict[str, Any]:
    model = make_model("published", patients.study, baseline="published")
    model.set_params(grid=model.grid / FINER).fit(patients.X, y)
    hazard = -np.log(model.predict_survival(patients.X.iloc[:1], model.times_))[0]
    relative = np.exp(patients.score - patients.score[0])
    expected = float(np.interp(patients.time, model.times_, hazard) @ relative)
    observed = int(patients.event.sum())
    log, std_error = math.log(observed / expected), 1 / math.sqrt(observed)
    z = float(ndtri(0.5 + patients.level / 2))
    return INTERCEPT | {
        "estimate": log,
        "lower": log - z * std_error,
        "upper": log + z * std_error,
        "p_value": float(2 * ndtr(-abs(log / std_error))),
        "chi2": (log / std_error) ** 2,
        "df": 1,
    }


def _added(patients: _Patients, question: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    features = make_features(patients.study, names).fit(patients.X)
    design = features.design(patients.X)
    varies = np.flatnonzero(np.ptp(design, axis=0) > 0)
    terms = [features.terms_[j] for j in varies]
    everything = {"question": question, "term": "", "label": "All together"}
    try:
        fit = fit_cox(
            patients.time,
            patients.event,
            design[:, varies],
            offset=patients.score - patients.score.mean(),
            level=patients.level,
            names=[term.name for term in terms],
        )
    except AllsurvError as error:
        yield everything | {"reason": first_line(error)}
        return
    test = fit.lr_test
    yield everything | {"chi2": test.statistic, "df": test.df, "p_value": test.p_value}
    for j, term in enumerate(terms):
        numbers = (fit.hazard_ratio[j], fit.lower[j], fit.upper[j])
        per_unit = [float(x) ** (1 / _scale(term)) for x in numbers]
        yield {
            "question": question,
            "term": term.name,
            "label": patients.study.variable(term.variable).label,
            **dict(zip(("estimate", "lower", "upper"), per_unit, strict=True)),
            "p_value": float(fit.p_value[j]),
            "chi2": float(fit.z[j] ** 2),
            "df": 1,
        }


def _scale(term: Term) -> float:
    return term.scale if term.kind == "number" else 1.0
