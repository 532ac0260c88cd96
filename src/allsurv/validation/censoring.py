"""Whether follow-up depends on the patient, and the weights that follow from it.

The rule, stated so that nobody chooses the weights by their result: each predictor is tested for an
association with the time to censoring, a grouping by the log-rank test, a number by the score test
of a Cox model; P values are adjusted as Holm does. Predictors with an adjusted P below 0.05 enter
the model of censoring. A single grouping, each of whose groups is followed beyond the last horizon,
gives Kaplan-Meier within its groups; otherwise it is a Cox model of the time to censoring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import group_patients
from allsurv.errors import ModelError, MonotoneError
from allsurv.features import make_features
from allsurv.journal import p_text
from allsurv.nearest import did_you_mean
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.curves.logrank import logrank_test
from allsurv.stats.measures.patient_censoring import PatientCensoring, fit_censoring

__all__ = ["CENSORING_COLUMNS", "Censoring", "FollowedBy", "choose_censoring"]

Floats = NDArray[np.float64]
FollowedBy = Literal["auto", "marginal"] | Sequence[str]

CENSORING_COLUMNS = ["variable", "label", "test", "p_value", "p_adjusted", "is_used", "reason"]
SMALLEST = 10
"""Censored patients below which no association is looked for."""
ALPHA = 0.05
CONCERNED = "AUC, Brier score, IPA, O/E, ICI and net benefit"


@dataclass(frozen=True, eq=False)
class Censoring:
    """How censoring is dealt with in one validation.

    Attributes
    ----------
    weights : PatientCensoring or None
        Of each patient; ``None`` for one curve for all.
    tests : DataFrame
        One row per predictor: ``variable``, ``label``, ``test``, ``p_value``, ``p_adjusted``,
        ``is_used``, ``reason``.
    sentence : str
        What a reader must know of it.
    """

    weights: PatientCensoring | None
    tests: pd.DataFrame
    sentence: str


def choose_censoring(
    cohort: Cohort, endpoint: str, horizons: Floats, how: FollowedBy = "auto"
) -> Censoring:
    """Fit the weights: by the rule, for all alike, or given the predictors named."""
    if cohort.study.endpoint(endpoint).causes:
        return _of_causes(how)
    y = cohort.y(endpoint)
    if isinstance(how, str) and how not in ("auto", "marginal"):
        raise ModelError(
            f"validate: censoring is '{how}'; allowed are 'auto', 'marginal' and a list of "
            "predictors."
        )
    names = [n for n in cohort.study.prediction.predictors if n in cohort.frame]
    if not isinstance(how, str):
        for name in how:
            if name not in names:
                raise ModelError(
                    f"validate: censoring by '{name}', which is no predictor of this study that "
                    f"the cohort has.{did_you_mean(name, names)}"
                )
    n_censored = int(np.count_nonzero(~y["event"]))
    if how == "marginal":
        return Censoring(None, _none(), _alike("as the configuration or the caller asks"))
    if n_censored < SMALLEST:
        few = f"fewer than {SMALLEST} patients were censored, too few to look for a dependence"
        return Censoring(None, _none(), _alike(few))
    tests = _test(cohort, y, names)
    used = list(how) if not isinstance(how, str) else list(tests["variable"][tests["is_used"]])
    tests = tests.assign(is_used=tests["variable"].isin(used))
    if not used:
        smallest = tests["p_adjusted"].min()
        found = (
            "no predictor could be tested"
            if np.isnan(smallest)
            else (f"no predictor is associated with it (smallest P after Holm {p_text(smallest)})")
        )
        return Censoring(None, tests, _alike(found))
    weights, by = _fit(cohort, y, used, horizons)
    return Censoring(weights, tests, _dependent(tests[tests["is_used"]], by))


def _test(cohort: Cohort, y: NDArray[np.void], names: Sequence[str]) -> pd.DataFrame:
    rows = []
    for name in names:
        variable = cohort.study.variable(name)
        test, p_value, reason = _association(cohort, y, name)
        rows.append((name, variable.label, test, p_value, np.nan, False, reason))
    table = pd.DataFrame(rows, columns=CENSORING_COLUMNS)
    table["p_adjusted"] = _holm(table["p_value"].to_numpy(dtype=float))
    table["is_used"] = table["p_adjusted"] < ALPHA
    return table


def _association(cohort: Cohort, y: NDArray[np.void], name: str) -> tuple[str, float, str]:
    """Test one predictor; an event ends follow-up before a censoring at the same time."""
    time = _in_order(y)
    try:
        if not cohort.study.variable(name).is_number:
            groups = group_patients(cohort, name)
            if len(groups.names) < 2:
                return "", np.nan, f"every patient of known '{name}' has the same value"
            found = logrank_test(time, ~y["event"], groups.code)
            return "log-rank", found.p_value, found.reason
        values = cohort.frame[name].to_numpy(dtype=float, na_value=np.nan)
        known = ~np.isnan(values)
        fit = fit_cox(time[known], ~y["event"][known], values[known, None], names=[name])
        return "score", fit.score_test.p_value, ""
    except ModelError as error:
        return "", np.nan, str(error)


def _fit(
    cohort: Cohort, y: NDArray[np.void], used: Sequence[str], horizons: Floats
) -> tuple[PatientCensoring, str]:
    study = cohort.study
    if len(used) == 1 and not study.variable(used[0]).is_number:
        code = group_patients(cohort, used[0]).code
        ends = [y["time"][code == group].max() for group in np.unique(code)]
        if min(ends) > horizons[-1]:
            return fit_censoring(y, strata=code), "Kaplan-Meier within its groups"
    encoder = make_features(study, used, missing="level")
    X = np.asarray(encoder.fit_transform(cohort.X), dtype=float)
    names = list(encoder.get_feature_names_out())
    by = "a Cox model of the time to censoring"
    try:
        return fit_censoring(y, X, names=names), by
    except MonotoneError:
        # A group none of whose patients was censored.
        return fit_censoring(y, X, names=names, firth=True), by + " (Firth's method)"


def _in_order(y: NDArray[np.void]) -> Floats:
    found: Floats = 2.0 * (1 + np.unique(y["time"], return_inverse=True)[1]) + ~y["event"]
    return found


def _holm(p_values: Floats) -> Floats:
    """Adjust as Holm does; what could not be tested stays missing and is not counted."""
    out = np.full(p_values.size, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known])]
    factors = np.arange(known.size, 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return out


def _alike(why: str) -> str:
    return (
        "Censoring is taken not to depend on the patient; one censoring curve weights all "
        f"patients: {why}."
    )


def _dependent(used: pd.DataFrame, by: str) -> str:
    named = ", ".join(
        f"{row.label} (P after Holm {p_text(row.p_adjusted)})" for row in used.itertuples()
    )
    return (
        f"How long patients could be followed depends on {named}. {CONCERNED} are weighted by the "
        f"probability of being followed given {'this' if len(used) == 1 else 'these'}, from {by}; "
        f"beyond that, censoring is taken not to depend on the outcome. Uno's C has one curve."
    )


def _of_causes(how: FollowedBy) -> Censoring:
    if how not in ("auto", "marginal"):
        raise ModelError(
            "validate: where events compete the censoring weights are alike for all; leave "
            "'censoring' out."
        )
    return Censoring(None, _none(), _alike("as weights by predictors are made for one event only"))


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=CENSORING_COLUMNS)
