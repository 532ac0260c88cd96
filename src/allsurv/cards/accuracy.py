"""Sections of a card on the model: specification, performance, stability, evidence, explanation."""

from __future__ import annotations

from allsurv.cards.about import item, section
from allsurv.cards.evidence import evidence_section
from allsurv.cards.explained import make_explanation, optimism_item, optimism_tables
from allsurv.cards.held_out import external_item, held_out_tables
from allsurv.cards.quotes import NOT_EVALUATED, Part, Quoter, Tree
from allsurv.models.catalog import REFERENCES
from allsurv.validation import find_measure

__all__ = ["make_accuracy", "performance_cell"]

FORMS = {2: "interval", 3: "interval3"}
SURVIVAL = {
    "own": "survival as it predicts it",
    "recalibrated": "survival by Cox regression on its risk score, learned where it was fitted",
}
BESIDE_PRODUCTS = (
    "A hazard ratio of a product is per unit of both factors. Those of its factors alone hold "
    "where the other factor is 0: at the mean of a number, at the reference of a level."
)


def performance_cell(quote: Quoter, row: int) -> Tree:
    """Quote one measure of one model with its interval."""
    measure = quote.results["tables"]["performance"][row]["measure"]
    form = FORMS[find_measure(measure).decimals]
    return quote.cell(form, "performance", row, "estimate", "lower", "upper")


def make_accuracy(quote: Quoter) -> dict[str, Tree]:
    """Make the sections that say what the model is and how good."""
    return {
        "model": _model(quote),
        "performance": _performance(quote),
        "instability": _instability(quote),
        "subgroups": _subgroups(quote),
        "points": _points(quote),
        "evidence": evidence_section(quote),
        "explanation": make_explanation(quote),
        "analyses": _analyses(quote),
    }


def _model(quote: Quoter) -> Tree:
    chosen = quote.results["chosen"]
    (row,) = quote.rows("models", model=chosen)
    versions = quote.results["provenance"]["versions"]
    said: list[Part] = []
    for name in versions:
        said += [", " if said else "", name, " ", quote("text", f"/provenance/versions/{name}")]
    parameters = quote.cell("text", "models", row, "parameters")
    items = [
        item("family", "Family", quote.cell("text", "models", row, "label")),
        item("choice", "Chosen how", quote("text", "/statements/choice")),
        item("parameters", "Parameters", parameters if parameters["text"] else "defaults"),
        item(
            "specification", "Full specification", f"models/{chosen}: risk_model.json, arrays.npz"
        ),
        *_challengers(quote),
        item("seed", "Seed", quote("text", "/provenance/seed")),
        item("versions", "Versions", *said),
    ]
    columns = [
        ("Term", "text", ("label",)),
        ("Log hazard ratio", "number3", ("coef",)),
        ("Hazard ratio", "number", ("hazard_ratio",)),
    ]
    rows = quote.rows("coefficients", model=chosen)
    tables = [quote.table("coefficients", columns, caption="Terms of the model", rows=rows)]
    terms = [quote.results["tables"]["coefficients"][row]["term"] for row in rows]
    text = [[BESIDE_PRODUCTS]] if any(" x " in term for term in terms) else []
    return section("model", "Model", text=text, items=items, tables=tables if rows else [])


def _challengers(quote: Quoter) -> list[Tree]:
    """Name the models of other packages, where their survival comes from, and why none is saved."""
    table = quote.results["tables"]["models"]
    rows = [k for k, row in enumerate(table) if row.get("not_exported")]
    if not rows:
        return []
    said: list[Part] = []
    for k in rows:
        name, how = quote.cell("text", "models", k, "label"), table[k]["survival"]
        said += ["; " if said else "", name, f" ({SURVIVAL[how]})"]
    reason = quote.cell("text", "models", rows[0], "not_exported")
    return [item("challengers", "Challengers, not exported", *said, ". Why: ", reason, ".")]


def _performance(quote: Quoter) -> Tree:
    table = quote.results["tables"]["performance"]
    models = list(dict.fromkeys(row["model"] for row in table))
    where: dict[tuple[str, float | None], dict[str, int]] = {}
    for k, row in enumerate(table):
        where.setdefault((row["measure"], row["horizon"]), {})[row["model"]] = k
    rows: list[list[Part]] = []
    for found in where.values():
        first = next(iter(found.values()))
        at = table[first]["horizon"]
        name = quote.cell("text", "performance", first, "label")
        time = "" if at is None else quote.cell("text", "performance", first, "horizon")
        rows.append([name, time, *(_measured(quote, found.get(model)) for model in models)])
    labels = [
        quote.cell("text", "performance", quote.rows("performance", model=model)[0], "model_label")
        for model in models
    ]
    shown = {
        "caption": "Performance of every model",
        "columns": ["Measure", "Horizon", *labels],
        "n_labels": 2,
        "rows": rows,
    }
    failed = sum(row["n_failed"] or 0 for row in table)
    return section(
        "performance",
        "Performance",
        text=[
            [quote("text", "/statements/validation")],
            [quote("text", "/statements/censoring")],
        ],
        items=[
            external_item(quote),
            item("failed", "Resamples that could not be measured", "some" if failed else "none"),
            optimism_item(quote),
        ],
        tables=[
            *held_out_tables(quote),
            shown,
            *_differences(quote),
            *optimism_tables(quote),
        ],
        figures=[
            name for name in ("performance", "calibration", "net_benefit") if quote.rows(name)
        ],
    )


