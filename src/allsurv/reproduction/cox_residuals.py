"""Proportional hazards: residuals and tests of the paper's main Cox model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe.cox.fits import CohortFit, fit_analysis
from allsurv.journal import p_text
from allsurv.reproduction.cox_items import PROPORTIONAL, has_columns
from allsurv.reproduction.items import Item
from allsurv.stats.cox.trend import residual_trend
from allsurv.study.evidence import Missing

__all__ = ["residual_items"]

FEWEST_TIMES = 10


def residual_items(cohort: Cohort) -> Iterator[Item]:
    """Make the residuals by which proportional hazards are judged."""
    study = cohort.study
    of_one_event = [
        a for a in study.analyses.values() if study.endpoint(a.endpoint).kind == "event"
    ]
    analysis = next((a for a in of_one_event if has_columns(cohort, a)), None)
    if analysis is None:
        return
    patients = cohort.where(analysis.population)
    # A residual is of one patient in one fit: where values are imputed, of complete cases.
    missing: Missing = "complete cases" if analysis.missing == "impute" else analysis.missing
    fitted = fit_analysis(patients, analysis, "residuals", missing=missing)
    table, tests = _residuals(fitted), _tests(fitted)
    smooth = _smooth(table, fitted)
    title = f"Proportional hazards: {analysis.label}"
    notes = (
        PROPORTIONAL,
        "Points: scaled Schoenfeld residuals plus the estimate, one per event; lines: natural "
        "cubic splines of 4 degrees of freedom over the ranks of time, with 95% limits.",
        *filter(None, (fitted.left_out_note,)),
    )
    columns = {"label": "", "statistic": "Chi-squared", "df": "Degrees of freedom", "p_value": "P"}
    text = tests.rename(columns=columns)[list(columns.values())].assign(
        **{
            "Chi-squared": [f"{x:.2f}" for x in tests["statistic"]],
            "P": [p_text(p) for p in tests["p_value"]],
        }
    )
    shown = Item("cox-proportional-hazards", title, "", "table", tests, text, notes[:1])
    yield replace(
        shown,
        kind="residuals",
        table=table,
        text=text,
        notes=notes,
        extra={"tests": tests} | ({"smooth": smooth} if len(smooth) else {}),
        local_only=True,
        safe=shown,
    )


def _residuals(fitted: CohortFit) -> pd.DataFrame:
    fit = fitted.fit
    data = fit.likelihood.data
    times = data.time[data.event]
    times.sort()
    scaled = fit.residuals("scaled-schoenfeld")
    labels = {term.name: term.label for term in fitted.terms}
    return pd.concat(
        [
            pd.DataFrame({"term": name, "label": labels[name], "time": times, "residual": column})
            for name, column in zip(fit.names, scaled.T, strict=True)
        ],
        ignore_index=True,
    )


def _smooth(table: pd.DataFrame, fitted: CohortFit) -> pd.DataFrame:
    """Fit a smooth trend to the residuals of each term; none where events are too few."""
    parts = []
    for (_, part), error in zip(
        table.groupby("term", sort=False), fitted.fit.std_error, strict=True
    ):
        ranks = part["time"].rank().to_numpy()
        if part["time"].nunique() < FEWEST_TIMES:
            continue
        trend = residual_trend(ranks, part["residual"], variance=len(part) * float(error) ** 2)
        limits = {name: getattr(trend, name) for name in ("estimate", "lower", "upper")}
        parts.append(part.drop(columns="residual").assign(**limits))
    return pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]


def _tests(fitted: CohortFit) -> pd.DataFrame:
    fit = fitted.fit
    test = fit.proportional_hazards_test()
    labels = {term.name: term.label for term in fitted.terms}
    table = pd.DataFrame(
        {
            "term": test.names,
            "label": [labels[name] for name in test.names],
            "statistic": test.statistic,
            "df": test.df,
            "p_value": test.p_value,
        }
    )
    whole = test.global_test
    table.loc[len(table)] = ["GLOBAL", "All together", whole.statistic, whole.df, whole.p_value]
    return table
