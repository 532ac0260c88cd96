"""What may be exchanged between the patients of ``rr-all``, and what keeps them plausible."""

from __future__ import annotations

from allsurv.reconstruct.search.plan import EndpointTimes, Exchange, Keep, Limit, Nudge, Plan
from allsurv.study.ledger import Population

__all__ = ["PLAN"]

RESPONDERS: Population = {"course": "responder"}
DIED_LATER: Population = {"alive": False, "course": ("responder", "no response")}
OUTCOME = (
    "alive",
    "alive_in_cr",
    "sct",
    "lm4_cohort",
    "death_in_cr_listed",
    "os_months",
    "relapse_at",
    "response_at",
    "time_to_sct_months",
)
MUTATED_ORDER = (9.5, 20.5, 36.0)
"""Months between which the deaths with mutated TP53 have to lie: one order alone prints right."""

PLAN = Plan(
    labels=(
        "arm",
        "salvage",
        "s1_subtype",
        "prior_asct",
        "karyotype",
        "tp53_mut",
        "course",
        "response",
        "mrd_best_neg",
        "mrd_resp_neg",
        "sct",
        "lm4_cohort",
        "alive",
        "alive_in_cr",
        "death_in_cr_listed",
        "blina_received",
    ),
    numbers=(
        "pb_blasts",
        "os_months",
        "relapse_at",
        "response_at",
        "time_to_sct_months",
        "time_to_blina_months",
        "seen_from",
        "seen_until",
    ),
    endpoints={
        "os": EndpointTimes(stop="os_months", dead={"alive": False}),
        "rfs": EndpointTimes(
            stop="os_months", dead={"alive": False}, earlier="relapse_at", origin="response_at"
        ),
    },
    exchanges=(
        Exchange(("pb_blasts",), same=("arm",), often=3.0),
        Exchange(("karyotype",), same=("arm",), often=2.0),
        Exchange(("tp53_mut",), same=("arm",), often=2.0),
        Exchange(("karyotype", "tp53_mut"), same=("arm",)),
        Exchange(("salvage", "s1_subtype", "prior_asct"), same=("arm", "course"), often=2.0),
        Exchange(("mrd_best_neg", "mrd_resp_neg"), RESPONDERS, same=("arm",), often=2.0),
        Exchange(OUTCOME, same=("course",), often=2.0),
        Exchange(("blina_received", "time_to_blina_months"), same=("arm",)),
        Exchange(("os_months",), DIED_LATER, often=2.0),
        Exchange(("os_months",), {"alive": True}),
        Exchange(("seen_from", "seen_until"), same=("arm",), often=0.5),
        Exchange(("response_at",), RESPONDERS, often=0.5),
        Exchange(("time_to_sct_months",), {"sct": True}, often=0.5),
    ),
    nudges=(
        Nudge("os_months", 0.01, 0.3, DIED_LATER, often=5.0),
        Nudge("os_months", 0.1, 0.1, {"alive": True}, often=2.0),
        Nudge("relapse_at", 0.01, 0.3, RESPONDERS, often=3.0),
        Nudge("time_to_sct_months", 0.1, 0.2, {"sct": True}, often=0.5),
        Nudge("pb_blasts", 1.0, 0.2, between_neighbours=True, often=2.0),
    ),
    limits=(
        Limit("os_months", "seen_until"),
        Limit("seen_from", "os_months", among={"alive": True}),
        Limit(None, "os_months", 0.95, among={"course": ("responder", "no response")}),
        Limit("os_months", None, -4.0, among={"course": "responder", "lm4_cohort": False}),
        Limit("response_at", "os_months", 0.2),
        Limit("response_at", "time_to_sct_months", 0.4),
        Limit("response_at", "relapse_at", 0.3),
        Limit("time_to_sct_months", "os_months", 0.3),
        Limit("time_to_sct_months", "relapse_at", 0.5),
        Limit("relapse_at", "os_months", 0.1),
        Limit("relapse_at", "os_months", 1.0, among={"alive": True}),
        Limit("os_months", None, -30.0, among={"death_in_cr_listed": True}),
        Limit("time_to_blina_months", "os_months", 0.2),
        Limit("time_to_blina_months", "time_to_sct_months", -0.5),
    ),
    keeps=(
        Keep({"karyotype": "ho_tr", "tp53_mut": True}),
        *(Keep({"tp53_mut": True, "landmark_month": month}) for month in MUTATED_ORDER),
    ),
    aliases={
        "followup_months": "os_months",
        "pb_blasts": "pb_blasts",
        "time_to_sct_months": "time_to_sct_months",
    },
    events={"sct": "time_to_sct_months"},
)
"""Moves, rules and endpoints of ``rr-all``."""
