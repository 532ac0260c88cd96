"""What happens under treatment: response, relapse, blinatumomab, courses, SOS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.reconstruct.baseline import SOS_AGES
from allsurv.cohort.reconstruct.draws import (
    Patients,
    choose,
    deal,
    numbers_with,
    place_below,
)
from allsurv.cohort.reconstruct.survival import MONTH

__all__ = ["add_blinatumomab", "add_courses", "add_response", "add_sos", "add_transplant"]

Mask = NDArray[np.bool_]
N_COURSES = {1: 25, 2: 35, 3: 18, 4: 14, 5: 6, 6: 4, 7: 2, 8: 6}
BLINATUMOMAB_COURSES = {4: 5, 3: 7, 2: 10, 1: 14}
SOS_COURSES = (1, 1, 2, 3, 3, 3, 3, 4, 4, 4)


def _blank(people: Patients) -> NDArray[np.object_]:
    return np.full(people["arm"].size, None, dtype=object)


def _nothing(people: Patients) -> NDArray[np.float64]:
    return np.full(people["arm"].size, np.nan)


def _responder(people: Patients) -> Mask:
    return np.isin(people["response"].astype(str), ("CR", "CRp", "CRi"))


def add_response(rng: np.random.Generator, people: Patients) -> None:
    """Add time to response, relapse, deaths in remission, early deaths and cytogenetic response.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With survival and transplant; columns are added.
    """
    responder = _responder(people)
    window = np.fmin(people["os_months"], people["time_to_sct_months"])
    slow = np.zeros(responder.size, dtype=bool)
    slow[choose(rng, responder & (window > 4.8), 18)] = True
    fast = responder & ~slow
    days = _nothing(people)
    # 73 after course 1: the 46th of all 91 is day 27.
    early = np.concatenate([[12], 15 + 12 * rng.random(44), [27], 27 + 13 * rng.random(27)])
    days[fast] = np.round(early[np.argsort(rng.random(73), kind="stable")])
    late = np.append(42 + 70 * rng.random(17) ** 1.5, 134)
    days[slow] = np.round(late[np.argsort(rng.random(18), kind="stable")])
    people["time_to_response_days"] = days
    people["response_after_c1"] = _blank(people)
    people["response_after_c1"][responder] = fast[responder]
    _relapses(rng, people, responder)
    died = people["fate"] == "early_death"
    people["early_death_day"] = np.where(died, np.round(people["os_months"] * MONTH), np.nan)
    abnormal = ~np.isin(people["karyotype"].astype(str), ("diploid", "im_nd"))
    evaluable = np.zeros(responder.size, dtype=bool)
    evaluable[choose(rng, responder & abnormal, 39)] = True
    people["cyto_resp_evaluable"] = evaluable
    people["ccyr"] = _blank(people)
    deal(rng, people["ccyr"], evaluable, {False: 3, True: 36})


def _relapses(rng: np.random.Generator, people: Patients, responder: Mask) -> None:
    """48 relapses, after transplant where there was one; 9 deaths in remission."""
    fate, dead = people["fate"], ~people["alive"]
    in_cr = np.zeros(responder.size, dtype=bool)
    in_cr[choose(rng, (fate == "sct_died") & (people["os_months"] < 25), 7)] = True
    in_cr[choose(rng, fate == "brief_response", 2)] = True
    people["death_in_cr_listed"] = in_cr
    people["death_in_cr_cause"] = _blank(people)
    grafted = in_cr & people["sct"]
    deal(rng, people["death_in_cr_cause"], grafted, {"liver": 1})
    rest = {"infection": 2, "unknown": 4, "lost_in_cut": 2}
    deal(rng, people["death_in_cr_cause"], in_cr, rest)
    relapsed = responder & ~people["alive_in_cr"] & ~in_cr
    people["relapse"] = _blank(people)
    people["relapse"][responder] = relapsed[responder]
    response = people["time_to_response_days"] / MONTH
    whole = people["os_months"] - response
    first = np.fmax(people["time_to_sct_months"] - response, 0.0)
    share = np.where(dead, 0.15 + 0.5 * rng.random(dead.size), 0.1 + 0.2 * rng.random(dead.size))
    until = np.where(relapsed, first + (whole - first) * share, whole)
    people["rfs_months"] = np.where(responder, np.round(until, 2), np.nan)


def add_transplant(rng: np.random.Generator, people: Patients) -> None:
    """Add donors and the time from the last inotuzumab.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With transplants; columns are added.
    """
    sct, before = people["sct"], people["arm"] == "before"
    people["sct_donor"] = _blank(people)
    deal(rng, people["sct_donor"], sct, {"cord": 2, "haplo": 16, "mud": 17, "mrd": 18})
    room = people["time_to_sct_months"] * MONTH / 7 - 1
    weeks = _nothing(people)
    short = numbers_with(rng, 29, lambda p: 4 + 6 * p, low=3, median=7, high=14)
    weeks[sct & before] = place_below(rng, short.tolist(), room[sct & before])
    long = np.sort(room[sct & ~before] * (0.75 + 0.2 * rng.random(24)))
    long = np.round(np.concatenate([long[:11].clip(1, 14), [14, 14], long[13:].clip(14)]))
    weeks[sct & ~before] = place_below(rng, long.tolist(), room[sct & ~before] + 1)
    people["last_ino_to_sct_weeks"] = weeks


def add_blinatumomab(rng: np.random.Generator, people: Patients) -> None:
    """Add who received blinatumomab, when, on study or off it, and how much.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With survival; columns are added.
    """
    after, time = people["arm"] == "after", people["os_months"]
    survivor = people["tp53_survivor"] | (people["fate"] == "no_response_alive")
    received = survivor.copy()
    possible = (time > 3.0) & (people["fate"] != "brief_response") & ~received
    received[choose(rng, possible & after, 32 - int(survivor.sum()))] = True
    received[choose(rng, possible & ~after, 4)] = True
    people["blina_received"] = received
    off = (received & ~after) | (people["fate"] == "no_response_alive")
    off[choose(rng, received & after & ~off & ~people["tp53_survivor"], 1)] = True
    people["blina_on_study"] = _blank(people)
    people["blina_on_study"][received] = ~off[received]
    months = np.concatenate(
        [[0.9], 1.0 + 0.9 * rng.random(16), [2.0, 2.0], 2.1 + 2.4 * rng.random(16) ** 1.5, [7.1]]
    )
    limit = np.fmin(time, people["time_to_sct_months"] + 0.5)[received]
    people["time_to_blina_months"] = _nothing(people)
    people["time_to_blina_months"][received] = place_below(rng, np.round(months, 1).tolist(), limit)
    people["blina_courses"] = _blank(people)
    for courses, count in BLINATUMOMAB_COURSES.items():
        deal(rng, people["blina_courses"], received & (after | (courses < 3)), {courses: count})


def add_courses(rng: np.random.Generator, people: Patients) -> None:
    """Add courses of treatment, more for those treated longer.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With survival, transplant and SOS; columns are added.
    """
    n = people["arm"].size
    stay = np.fmin(np.fmin(people["os_months"], people["time_to_sct_months"]), 9.0)
    needed = np.nan_to_num(people["sos_after_courses"].astype(float))
    key = stay + 3.0 * rng.random(n) + 9.0 * (needed > 1) - 20.0 * (people["response"] == "ED")
    courses = np.repeat(list(N_COURSES), list(N_COURSES.values()))
    people["n_courses"] = np.empty(n, dtype=int)
    people["n_courses"][np.argsort(key, kind="stable")] = courses
    ino = np.minimum(people["n_courses"], 1 + (3 * rng.random(n)).astype(int))
    full = np.zeros(n, dtype=bool)
    full[choose(rng, people["n_courses"] >= 4, 21, prefer=needed)] = True
    ino[full] = 4
    people["ino_courses"] = ino


def add_sos(rng: np.random.Generator, people: Patients) -> None:
    """Add the ten patients with SOS: their age, courses, conditioning and death.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With fates; columns are added and ages exchanged within the arm.
    """
    before, salvage, sct = people["arm"] == "before", people["salvage"], people["sct"]
    dead, fate = ~people["alive"], people["fate"]
    sos = np.zeros(sct.size, dtype=bool)
    early = choose(rng, (fate == "early_death") & (salvage == 2), 1)
    graft_dead = before & (fate == "sct_died")
    soon = -0.2 * people["os_months"]
    sos[early] = True
    sos[choose(rng, before & (fate == "brief_response") & (salvage == 3), 1)] = True
    sos[choose(rng, before & (fate == "brief_response") & (salvage == 1), 1)] = True
    for line, count in ((1, 3), (2, 1), (3, 1)):
        sos[choose(rng, graft_dead & (salvage == line), count, prefer=soon)] = True
    sos[choose(rng, before & (fate == "sct_alive") & (salvage == 1), 1)] = True
    sos[choose(rng, ~before & (fate == "sct_died") & (salvage == 1), 1)] = True
    people["sos"] = sos
    people["sos_fatal"] = _blank(people)
    people["sos_fatal"][sos] = dead[sos]
    people["sos_fatal_kind"] = _blank(people)
    people["sos_fatal_kind"][sos & dead & ~sct] = "direct"
    kinds = {"direct": 1, "post_sct_complications": 5}
    deal(rng, people["sos_fatal_kind"], sos & dead & sct, kinds)
    people["sos_conditioning"] = _blank(people)
    regimens = {"clo_bu": 3, "flu_mel": 1, "flu_bu": 1, "tbi_vp16": 1, "unstated": 1}
    deal(rng, people["sos_conditioning"], sos & sct, regimens)
    stay = np.fmin(people["os_months"], people["time_to_sct_months"])
    people["sos_after_courses"] = _nothing(people)
    order = np.flatnonzero(sos)[np.argsort(stay[sos], kind="stable")]
    people["sos_after_courses"][order] = SOS_COURSES
    for arm, ages in zip((before, ~before), SOS_AGES, strict=True):
        _give_ages(people["age"], np.flatnonzero(sos & arm), np.flatnonzero(arm), ages)
    causes = people["early_death_cause"] = _blank(people)
    causes[early] = "sos"
    deal(rng, causes, fate == "early_death", {"infection": 4, "ich": 1, "unknown": 1})


def _give_ages(
    age: NDArray[np.float64], who: NDArray[np.intp], arm: NDArray[np.intp], ages: tuple[float, ...]
) -> None:
    """Exchange ages within the arm so that these patients have these."""
    done: set[int] = set()
    for patient, wanted in zip(who.tolist(), ages, strict=True):
        holder = next(i for i in arm.tolist() if age[i] == wanted and i not in done)
        age[holder], age[patient] = age[patient], wanted
        done.add(patient)