def _differences(quote: Quoter) -> list[Tree]:
    columns = [
        ("Measure", "text", ("label",)),
        ("Horizon", "text", ("horizon",)),
        ("Compared with", "text", ("compared_with",)),
        ("Difference", "interval3", ("estimate", "lower", "upper")),
        ("P", "p", ("p_value",)),
    ]
    chosen = quote.results["chosen"]
    rows = [
        k
        for other in REFERENCES
        for k in quote.rows("differences", model=chosen, compared_with=other)
        if find_measure(quote.results["tables"]["differences"][k]["measure"]).headline
    ]
    caption = "Paired differences between the recommended model and the models it is compared with"
    return [quote.table("differences", columns, caption=caption, rows=rows, n_labels=3)] * bool(
        rows
    )


def _instability(quote: Quoter) -> Tree:
    columns = [
        ("Model", "text", ("model_label",)),
        ("Horizon", "text", ("horizon",)),
        ("Mean change of a prediction", "number3", ("mape",)),
        ("In 95% of patients under", "number3", ("mape_95",)),
        ("Refits", "text", ("n_resamples",)),
    ]
    if not quote.rows("instability"):
        return section("instability", "Instability", text=[[NOT_EVALUATED]])
    caption = "How far a predicted risk moves when the model is refitted on other samples"
    table = quote.table("instability", columns, caption=caption, n_labels=2)
    figures = ["instability_bands"] if quote.rows("instability_bands") else []
    return section("instability", "Instability", tables=[table], figures=figures)


def _subgroups(quote: Quoter) -> Tree:
    columns = [
        ("Variable", "text", ("variable",)),
        ("Group", "text", ("group_label",)),
        ("Measure", "text", ("label",)),
        ("Horizon", "text", ("horizon",)),
        ("Patients", "count", ("n",)),
        ("Events", "count", ("n_events",)),
        ("Estimate", "interval", ("estimate", "lower", "upper")),
    ]
    rows = quote.rows("subgroups", model=quote.results["chosen"])
    if not rows:
        return section("subgroups", "Subgroups", text=[[NOT_EVALUATED]])
    caption = "Performance of the recommended model in subgroups"
    table = quote.table("subgroups", columns, caption=caption, rows=rows, n_labels=4)
    said = (
        "Each group is measured by itself; groups are not tested against each other. Intervals say "
        "how precisely each is known."
    )
    return section("subgroups", "Subgroups", text=[[said]], tables=[table])


def _points(quote: Quoter) -> Tree:
    if not quote.rows("points_loss"):
        said = (
            "No nomogram: no model here is a sum over predictors, as a linear model without "
            "interactions is."
        )
        return section("points", "Nomogram and points", text=[[said]])
    points = [
        ("Predictor", "text", ("label",)),
        ("Value", "text", ("value_label",)),
        ("Points", "text", ("points",)),
    ]
    loss = [
        ("Measure", "text", ("label",)),
        ("Horizon", "text", ("horizon",)),
        ("Model", "number3", ("exact",)),
        ("Whole points", "number3", ("rounded",)),
        ("Loss", "number3", ("loss",)),
    ]
    shown = bool(quote.rows("points"))
    tables = [quote.table("points_loss", loss, caption="Loss by whole points", n_labels=2)]
    if shown:
        tables.append(quote.table("points", points, caption="Points", n_labels=2))
    remark = (
        ". Points are rounded to whole numbers; what that loses was measured in development."
        if shown
        else ". The nomogram is exact. Rounding to whole points would lose more than 0.02 of "
        "Harrell's C or of a Brier score, so no points are given."
    )
    return section(
        "points",
        "Nomogram and points",
        text=[["Derived from the model ", quote.cell("text", "points_loss", 0, "model"), remark]],
        tables=tables,
        figures=["nomogram"],
    )


def _measured(quote: Quoter, row: int | None) -> Part:
    return "" if row is None else performance_cell(quote, row)


def _analyses(quote: Quoter) -> Tree:
    columns = [
        ("Analysis", "text", ("analysis_label",)),
        ("Term", "text", ("label",)),
        ("Unit", "text", ("unit",)),
        ("Hazard ratio", "ratio", ("hazard_ratio", "lower", "upper")),
        ("P", "p", ("p_value",)),
        ("P of proportional hazards", "p", ("ph_p_value",)),
        ("Patients", "count", ("n",)),
        ("Events", "count", ("n_events",)),
        ("Left out: value missing", "count", ("n_left_out",)),
        ("Remark", "text", ("note",)),
    ]
    shown = quote.table(
        "cox", columns, caption="Cox analyses of the study, computed here", n_labels=3
    )
    left_out = "analyses_left_out" in quote.results["statements"]
    return section(
        "analyses",
        "Cox analyses",
        text=[[quote("text", "/statements/analyses_left_out")]] if left_out else [],
        tables=[shown] if quote.rows("cox") else [],
        figures=["cox"] if quote.rows("cox") else [],
    )
