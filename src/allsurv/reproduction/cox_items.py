"""Cox analyses of a paper: as it did them, and as we would report them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import (
    analysis_table,
    p_text,
    safe_hazard_ratios,
    screened_table,
    univariable_table,
)
from allsurv.describe.cox_fits import CohortFit, fit_analysis
from allsurv.describe.cox_tables import landmark_cox_table
from allsurv.errors import ModelError, OutcomeError
from allsurv.reproduction.items import ANOTHER, PROTOCOL, Item
from allsurv.reproduction.paper_text import cox_text
from allsurv.study.spec import Analysis, Study

__all__ = ["analysis_items", "forest", "landmark_items", "residual_items", "screening_items"]

PROPORTIONAL = "P of proportionality: score test of scaled Schoenfeld residuals (R's cox.zph)."
SELECTED = (
    "P values and limits after selection by the same data are too small and too narrow: this is "
    "the paper's protocol, not advice."
)
FIRTH_NOTE = "Firth: the ordinary estimate is infinite; profile penalised likelihood instead."


def forest(
    key: str,
    title: str,
    label: str,
    table: pd.DataFrame,
    study: Study,
    threshold: int,
    notes: Sequence[str] = (),
) -> Item:
    """Make a table of hazard ratios and its forest plot.

    Parameters
    ----------
    key, title, label : str
        As of :class:`Item`.
    table : DataFrame
        From ``cox_table`` and its like.
    study : Study
        Its findings say with how many decimals hazard ratios are printed.
    threshold : int
        Smallest count that the safe form shows.
    notes : sequence of str, default=()
        Footnotes.

    Returns
    -------
    Item
        With its safe form.
    """
    decimals = max((f.decimals for f in study.findings.values()), default=2)
    said = [*notes, *dict.fromkeys(note for note in table["note"] if note)]
    if (table["method"] == "Firth").any() and not any("Firth" in note for note in said):
        said.append(FIRTH_NOTE)
    if table["ph_p_value"].notna().any():
        said.append(PROPORTIONAL)

    def item(shown: pd.DataFrame) -> Item:
        drawn = shown[shown["hazard_ratio"].notna()].reset_index(drop=True)
        text = cox_text(shown, decimals=decimals)
        return Item(key, title, label, "forest", drawn, text, tuple(said))

    hidden = safe_hazard_ratios(table, threshold)
    shown = bool(hidden["hazard_ratio"].notna().any())
    return replace(item(table), safe=item(hidden) if shown else None)


def screening_items(cohort: Cohort, threshold: int) -> Iterator[Item]:
    """Make the univariable analyses and the multivariable model of what passed them.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    threshold : int
        Smallest count that the safe form shows.

    Yields
    ------
    Item
        None where the study does not say how it screened.
    """
    screening, study = cohort.study.screening, cohort.study
    if screening is None:
        return
    table = univariable_table(cohort)
    landmarks = table.loc[table["analysis"] == "landmark"]
    notes = ["Each variable alone; patients of unknown value are left out of its model."]
    for label, part in landmarks.groupby("analysis_label", sort=False):
        excluded = int(part["n_excluded"].max())
        if excluded >= threshold:
            notes.append(
                f"{label}: {excluded} patients with an event, or censored, by then left out."
            )
    if screening.note:
        notes.append(screening.note)
    outcome = study.endpoint(screening.endpoint).label.lower()
    yield forest(
        "cox-univariable",
        f"Univariable Cox models for {outcome}",
        PROTOCOL,
        table,
        study,
        threshold,
        notes,
    )
    try:
        chosen = screened_table(cohort, table)
    except (ModelError, OutcomeError) as error:
        names = ", ".join(table.loc[table["selected"], "variable"].unique()) or "nothing"
        raise ModelError(f"the model of what screening selected ({names}): {error}") from None
    kept = ", ".join(study.events[name].label.lower() for name in screening.kept)
    notes = [f"All variables with univariable P < {screening.p_value:g}.", SELECTED]
    if kept:
        notes.insert(1, f"In the model whatever its P, as it happens: {kept}.")
    title = f"Multivariable Cox model for {outcome}, of what passed the screening"
    yield forest("cox-screened", title, PROTOCOL, chosen, study, threshold, notes)


def analysis_items(cohort: Cohort, threshold: int) -> Iterator[Item]:
    """Make the Cox models that the study file defines.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    threshold : int
        Smallest count that the safe form shows.

    Yields
    ------
    Item
        One per analysis whose variables the cohort has.
    """
    study = cohort.study
    for analysis in study.analyses.values():
        if not _has(cohort, analysis):
            continue
        label = (PROTOCOL if analysis.paper else ANOTHER) if study.screening else ""
        table = analysis_table(cohort, analysis, missing="leave_out")
        title = f"{analysis.paper}. {analysis.label}" if analysis.paper else analysis.label
        key = f"cox-{analysis.name}".replace("_", "-")
        yield forest(key, title, label, table, study, threshold)


def landmark_items(cohort: Cohort, threshold: int) -> Iterator[Item]:
    """Make, beside time-dependent models, those from the study's landmarks on.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    threshold : int
        Smallest count that the safe form shows.

    Yields
    ------
    Item
        One; none where no analysis has time-dependent events, or no landmark can be fitted.
    """
    study = cohort.study
    asked = next((a for a in study.analyses.values() if a.time_dependent), None)
    if asked is None or not _has(cohort, asked):
        return
    parts, notes = [], [f"Variables and events of: {asked.label}."]
    for at in study.landmarks:
        label = f"From {at:g} {study.time.unit} on"
        try:
            table = landmark_cox_table(
                cohort.where(asked.population),
                asked.endpoint,
                asked.variables,
                at=at,
                events=asked.time_dependent,
                ties=asked.ties,
                missing="leave_out",
            )
        except (ModelError, OutcomeError) as error:
            notes.append(f"{label}: not fitted. {error}")
            continue
        excluded = int(table["n_event_before"].iloc[0] + table["n_censored_before"].iloc[0])
        if not 0 < excluded < threshold:
            notes.append(
                f"{label}: {excluded} patients with the event, or censored, by then left out."
            )
        parts.append(table.assign(analysis=f"landmark_{at:g}", analysis_label=label))
    if parts:
        table = pd.concat(parts, ignore_index=True)
        title = "Cox models from landmarks on, of what had happened by then"
        yield forest("cox-landmark", title, "", table, study, threshold, notes)


def residual_items(cohort: Cohort) -> Iterator[Item]:
    """Make the residuals by which proportional hazards are judged.

    Parameters
    ----------
    cohort : Cohort
        The patients.

    Yields
    ------
    Item
        One, of the study's first analysis; its safe form is the table of tests. Residuals stand at
        exact times of events, so they are for the study team only.
    """
    study = cohort.study
    analysis = next((a for a in study.analyses.values() if _has(cohort, a)), None)
    if analysis is None:
        return
    patients = cohort.where(analysis.population)
    fitted = fit_analysis(patients, analysis, "residuals", missing="leave_out")
    table, tests = _residuals(fitted), _tests(fitted)
    title = f"Proportional hazards: {analysis.label}"
    notes = (PROPORTIONAL, "Points: scaled Schoenfeld residuals plus the estimate, one per event.")
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
        extra={"tests": tests},
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


def _has(cohort: Cohort, analysis: Analysis) -> bool:
    study = cohort.study
    events = [study.events[name] for name in analysis.time_dependent]
    needed = {*analysis.variables, *analysis.population}
    needed |= {event.time for event in events} | {n for event in events for n in event.occurred}
    return needed <= set(cohort.frame.columns)
