"""Sections of a card on the patients: data, outcome, predictors, missing values."""

from __future__ import annotations

from collections.abc import Mapping

from allsurv.cards.about import authored, item, section
from allsurv.cards.quotes import Part, Quoter, Tree
from allsurv.study import Study

__all__ = ["make_patients"]


def make_patients(quote: Quoter, study: Study, words: Mapping[str, str]) -> dict[str, Tree]:
    """Make the sections on data, outcome, predictors and missing values."""
    return {
        "data": section(
            "data",
            "Data",
            items=_data(quote, study) + authored("data", words),
            tables=_characteristics(quote),
            figures=_curves(quote, study),
        ),
        "outcome": section(
            "outcome", "Outcome", items=_outcome(quote, study) + authored("outcome", words)
        ),
        "predictors": section(
            "predictors",
            "Predictors",
            text=_constant(quote),
            tables=[_predictors(quote, study)],
        ),
        "missing": _missing(quote),
    }


def _data(quote: Quoter, study: Study) -> list[Tree]:
    size: list[Part] = [
        quote("count", "/provenance/n"),
        " patients, ",
        quote("count", "/provenance/n_events"),
        " events",
    ]
    endpoint = quote.results["provenance"]["endpoint"]
    follow_up: list[Part] = []
    for row in quote.rows("survival", group="overall", endpoint=endpoint)[:1]:
        of = ("follow_up", "follow_up_lower", "follow_up_upper")
        found = quote.cell("span", "survival", row, *of)
        follow_up = [found, f" {study.time.unit}, by reverse Kaplan-Meier"]
    return [
        item("study", "Study", study.title, " (", quote("text", "/provenance/study"), ")"),
        item(
            "cohort",
            "Cohort",
            quote("text", "/provenance/source_name"),
            ": ",
            quote("text", "/provenance/source_statement"),
        ),
        item("size", "Patients and events", *size),
        item("follow_up", "Median follow-up", *follow_up),
        item("cohort_digest", "Digest of the cohort", quote("text", "/provenance/source_digest")),
    ]


def _characteristics(quote: Quoter) -> list[Tree]:
    rows = quote.rows("table_one", group="overall")
    columns = [
        ("Characteristic", "text", ("label",)),
        ("Level", "text", ("level_label",)),
        ("All patients", "text", ("text",)),
        ("Known in", "count", ("n_known",)),
    ]
    if not rows:
        return []
    return [
        quote.table(
            "table_one", columns, caption="Characteristics at baseline", rows=rows, n_labels=2
        )
    ]


def _outcome(quote: Quoter, study: Study) -> list[Tree]:
    endpoint = study.endpoint(quote.results["provenance"]["endpoint"])
    after = "; ".join(
        f"{event.label}: not a predictor, time-dependent in the Cox analyses"
        for event in study.events.values()
    )
    return [
        item("endpoint", "Endpoint", endpoint.label),
        item("origin", "Clock starts", endpoint.origin),
        item("horizons", "Horizons", quote("list", "/config/horizons"), f" {study.time.unit}"),
        item("events", "Events after baseline", after or "none"),
    ]


def _predictors(quote: Quoter, study: Study) -> Tree:
    rows = []
    for k, name in enumerate(quote.results["config"]["predictors"]):
        variable = study.variable(name)
        levels = [variable.level_labels.get(level, str(level)) for level in variable.levels]
        allowed = ", ".join(levels) or "yes, no"
        if variable.minimum is not None and variable.maximum is not None:
            allowed = f"{variable.minimum:g} to {variable.maximum:g}"
        rows.append([
            variable.label, quote("text", f"/config/predictors/{k}"), variable.kind,
            variable.unit, allowed,
        ])  # fmt: skip
    return {
        "caption": "Predictors, all known at baseline",
        "columns": ["Predictor", "Name", "Kind", "Unit", "Allowed"],
        "n_labels": 1,
        "rows": rows,
    }


def _constant(quote: Quoter) -> list[list[Part]]:
    """Name the predictors that are the same in everybody, which no model has."""
    if "constant" not in quote.results["statements"]:
        return []
    return [[quote("text", "/statements/constant")]]


def _missing(quote: Quoter) -> Tree:
    columns = [
        ("Predictor", "text", ("label",)),
        ("Patients", "count", ("n",)),
        ("Missing", "count", ("n_missing",)),
        ("Handling", "text", ("handling",)),
    ]
    return section(
        "missing",
        "Missing data",
        text=[[quote("text", "/statements/missing")]],
        tables=[quote.table("missing", columns, caption="Missing values of the predictors")],
    )  # fmt: skip


def _curves(quote: Quoter, study: Study) -> list[str]:
    """Survival of all, and by the study's group; the other comparisons stand in the results."""
    shown = [
        c.name
        for c in study.comparisons.values()
        if c.endpoint == quote.results["provenance"]["endpoint"]
        and c.landmark is None
        and not c.population
        and c.by in {None, study.group}
    ]
    drawn = {row["comparison"] for row in quote.results["tables"]["curves"]}
    return [f"curves-{name}" for name in shown or sorted(drawn) if name in drawn]
