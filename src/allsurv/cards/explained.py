"""Sections of a card on what was corrected and what is used: optimism, importance, direction."""

from __future__ import annotations

from allsurv.cards.about import item, section
from allsurv.cards.quotes import Quoter, Tree

__all__ = ["make_explanation", "optimism_item", "optimism_tables"]

IMPORTANCE_LIMITS = (
    "Limits: 2.5th and 97.5th percentile of the refits of the whole pipeline on patients drawn "
    "with replacement. Loss of Harrell's C is that among the patients left out of a refit when the "
    "predictor is shuffled."
)


def make_explanation(quote: Quoter) -> Tree:
    """Make the section on what moves the recommended model, over the whole cohort."""
    chosen = quote.results["chosen"]
    rows, ways = quote.rows("importance", model=chosen), quote.rows("directions", model=chosen)
    return section(
        "explanation",
        "Explanation",
        text=[["How far each predictor moves the risk score, on average over the cohort."]]
        + [[IMPORTANCE_LIMITS]] * _has(quote, rows, "lower"),
        items=[_directions_item(quote, ways)],
        tables=_importance(quote, rows) + _directions(quote, ways),
        figures=["importance"] if rows else [],
    )


def optimism_item(quote: Quoter) -> Tree:
    """Say whether the recommended model was validated by bootstrap."""
    rows = quote.rows("optimism", model=quote.results["chosen"])
    said = quote.cell("text", "optimism", rows[0], "n_resamples") if rows else None
    return item("optimism", "Bootstrap samples behind corrections for optimism", said)


def optimism_tables(quote: Quoter) -> list[Tree]:
    """Make the table of bootstrap validation."""
    columns = [
        ("Model", "text", ("model_label",)),
        ("Measure", "text", ("label",)),
        ("Horizon", "text", ("horizon",)),
        ("Apparent", "number3", ("apparent",)),
        ("Optimism", "number3", ("optimism",)),
        ("Corrected", "interval3", ("estimate", "lower", "upper")),
        (".632+", "number3", ("estimate_632plus",)),
    ]
    if not quote.rows("optimism"):
        return []
    caption = "Bootstrap validation: the whole pipeline refitted in each sample"
    return [quote.table("optimism", columns, caption=caption, n_labels=3)]


def _importance(quote: Quoter, rows: list[int]) -> list[Tree]:
    columns: list[tuple[str, str, tuple[str, ...]]] = [
        ("Predictor", "text", ("label",)),
        ("Rank", "text", ("rank",)),
        ("Mean |SHAP| of the risk score", "number3", ("mean_abs_shap",)),
    ]
    if _has(quote, rows, "lower"):
        columns.append(("Share of all", "interval", ("share", "lower", "upper")))
    if _has(quote, rows, "permutation"):
        permuted = ("permutation", "permutation_lower", "permutation_upper")
        columns.append(("Loss of Harrell's C", "interval3", permuted))
    caption = "Importance of each predictor"
    return [quote.table("importance", columns, caption=caption, rows=rows)] if rows else []


def _directions(quote: Quoter, rows: list[int]) -> list[Tree]:
    columns = [
        ("Predictor", "text", ("label",)),
        ("Term", "text", ("term",)),
        ("Cox regression: risk is", "text", ("cox",)),
        ("This model: risk is", "text", ("direction",)),
        ("Sign", "agreement", ("agrees",)),
    ]
    caption = "Direction of each predictor, larger against smaller, beside Cox regression"
    shown = quote.table("directions", columns, caption=caption, rows=rows, n_labels=2)
    return [shown] if rows else []


def _directions_item(quote: Quoter, rows: list[int]) -> Tree:
    refs = [f"/tables/directions/{row}/agrees" for row in rows]
    said = quote("agreeing", *refs) if rows else None
    return item("directions", "Terms with the sign of Cox regression", said)


def _has(quote: Quoter, rows: list[int], column: str) -> bool:
    table = quote.results["tables"].get("importance", [])
    return any(table[row].get(column) is not None for row in rows)
