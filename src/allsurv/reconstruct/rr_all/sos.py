"""The patients with sinusoidal obstruction syndrome, and the causes of early death."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from allsurv.reconstruct.rr_all.numbers import SOS_AGES
from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.search.draws import Patients, deal

__all__ = ["add_sos"]

SOS_COURSES = (1, 1, 2, 3, 3, 3, 3, 4, 4, 4)
CONDITIONING = ("clo_bu", "flu_mel", "flu_bu", "tbi_vp16")
ED_CAUSES = ("infection", "ich", "unknown")


def add_sos(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add the patients with SOS: their age, courses, conditioning and death."""
    before, sct = people["arm"] == "before", people["sct"].astype(bool)
    dead = ~people["alive"].astype(bool)
    early = people["course"] == "early death"
    causes = people["early_death_cause"] = np.full(sct.size, None, dtype=object)
    sos = people["sos"] = _choose_sos(rng, people, printed)
    causes[sos & early] = "sos"
    counts = {c: printed.count({"early_death_cause": c}, {"response": "ED"}) for c in ED_CAUSES}
    deal(rng, causes, early, counts)
    people["sos_fatal"] = np.full(sct.size, None, dtype=object)
    people["sos_fatal"][sos] = dead[sos]
    _kinds_of_death(rng, people, sos & dead, printed)
    people["sos_conditioning"] = np.full(sct.size, None, dtype=object)
    among = {"sos": True, "sct": True}
    regimens: dict[Any, int] = {
        r: printed.count({"sos_conditioning": r}, among) for r in CONDITIONING
    }
    regimens["unstated"] = printed.count({}, among) - sum(regimens.values())
    deal(rng, people["sos_conditioning"], sos & sct, regimens)
    stay = np.fmin(people["os_months"], people["time_to_sct_months"])
    people["sos_after_courses"] = np.full(sct.size, np.nan)
    order = np.flatnonzero(sos)[np.argsort(stay[sos], kind="stable")]
    people["sos_after_courses"][order] = SOS_COURSES
    for arm, ages in zip((before, ~before), SOS_AGES, strict=True):
        _give_ages(people["age"], np.flatnonzero(sos & arm), np.flatnonzero(arm), ages)


def _kinds_of_death(
    rng: np.random.Generator, people: Patients, fatal: NDArray[np.bool_], printed: Printed
) -> None:
    """Without a transplant SOS itself was the cause; the others by count."""
    sct = people["sct"].astype(bool)
    kinds = people["sos_fatal_kind"] = np.full(sct.size, None, dtype=object)
    direct = printed.count({"sos_fatal": True, "sos_fatal_kind": "direct"}, {"sos": True})
    kinds[fatal & ~sct] = "direct"
    deal(rng, kinds, fatal & sct, {"direct": direct - int((fatal & ~sct).sum())})
    kinds[fatal & (kinds == None)] = "post_sct_complications"  # noqa: E711


def _choose_sos(rng: np.random.Generator, people: Patients, printed: Printed) -> NDArray[np.bool_]:
    """Choose by transplant, arm and line as counted, all but one of them dead, and soon.

    One 0 or 1 per patient, sums by kind and by line of treatment given, earliest deaths first.
    """
    sct, dead = people["sct"].astype(bool), ~people["alive"].astype(bool)
    before, early = people["arm"] == "before", people["course"] == "early death"
    responder = people["course"] == "responder"
    n, n_after, fatal = (
        printed.count(event, among)
        for event, among in (
            ({}, {"sos": True}),
            ({"sos": True}, {"arm": "after"}),
            ({"sos_fatal": True}, {"sos": True}),
        )
    )
    grafted = printed.count({"sos": True}, {"sct": True})
    one = printed.count({"early_death_cause": "sos"}, {"response": "ED"})
    wanted = [
        (~before & sct & dead, n_after),
        (early, one),
        (before & responder & dead & ~sct, printed.count({"sos": True}, {"sct": False}) - one),
        (before & sct & ~dead, n - fatal),
        (before & sct & dead, grafted - n_after - (n - fatal)),
    ]
    wanted += [
        (people["salvage"] == line, printed.count({"salvage": line}, {"sos": True}))
        for line in (1, 2, 3)
    ]
    candidates = np.any([group for group, _ in wanted[:5]], axis=0)
    sums, counts = np.array([group for group, _ in wanted]), [count for _, count in wanted]
    chosen = milp(
        people["os_months"] + 10.0 * rng.random(sct.size),
        constraints=LinearConstraint(sums.astype(float), counts, counts),
        integrality=1,
        bounds=Bounds(0, candidates.astype(float)),
    )
    if chosen.x is None:
        raise ValueError("add_sos: no choice of patients meets the printed counts.")
    return np.asarray(chosen.x > 0.5)


def _give_ages(
    age: NDArray[np.float64], who: NDArray[np.intp], arm: NDArray[np.intp], ages: tuple[float, ...]
) -> None:
    """Exchange ages within the arm so that these patients have these."""
    done: set[int] = set()
    for patient, wanted in zip(who.tolist(), ages, strict=True):
        holder = next(i for i in arm.tolist() if age[i] == wanted and i not in done)
        age[holder], age[patient] = age[patient], wanted
        done.add(patient)
