"""From a result to a card: one tree of plain values that every rendering prints as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from allsurv.cards.words import interval, number, ratio
from allsurv.describe import p_text
from allsurv.experiment import Result

__all__ = ["make_card"]

CARD_FORMAT = "allsurv-card/1"
NOT_EVALUATED = "Not evaluated"
HIDDEN = "suppressed"
EMPTY: dict[str, Any] = {"text": [], "items": [], "table": None, "figures": []}

Tree = dict[str, Any]
Column = tuple[str, str, Callable[[Any], str]]


def make_card(result: Result) -> Tree:
    """Make the model card of a result's chosen model.

    Parameters
    ----------
    result : Result
        What was found; its tables have passed the disclosure rules.

    Returns
    -------
    dict
        JSON-ready: ``title``, ``status``, ``summary`` (label and text each) and ``sections``, each
        with ``id``, ``title`` and any of ``text``, ``items``, ``table`` and ``figures``. What was
        not done says "Not evaluated".
    """
    sections = (
        _use,
        _data,
        _outcome,
        _predictors,
        _model,
        _performance,
        _evidence,
        _explanation,
        _limits,
        _origin,
    )
    return {
        "format": CARD_FORMAT,
        "title": f"{result.study.title}: {_endpoint(result).label.lower()}",
        "name": f"{result.provenance.study}-{result.provenance.endpoint}",
        "status": "Research use only. Not a medical device. Not reviewed.",
        "synthetic": result.provenance.is_synthetic,
        "summary": _summary(result),
        "sections": [EMPTY | section(result) for section in sections],
    }


def _summary(result: Result) -> list[Tree]:
    prediction = result.study.prediction
    unit = result.study.time.unit
    horizons = ", ".join(f"{h:g}" for h in result.config["horizons"])
    said = [
        (
            "What it predicts, for whom",
            f"{_endpoint(result).label} at {horizons} {unit}, predicted {prediction.moment}. "
            + result.study.card.get("population", ""),
        ),
        ("How well", _how_well(result)),
        ("What the data can support", result.statements["sample_size"]),
        ("Which data", result.statements["source"]),
        ("Must not be used for", result.study.card.get("out_of_scope", NOT_EVALUATED)),
    ]
    return [{"label": label, "text": text.strip()} for label, text in said]


def _how_well(result: Result) -> str:
    table = _of_model(result.tables["performance"], result.chosen)
    parts = []
    for measure in ("harrell_c", "ipa", "calibration_slope"):
        rows = table[table["measure"] == measure]
        if len(rows):
            row = rows.iloc[-1]
            at = (
                ""
                if pd.isna(row["horizon"])
                else f" at {row['horizon']:g} {result.study.time.unit}"
            )
            estimate = interval(row["estimate"], row["lower"], row["upper"])
            parts.append(f"{row['label']}{at} {estimate}")
    return "; ".join(parts) + ". Out of fold, on the patients it was developed on."


def _use(result: Result) -> Tree:
    card = result.study.card
    items = [
        _item("Question", result.question),
        _item("Intended use", card.get("intended_use")),
        _item("Intended users", card.get("intended_users")),
        _item("Population", card.get("population")),
        _item("Prediction moment", result.study.prediction.moment),
        _item("Out of scope", card.get("out_of_scope")),
        _item("Ethics", card.get("ethics")),
    ]
    return {"id": "use", "title": "Use", "items": items}


def _data(result: Result) -> Tree:
    origin = result.provenance
    cite = result.study.citation
    items = [
        _item("Study", f"{result.study.title} ({origin.study})"),
        _item("Citation", "; ".join(str(value).rstrip(".") for value in cite.values()) + "."),
        _item("Cohort", f"{origin.source_name}: {origin.source_statement}"),
        _item("Patients and events", f"{origin.n} patients, {origin.n_events} events"),
        _item("Data statement", result.study.card.get("data_statement")),
    ]
    return {
        "id": "data",
        "title": "Data",
        "items": items,
        "table": _table(
            result.tables["missing"],
            [
                ("label", "Predictor", str),
                ("n", "Patients", _count),
                ("n_missing", "Missing", _count),
                ("handling", "Handling", str),
            ],
            caption="Missing values of the predictors",
        ),
        "figures": _curves(result),
    }


def _outcome(result: Result) -> Tree:
    endpoint = _endpoint(result)
    items = [
        _item("Endpoint", endpoint.label),
        _item("Clock starts", endpoint.origin),
        _item("Horizons", ", ".join(f"{h:g}" for h in result.config["horizons"])),
        _item(
            "Events after baseline",
            "; ".join(
                f"{event.label}: not a predictor, time-dependent in the Cox analyses"
                for event in result.study.events.values()
            )
            or "none",
        ),
    ]
    return {"id": "outcome", "title": "Outcome", "items": items}


def _predictors(result: Result) -> Tree:
    rows = []
    for name in result.config["predictors"]:
        variable = result.study.variable(name)
        allowed = (
            f"{variable.minimum:g} to {variable.maximum:g}"
            if variable.minimum is not None and variable.maximum is not None
            else ", ".join(map(str, variable.levels)) or "yes, no"
        )
        rows.append(
            {
                "label": variable.label,
                "kind": variable.kind,
                "unit": variable.unit,
                "allowed": allowed,
            }
        )
    columns: list[Column] = [
        ("label", "Predictor", str),
        ("kind", "Kind", str),
        ("unit", "Unit", str),
        ("allowed", "Allowed", str),
    ]
    table = _table(pd.DataFrame(rows), columns, caption="Predictors, all known at baseline")
    return {"id": "predictors", "title": "Predictors", "table": table}


def _model(result: Result) -> Tree:
    table = result.tables.get("coefficients")
    section: Tree = {
        "id": "model",
        "title": "Model",
        "items": [
            _item("Model", _label(result, result.chosen)),
            _item("Chosen how", result.statements["choice"]),
            _item(
                "Parameters",
                ", ".join(f"{k} = {v}" for k, v in result.config["models"][result.chosen].items())
                or "defaults of the catalogue",
            ),
            _item("Specification", f"models/{result.chosen}: JSON and arrays, no pickle"),
        ],
    }
    if table is not None and (table["model"] == result.chosen).any():
        section["table"] = _table(
            _of_model(table, result.chosen),
            [("label", "Term", str), ("hazard_ratio", "Hazard ratio", number)],
            caption="Hazard ratio of each term, per unit",
        )
    return section


def _performance(result: Result) -> Tree:
    table = result.tables["performance"].copy()
    table["text"] = [interval(r.estimate, r.lower, r.upper) for r in table.itertuples()]
    table["what"] = [
        r.label if pd.isna(r.horizon) else f"{r.label}, {r.horizon:g} {result.study.time.unit}"
        for r in table.itertuples()
    ]
    order = list(dict.fromkeys(table["what"]))
    wide = table.pivot(index="what", columns="model_label", values="text")
    wide = wide.reindex(order).reset_index()
    columns: list[Column] = [("what", "Measure", str)]
    columns += [(label, label, str) for label in dict.fromkeys(table["model_label"])]
    return {
        "id": "performance",
        "title": "Performance",
        "text": [result.statements["validation"]],
        "table": _table(wide, columns, caption="Out-of-fold performance of every model"),
        "figures": _figures(result, "performance", "calibration"),
        "items": [
            _item("External validation", None),
            _item("Subgroups", None),
            _item("Instability of individual predictions", None),
        ],
    }


def _evidence(result: Result) -> Tree:
    table = result.tables.get("findings")
    if table is None or not len(table):
        return {
            "id": "evidence",
            "title": "Published findings",
            "text": ["The study file names no published finding to hold the models against."],
        }
    table = table.assign(
        ours=[ratio(r.estimate, r.lower, r.upper) for r in table.itertuples()],
        theirs=[
            ratio(r.published, r.published_lower, r.published_upper) for r in table.itertuples()
        ],
    )
    columns: list[Column] = [
        ("label", "Finding", str),
        ("theirs", "Published hazard ratio", str),
        ("model_label", "Model", str),
        ("ours", "This cohort", str),
        ("verdict", "Verdict", str),
    ]
    return {
        "id": "evidence",
        "title": "Published findings",
        "text": [result.statements["findings"]] if "findings" in result.statements else [],
        "table": _table(table, columns, caption="Each published finding against each model"),
        "figures": _figures(result, "findings"),
    }


def _explanation(result: Result) -> Tree:
    table = _of_model(result.tables["importance"], result.chosen)
    columns: list[Column] = [
        ("label", "Predictor", str),
        ("mean_abs_shap", "Mean |SHAP| of the risk score", lambda v: number(v, 3)),
    ]
    return {
        "id": "explanation",
        "title": "Explanation",
        "text": ["How far each predictor moves the risk score, on average over the cohort."],
        "table": _table(table, columns, caption="Importance of each predictor"),
    }


def _limits(result: Result) -> Tree:
    card = result.study.card
    items = [
        _item("Sample size", result.statements["sample_size"]),
        _item("Risks and biases", card.get("known_risks")),
        _item("Equity", card.get("equity")),
        _item("Monitoring", card.get("monitoring")),
    ]
    return {"id": "limits", "title": "Limits", "items": items}


def _origin(result: Result) -> Tree:
    origin = result.provenance
    items = [
        _item("Study digest", origin.study_digest),
        _item("Cohort digest", origin.source_digest),
        _item("Seed", str(origin.seed)),
        _item("Started", origin.started),
        _item("Versions", ", ".join(f"{k} {v}" for k, v in origin.versions.items())),
        _item("Disclosure", result.statements["disclosure"]),
    ]
    cox = result.tables["cox"]
    cox = cox.assign(
        hr=[ratio(r.hazard_ratio, r.lower, r.upper) for r in cox.itertuples()],
    )
    columns: list[Column] = [
        ("analysis", "Analysis", str),
        ("label", "Term", str),
        ("hr", "Hazard ratio", str),
        ("p_value", "P", p_text),
    ]
    return {
        "id": "origin",
        "title": "Where the numbers come from",
        "items": items,
        "table": _table(cox, columns, caption="Cox analyses of the study, recomputed here"),
        "figures": _figures(result, "cox"),
    }


def _endpoint(result: Result) -> Any:
    return result.study.endpoint(result.provenance.endpoint)


def _label(result: Result, model: str) -> str:
    table = result.tables["models"]
    rows = table[table["model"] == model]
    return str(rows.iloc[0]["label"]) if len(rows) else model


def _of_model(table: pd.DataFrame, model: str) -> pd.DataFrame:
    return table[table["model"] == model]


def _item(label: str, text: str | None) -> Tree:
    return {"label": label, "text": text or NOT_EVALUATED}


def _figures(result: Result, *tables: str) -> list[str]:
    return [name for name in tables if name in result.tables]


def _curves(result: Result) -> list[str]:
    """Survival of all, and by the study's group; the other comparisons stand in the results."""
    shown = [
        c.name
        for c in result.study.comparisons.values()
        if c.endpoint == result.provenance.endpoint
        and c.landmark is None
        and not c.population
        and c.by in {None, result.study.group}
    ]
    drawn = set(result.tables["curves"]["comparison"])
    return [f"curves-{name}" for name in shown or sorted(drawn) if name in drawn]


def _table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    caption: str,
) -> Tree:
    rows = [
        [_cell(record.get(key), show) for key, _, show in columns]
        for record in frame.to_dict(orient="records")
    ]
    return {"caption": caption, "columns": [label for _, label, _ in columns], "rows": rows}


def _cell(value: Any, show: Callable[[Any], str]) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return HIDDEN if show is _count else NOT_EVALUATED
    return show(value)


def _count(value: Any) -> str:
    return f"{int(value)}"
