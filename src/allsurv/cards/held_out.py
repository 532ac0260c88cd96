"""Tables of a card on groups of patients left out in turn."""

from __future__ import annotations

from allsurv.cards.about import item
from allsurv.cards.quotes import Quoter, Tree
from allsurv.validation.catalogue import find_measure

__all__ = ["external_item", "held_out_tables"]


def external_item(quote: Quoter) -> Tree:
    """Say whether models were measured on other patients."""
    is_external = quote.results["config"]["validation"].get("plan") == "external"
    said = [quote("text", "/statements/validation")] if is_external else []
    return item("external", "External validation", *said)


def held_out_tables(quote: Quoter) -> list[Tree]:
    """Make the tables of the recommended model: over groups, then the headline in each of them."""
    chosen, tables = quote.results["chosen"], quote.results["tables"]
    groups = [
        row
        for row in quote.rows("held_out", model=chosen)
        if find_measure(tables["held_out"][row]["measure"]).headline
    ]
    if not groups:
        return []
    over = [
        row
        for row in quote.rows("performance", model=chosen)
        if tables["performance"][row].get("prediction_lower") is not None
    ]
    mean = [
        ("Measure", "text", ("label",)),
        ("Horizon", "text", ("horizon",)),
        ("Mean over groups", "interval3", ("estimate", "lower", "upper")),
        ("Lowest in a further group", "number3", ("prediction_lower",)),
        ("Highest", "number3", ("prediction_upper",)),
        ("Groups", "text", ("n_resamples",)),
    ]
    each = [
        ("Group", "text", ("group_label",)),
        ("Measure", "text", ("label",)),
        ("Horizon", "text", ("horizon",)),
        ("Patients", "count", ("n",)),
        ("Events", "count", ("n_events",)),
        ("Estimate", "interval3", ("estimate", "lower", "upper")),
    ]
    caption = "Recommended model over groups left out in turn, with 95% prediction interval"
    summary = quote.table("performance", mean, caption=caption, rows=over, n_labels=2)
    caption = "Recommended model in each group that was left out"
    inside = quote.table("held_out", each, caption=caption, rows=groups, n_labels=3)
    return [summary, inside] if over else [inside]
