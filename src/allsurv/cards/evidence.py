"""Evidence on a card: findings, non-findings and the published equation, held against models."""

from __future__ import annotations

from allsurv.cards.about import section
from allsurv.cards.quotes import Part, Quoter, Tree

__all__ = ["evidence_section"]

FINDINGS = [
    ("Finding", "text", ("label",)),
    ("Model", "text", ("model_label",)),
    ("Published hazard ratio", "ratio", ("published", "published_lower", "published_upper")),
    ("This cohort", "ratio", ("judged", "judged_lower", "judged_upper")),
    ("Ratio of the two", "ratio", ("ratio", "ratio_lower", "ratio_upper")),
    ("Rank by SHAP", "span", ("shap_rank", "shap_rank_lower", "shap_rank_upper")),
    (
        "Rank by permutation",
        "span",
        ("permutation_rank", "permutation_rank_lower", "permutation_rank_upper"),
    ),
    ("Verdict", "text", ("verdict",)),
    ("Why", "text", ("reason",)),
]
NON_FINDINGS = [
    ("Examined, not retained", "text", ("label",)),
    ("Level", "text", ("level",)),
    (
        "Hazard ratio here, added to the published model",
        "ratio",
        ("hazard_ratio", "lower", "upper"),
    ),
    ("Verdict", "text", ("verdict",)),
    ("Why", "text", ("reason",)),
]
EQUATION = [
    ("Question", "text", ("question",)),
    ("Term", "text", ("label",)),
    ("Estimate", "interval", ("estimate", "lower", "upper")),
    ("P", "p", ("p_value",)),
    ("Remark", "text", ("reason",)),
]
ASKED = (
    "Of the published equation: slope of its linear predictor (1 as published), log of observed "
    "over expected events (0 as published), the factor by which each published hazard ratio would "
    "change, and the hazard ratios of further variables with the equation as an offset."
)


def evidence_section(quote: Quoter) -> Tree:
    """Quote everything the study has published beside what cohort and models say of it."""
    if not quote.rows("findings"):
        said = "The study file names no published finding to hold the models against."
        return section("evidence", "Published findings", text=[[said]])
    tables = [
        quote.table("findings", FINDINGS, caption="Each published finding, each model", n_labels=2)
    ]
    if quote.rows("non_findings"):
        caption = "Examined by the publication and not retained"
        tables.append(quote.table("non_findings", NON_FINDINGS, caption=caption, n_labels=2))
    text: list[list[Part]] = [[quote("text", "/statements/findings")]]
    if quote.rows("published_equation"):
        caption = "The published equation, and what these patients add to it"
        tables.append(quote.table("published_equation", EQUATION, caption=caption, n_labels=2))
        text.append([ASKED])
    return section("evidence", "Published findings", text=text, tables=tables, figures=["findings"])
