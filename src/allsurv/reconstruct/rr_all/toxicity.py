"""Side effects: Table 3, blood counts, and what blinatumomab did."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.reconstruct.rr_all.printed import Printed, Spread
from allsurv.reconstruct.search.draws import Patients, choose, deal, empty, numbers_with

__all__ = ["GRADED", "add_blood_counts", "add_toxicity"]

GRADED = (
    "infections",
    "hyperglycemia",
    "pain",
    "hemorrhage",
    "lft",
    "hypokalemia",
    "bilirubin",
    "cardiac",
    "neurotoxicity",
    "headache",
    "fatigue",
    "constipation",
    "mucositis",
    "sos",
    "nausea",
    "hyponatremia",
    "thrombosis",
    "muscle_weakness",
    "hypoalbuminemia",
    "hypophosphatemia",
    "diarrhea",
    "neuropathy",
    "pancreatitis",
    "aki",
    "hypercalcemia",
    "hypocalcemia",
)
"""Toxicities of Table 3."""
UNDER_BLINATUMOMAB = {
    "blina_stopped_ae": None,
    "blina_confusion_g3": "ae_neurotoxicity_grade",
    "blina_lft_g3": "ae_lft_grade",
    "blina_crs_g2": None,
    "blina_irr_no_reescalation": None,
}
"""What happened once under blinatumomab, and the column whose grade 3 it is."""


def add_toxicity(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add the worst grade of each toxicity of Table 3, and four events under blinatumomab."""
    n = people["arm"].size
    everyone = np.ones(n, dtype=bool)
    fatal = _fatal_grades(rng, people)
    for name in GRADED:
        column = f"ae_{name}_grade"
        grade = np.full(n, None, dtype=object)
        third, fourth, fifth = (printed.count({column: g}) for g in (3, 4, 5))
        deal(rng, grade, fatal.get(name, everyone), {5: fifth})
        allowed = people["sos"] & people["sct"].astype(bool) if name == "sos" else everyone
        if column in UNDER_BLINATUMOMAB.values():
            deal(rng, grade, people["blina_on_study"] == True, {3: 1})  # noqa: E712
            third -= 1
        deal(rng, grade, allowed, {4: fourth, 3: third})
        grade[empty(grade)] = 0
        people[column] = grade
    timing = people["ae_sos_timing"] = np.full(n, None, dtype=object)
    graded = people["ae_sos_grade"] == 5
    timing[graded & people["sct"].astype(bool)] = "post_sct"
    timing[graded & ~people["sct"].astype(bool)] = "pre_sct"
    _under_blinatumomab(rng, people)


def _fatal_grades(rng: np.random.Generator, people: Patients) -> dict[str, NDArray[np.bool_]]:
    """Say who died of what: each patient of one toxicity."""
    early, late = people["early_death_cause"], people["death_in_cr_cause"]
    other = ~people["alive"].astype(bool) & empty(early) & empty(late) & ~people["sos"]
    infections = (early == "infection") | (late == "infection")
    fatal = {"infections": infections, "hemorrhage": early == "ich"}
    fatal["cardiac"] = np.zeros(infections.size, dtype=bool)
    for mask, one in zip(fatal.values(), choose(rng, other, 3), strict=True):
        mask[one] = True
    fatal["sos"] = early == "sos"
    direct = (people["sos_fatal_kind"] == "direct") & people["sct"].astype(bool)
    fatal["sos"] = fatal["sos"] | direct
    return fatal


def _under_blinatumomab(rng: np.random.Generator, people: Patients) -> None:
    on_study = people["blina_on_study"] == True  # noqa: E712
    for name, graded in UNDER_BLINATUMOMAB.items():
        people[name] = np.full(on_study.size, None, dtype=object)
        people[name][on_study] = False
        if name == "blina_stopped_ae":
            continue
        among = on_study if graded is None else on_study & (people[graded] == 3)
        people[name][choose(rng, among, 1)] = True


def add_blood_counts(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add prolonged thrombocytopenia and days to recovery."""
    later = people["n_courses"] >= 2
    before = people["arm"] == "before"
    _thrombocytopenia(rng, people, later, printed)
    treated = people["response"] != "ED"
    for name, among, count, (lowest, highest) in (
        ("plt_%s_c1", treated, 81, (11, 45)),
        ("anc_%s_c1", treated, 95, (8, 38)),
        ("plt_%s_sub", later & treated, 61, (10, 44)),
        ("anc_%s_sub", later & treated, 71, (9, 36)),
    ):
        days, recovered = name % "recovery_days", name % "recovered"
        median = printed.median(days, {recovered: True})
        _recover(rng, people, name, among, count, Spread(lowest, median, highest))
    for arm, here, count in (("before", before, 47), ("after", ~before, 37)):
        spread = printed.spread("plt_recovery_days_any", {"arm": arm, "plt_recovered_any": True})
        _recover(rng, people, "plt_%s_any", here & treated, count, spread)


def _thrombocytopenia(
    rng: np.random.Generator, people: Patients, later: NDArray[np.bool_], printed: Printed
) -> None:
    n = later.size
    low = np.zeros(n, dtype=bool)
    for arm in ("before", "after"):
        here = people["arm"] == arm
        count = printed.count({"tcp_any": True}, {"arm": arm})
        low[choose(rng, here, count, prefer=later.astype(float))] = True
    in_induction = printed.count({"tcp_induction": True})
    in_later = printed.count({"tcp_later": True}, {"had_later_course": True})
    both = in_induction + in_later - int(low.sum())
    kind = np.full(n, None, dtype=object)
    kind[low & ~later] = "induction"
    counts: dict[object, int] = {
        "induction": in_induction - both - int((low & ~later).sum()),
        "later": in_later - both,
        "both": both,
    }
    deal(rng, kind, low, counts)
    people["tcp_induction"] = (kind == "induction") | (kind == "both")
    people["tcp_later"] = np.full(n, None, dtype=object)
    people["tcp_later"][later] = ((kind == "later") | (kind == "both"))[later]


def _recover(
    rng: np.random.Generator,
    people: Patients,
    names: str,
    among: NDArray[np.bool_],
    count: int,
    days: Spread,
) -> None:
    n = among.size
    flag = people.setdefault(names % "recovered", np.zeros(n, dtype=bool))
    value = people.setdefault(names % "recovery_days", np.full(n, np.nan))
    who = choose(rng, among, count)
    low, median, high = days

    def quantile(p: NDArray[np.float64]) -> NDArray[np.float64]:
        wide = np.where(p < 0.5, median - low, high - median)
        return median + wide * 0.8 * (2 * p - 1)

    drawn = numbers_with(rng, count, quantile, low=low, median=median, high=high)
    flag[who] = True
    value[who] = drawn[np.argsort(rng.random(count), kind="stable")]
