"""Cox analyses as we would report them, and what immortal time does to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import (
    cox_table,
    immortal_time_table,
    support_sentence,
)
from allsurv.describe.cox.fits import FIRTH
from allsurv.errors import ModelError, MonotoneError, OutcomeError
from allsurv.policy.rules import DisclosurePolicy
from allsurv.reproduction.cox_items import excluded_text, forest
from allsurv.reproduction.items import REPORTED, Item
from allsurv.study.evidence import Missing
from allsurv.study.spec import Screening, Study

__all__ = ["bias_items", "reported_items"]

FEW_EVENTS = 5


def reported_items(cohort: Cohort, policy: DisclosurePolicy) -> Iterator[Item]:
    """Make the model of all pre-specified variables, the untested handled in three ways."""
    study, screening = cohort.study, cohort.study.screening
    if screening is None:
        return
    names = tuple(n for n in study.prediction.predictors if n in cohort.frame.columns)
    patients = cohort.eligible(screening.endpoint)
    lacking = [n for n in names if patients.frame[n].isna().any()]
    tables, counts = [], []
    notes = ["No screening: the variables are the predictors that the study file names."]
    for name, label, fit in _ways(patients, screening, names, lacking):
        try:
            table = fit()
        except (ModelError, OutcomeError) as error:
            counts.append(f"{label}: not fitted. {error}")
            continue
        notes += _said(table, label, study, lacking)
        tables.append(table.assign(analysis=name, analysis_label=label))
    if not tables:
        return
    table = pd.concat(tables, ignore_index=True)
    first = tables[0]
    notes.append(
        support_sentence(
            patients.follow_up(screening.endpoint),
            len(first),
            horizons=study.prediction.horizons,
            unit=study.time.unit,
            who="this model uses",
        )
    )
    title = f"Cox model for {study.endpoint(screening.endpoint).label.lower()}, pre-specified"
    yield forest("cox-reported", title, REPORTED, table, study, policy, notes, counts)


def bias_items(cohort: Cohort, policy: DisclosurePolicy) -> Iterator[Item]:
    """Show what immortal time does to everything known only after baseline."""
    study, screening = cohort.study, cohort.study.screening
    endpoint = screening.endpoint if screening else study.prediction.endpoint
    later = [name for name in study.events if cohort.has_event(name)]
    later += [n for n in (screening.landmarks if screening else ()) if n in cohort.frame.columns]
    tables, counts = [], []
    for name in later:
        label = study.events[name].label if name in study.events else study.variable(name).label
        try:
            table = immortal_time_table(cohort, endpoint, name)
        except (ModelError, OutcomeError) as error:
            counts.append(f"{label}: not fitted. {error}")
            continue
        counts.append(f"{label}: the landmark leaves out {excluded_text(table.iloc[-1:])}.")
        rows = table.assign(label=table["analysis_label"], note="")
        tables.append(rows.assign(analysis=name, analysis_label=label))
    if tables:
        table = pd.concat(tables, ignore_index=True)
        title = f"Immortal time in {study.endpoint(endpoint).label.lower()}"
        notes = ["The rows marked biased stand here to be seen, not to be used."]
        yield forest("immortal-time", title, "", table, study, policy, notes, counts)


def _ways(
    patients: Cohort, screening: Screening, names: Sequence[str], lacking: Sequence[str]
) -> Iterator[tuple[str, str, Callable[[], pd.DataFrame]]]:
    """Name each way to treat missing values, and how to fit it."""
    endpoint = screening.endpoint
    kept = tuple(name for name in screening.kept if patients.has_event(name))

    def fit(cohort: Cohort, missing: Missing = "complete cases") -> pd.DataFrame:
        asked = partial(cox_table, cohort, endpoint, names, time_dependent=kept, missing=missing)
        try:
            table = asked()
        except MonotoneError:
            return asked(firth=True)
        with_level = table["n_level_events"].dropna().astype(int)
        without = table["n_events"] - with_level
        few = bool((with_level < FEW_EVENTS).any() or (without < FEW_EVENTS).any())
        return asked(firth=True) if few else table

    if not lacking:
        yield "all", "All patients", partial(fit, patients)
        return
    yield "imputed", "Multiple imputation", partial(fit, patients, "impute")
    yield "complete", "Complete cases", partial(fit, patients)
    if all(patients.study.variable(name).is_yes_no for name in lacking):
        yield (
            "against_others",
            "Positive against all others",
            partial(_others, patients, lacking, fit),
        )


def _others(
    cohort: Cohort, lacking: Sequence[str], fit: Callable[[Cohort], pd.DataFrame]
) -> pd.DataFrame:
    """Count the untested as negative, and say so in the labels."""
    frame = cohort.frame.copy()
    frame[list(lacking)] = frame[list(lacking)].fillna(False)
    table = fit(Cohort(cohort.study, frame, cohort.source))
    for name in lacking:
        variable = cohort.study.variable(name)
        positive = variable.level_label(True)
        label = f"{variable.label}: {positive} vs all others"
        table.loc[table["variable"] == name, "label"] = label
    return table


def _said(table: pd.DataFrame, label: str, study: Study, lacking: Sequence[str]) -> Iterator[str]:
    markers = " and ".join(study.variable(name).label for name in lacking)
    if "n_imputations" in table.columns:
        m = int(table["n_imputations"].iloc[0])
        yield (
            f"{label}: {markers} imputed {m} times, one per hundredth of incomplete patients, from "
            "all other variables, the event and the Nelson-Aalen hazard; pooled by Rubin's rules."
        )
    if table["method"].str.endswith(FIRTH).any():
        yield (
            f"{label}: a level has fewer than {FEW_EVENTS} events, so Firth's method with limits "
            "of the profile penalised likelihood."
        )
