"""Side effects: Table 3, blood counts, and what blinatumomab did."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.reconstruct.draws import Patients, choose, deal, empty, numbers_with

__all__ = ["GRADES", "add_blood_counts", "add_toxicity"]

GRADES: dict[str, tuple[int, int, int]] = {
    "infections": (49, 17, 7),
    "hyperglycemia": (21, 4, 0),
    "pain": (19, 0, 0),
    "hemorrhage": (14, 1, 2),
    "lft": (13, 2, 0),
    "hypokalemia": (11, 4, 0),
    "bilirubin": (10, 2, 0),
    "cardiac": (10, 0, 1),
    "neurotoxicity": (9, 2, 0),
    "headache": (9, 0, 0),
    "fatigue": (5, 0, 0),
    "constipation": (5, 0, 0),
    "mucositis": (5, 0, 0),
    "sos": (2, 0, 2),
    "nausea": (3, 1, 0),
    "hyponatremia": (2, 1, 0),
    "thrombosis": (3, 0, 0),
    "muscle_weakness": (3, 0, 0),
    "hypoalbuminemia": (3, 0, 0),
    "hypophosphatemia": (3, 0, 0),
    "diarrhea": (2, 0, 0),
    "neuropathy": (2, 0, 0),
    "pancreatitis": (2, 0, 0),
    "aki": (2, 0, 0),
    "hypercalcemia": (2, 0, 0),
    "hypocalcemia": (2, 0, 0),
}
"""Patients with grade 3, 4 and 5, by toxicity."""


def add_toxicity(rng: np.random.Generator, people: Patients) -> None:
    """Add the worst grade of each toxicity of Table 3, and four events under blinatumomab.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With causes of death, SOS and blinatumomab; columns are added.
    """
    n = people["arm"].size
    everyone = np.ones(n, dtype=bool)
    fatal = _fatal_grades(rng, people)
    for name, (third, fourth, fifth) in GRADES.items():
        grade = np.full(n, None, dtype=object)
        deal(rng, grade, fatal.get(name, everyone), {5: fifth})
        allowed = people["sos"] & people["sct"] if name == "sos" else everyone
        deal(rng, grade, allowed, {4: fourth, 3: third})
        grade[empty(grade)] = 0
        people[f"ae_{name}_grade"] = grade
    timing = people["ae_sos_timing"] = np.full(n, None, dtype=object)
    graded = people["ae_sos_grade"] == 5
    timing[graded & people["sct"]] = "post_sct"
    timing[graded & ~people["sct"]] = "pre_sct"
    _under_blinatumomab(rng, people)


def _fatal_grades(rng: np.random.Generator, people: Patients) -> dict[str, NDArray[np.bool_]]:
    """Say who died of what: each patient of one toxicity."""
    early, late = people["early_death_cause"], people["death_in_cr_cause"]
    other = ~people["alive"] & empty(early) & empty(late) & ~people["sos"]
    infections = (early == "infection") | (late == "infection")
    fatal = {"infections": infections, "hemorrhage": early == "ich"}
    fatal["cardiac"] = np.zeros(infections.size, dtype=bool)
    for mask, one in zip(fatal.values(), choose(rng, other, 3), strict=True):
        mask[one] = True
    fatal["sos"] = early == "sos"
    direct = (people["sos_fatal_kind"] == "direct") & people["sct"]
    fatal["sos"] = fatal["sos"] | direct
    return fatal


def _under_blinatumomab(rng: np.random.Generator, people: Patients) -> None:
    on_study = people["blina_on_study"] == True  # noqa: E712
    events = {
        "blina_stopped_ae": None,
        "blina_confusion_g3": "ae_neurotoxicity_grade",
        "blina_lft_g3": "ae_lft_grade",
        "blina_crs_g2": None,
        "blina_irr_no_reescalation": None,
    }
    for name, graded in events.items():
        people[name] = np.full(on_study.size, None, dtype=object)
        people[name][on_study] = False
        if name == "blina_stopped_ae":
            continue
        among = on_study if graded is None else on_study & (people[graded] == 3)
        people[name][choose(rng, among, 1)] = True


def add_blood_counts(rng: np.random.Generator, people: Patients) -> None:
    """Add prolonged thrombocytopenia and days to recovery.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With courses; columns are added.
    """
    n = people["arm"].size
    later = people["n_courses"] >= 2
    before = people["arm"] == "before"
    low = np.zeros(n, dtype=bool)
    for arm, count in ((before, 57), (~before, 22)):
        low[choose(rng, arm, count, prefer=later.astype(float))] = True
    kind = np.full(n, None, dtype=object)
    kind[low & ~later] = "induction"
    deal(rng, kind, low, {"induction": 31 - int((low & ~later).sum()), "later": 29, "both": 19})
    people["tcp_induction"] = (kind == "induction") | (kind == "both")
    people["tcp_later"] = np.full(n, None, dtype=object)
    people["tcp_later"][later] = ((kind == "later") | (kind == "both"))[later]
    treated = people["response"] != "ED"
    for name, among, count, (lowest, median, highest) in (
        ("plt", treated, 81, (11, 23, 45)),
        ("anc", treated, 95, (8, 16, 38)),
    ):
        _recover(rng, people, f"{name}_%s_c1", among, count, (lowest, median, highest))
    _recover(rng, people, "plt_%s_sub", later & treated, 61, (10, 22, 44))
    _recover(rng, people, "anc_%s_sub", later & treated, 71, (9, 17, 36))
    _recover(rng, people, "plt_%s_any", before & treated, 47, (12, 26, 38))
    _recover(rng, people, "plt_%s_any", ~before & treated, 37, (0, 24, 31))


def _recover(
    rng: np.random.Generator,
    people: Patients,
    names: str,
    among: NDArray[np.bool_],
    count: int,
    days: tuple[int, int, int],
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
