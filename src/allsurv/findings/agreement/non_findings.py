"""What a paper examined and did not retain, asked of other patients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
from scipy.special import ndtri

from allsurv.cohort import Cohort
from allsurv.describe import analysis_table
from allsurv.errors import AllsurvError
from allsurv.findings.agreement.rows import BY_CONSTRUCTION
from allsurv.study.spec import Analysis, NonFinding, Study

__all__ = ["compare_non_findings"]

COLUMNS = (
    "non_finding", "label", "variable", "level", "basis", "analysis", "unit", "hazard_ratio",
    "lower", "upper", "p_value", "confidence", "margin", "verdict", "reason", "n", "n_events",
    "said", "univariable_p", "paper", "statement",
)  # fmt: skip
LATE = "known only after baseline: in a model it would credit survival to itself (immortal time)"


def compare_non_findings(
    cohort: Cohort, *, margin: float = 1.5, level: float = 0.95
) -> pd.DataFrame:
    """Add each variable that a paper did not retain to the paper's model, in other patients.

    Parameters
    ----------
    cohort : Cohort
        The patients; its study has the non-findings.
    margin : float, default=1.5
        Hazard ratio, or its inverse, up to which an effect counts as none to speak of; for a number
        that of one standard deviation.
    level : float, default=0.95
        Confidence level.

    Returns
    -------
    DataFrame
        One row per non-finding and level: ``non_finding``, ``label``, ``variable``, ``level``,
        ``basis`` and ``said`` (how far the paper names it, and what it says), ``analysis``,
        ``unit``, ``hazard_ratio``, ``lower``, ``upper``, ``p_value``, ``confidence``, ``margin``,
        ``verdict``, ``reason``, ``n`` and ``n_events`` (patients with a value), ``univariable_p``
        (published), ``paper``, ``statement``.

    Notes
    -----
    *inconsistent*: the interval lies beyond the margin. *consistent*: two one-sided tests exclude
    every effect beyond the margin. *cannot say*: neither, which is the rule in small cohorts - that
    an effect is not shown again is no evidence that there is none. That a variable was not retained
    is no claim that it has no effect, so an interval that only excludes 1 contradicts nothing.
    """
    rows = []
    for non_finding in cohort.study.non_findings.values():
        shared = {
            "non_finding": non_finding.name,
            "label": non_finding.label,
            "variable": non_finding.variable,
            "basis": non_finding.basis,
            "analysis": non_finding.analysis,
            "confidence": level,
            "margin": margin,
            "said": non_finding.said,
            "univariable_p": non_finding.univariable_p,
            "paper": non_finding.paper,
            "statement": BY_CONSTRUCTION if cohort.source.is_synthetic else "",
        }
        rows += [shared | row for row in _rows(non_finding, cohort, margin, level)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(
    non_finding: NonFinding, cohort: Cohort, margin: float, level: float
) -> Iterator[dict[str, Any]]:
    study, name = cohort.study, non_finding.variable
    if name not in study.events and study.variable(name).known != "baseline":
        yield {"verdict": "cannot say", "reason": LATE}
        return
    analysis = _with(study, study.analyses[non_finding.analysis], name)
    try:
        table = analysis_table(cohort, analysis, level=level)
    except AllsurvError as error:
        yield {"verdict": "cannot say", "reason": str(error).splitlines()[0]}
        return
    spread = _spread(cohort, name)
    for term in table[table["variable"] == name].to_dict("records"):
        numbers = {key: float(term[key]) for key in ("hazard_ratio", "lower", "upper", "p_value")}
        verdict, reason = _judge(numbers, spread, margin, level)
        yield {
            "level": term["level"],
            "unit": term["unit"],
            "n": term["n"],
            "n_events": term["n_events"],
            "verdict": verdict,
            "reason": reason,
            **numbers,
        }


def _with(study: Study, analysis: Analysis, name: str) -> Analysis:
    if name in (*analysis.variables, *analysis.time_dependent):
        return analysis
    if name in study.events:
        return replace(analysis, name="", time_dependent=(*analysis.time_dependent, name))
    return replace(analysis, name="", variables=(*analysis.variables, name))


def _spread(cohort: Cohort, name: str) -> float:
    """Units in which a number's effect is judged: its standard deviation."""
    if name not in cohort.study.variables or not cohort.study.variable(name).is_number:
        return 1.0
    return float(cohort.frame[name].std())


def _judge(
    numbers: dict[str, float], spread: float, margin: float, level: float
) -> tuple[str, str]:
    lower, upper = numbers["lower"], numbers["upper"]
    if not (math.isfinite(lower) and math.isfinite(upper) and lower > 0):
        return "cannot say", "no estimate with limits"
    centre = math.log(numbers["hazard_ratio"]) * spread
    low, high = sorted((math.log(lower) * spread, math.log(upper) * spread))
    beyond = math.log(margin)
    if low > beyond or high < -beyond:
        return "inconsistent", f"the interval lies beyond a hazard ratio of {margin:g}"
    error = (high - low) / (2 * float(ndtri(0.5 + level / 2)))
    half = float(ndtri(level)) * error
    if abs(centre) + half < beyond:
        return "consistent", f"every effect beyond a hazard ratio of {margin:g} is excluded"
    if low > 0 or high < 0:
        return "cannot say", "an effect is shown, but it may be smaller than the margin"
    return "cannot say", "compatible with no effect and with a large one"
