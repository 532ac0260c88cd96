"""What happens under treatment: response, relapse, transplant, blinatumomab, courses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.rr_all.survival import MONTH, SECOND_COURSE
from allsurv.reconstruct.search.draws import (
    Patients,
    choose,
    deal,
    place_below,
)

__all__ = [
    "add_blinatumomab",
    "add_courses",
    "add_response",
    "add_transplant",
    "describe_blinatumomab",
]

N_COURSES = {1: 25, 2: 35, 3: 18, 4: 14, 5: 6, 6: 4, 7: 2, 8: 6}
BLINATUMOMAB_COURSES = {3: 7, 2: 10, 1: 14}
DONORS = ("cord", "haplo", "mud", "mrd")


def _blank(people: Patients) -> NDArray[np.object_]:
    return np.full(people["arm"].size, None, dtype=object)


def _nothing(people: Patients) -> NDArray[np.float64]:
    return np.full(people["arm"].size, np.nan)


def add_response(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add response, relapse, deaths in remission, early deaths and cytogenetic response."""
    responder = people["course"] == "responder"
    days = people["time_to_response_days"] = np.round(people["response_at"] * MONTH)
    people["response_after_c1"] = _blank(people)
    people["response_after_c1"][responder] = days[responder] < SECOND_COURSE
    relapsed = ~np.isnan(people["relapse_at"])
    people["relapse"] = _blank(people)
    people["relapse"][responder] = relapsed[responder]
    until = np.where(relapsed, people["relapse_at"], people["os_months"])
    people["rfs_months"] = np.floor((until - people["response_at"]) * 100 + 0.5) / 100
    _name_causes(rng, people, printed)
    died = people["course"] == "early death"
    people["early_death_day"] = np.where(died, np.round(people["os_months"] * MONTH), np.nan)
    abnormal = ~np.isin(people["karyotype"].astype(str), ("diploid", "im_nd"))
    seen = {"cyto_resp_evaluable": True}
    evaluable = np.zeros(responder.size, dtype=bool)
    evaluable[choose(rng, responder & abnormal, printed.count({}, seen))] = True
    people["cyto_resp_evaluable"] = evaluable
    people["ccyr"] = _blank(people)
    complete = printed.count({"ccyr": True}, seen)
    rest = int(evaluable.sum()) - complete
    deal(rng, people["ccyr"], evaluable, {True: complete, False: rest})


def _name_causes(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Name the causes of the listed deaths in remission; the liver's was after transplantation."""
    in_cr = people["death_in_cr_listed"].astype(bool)
    people["death_in_cr_listed"] = in_cr
    causes = people["death_in_cr_cause"] = _blank(people)
    listed = {"death_in_cr_listed": True}
    counts: dict[object, int] = {
        cause: printed.count({"death_in_cr_cause": cause}, listed)
        for cause in ("liver", "infection", "unknown")
    }
    counts["lost_in_cut"] = int(in_cr.sum()) - sum(counts.values())
    grafted = in_cr & people["sct"].astype(bool)
    deal(rng, causes, grafted, {"liver": counts.pop("liver")})
    deal(rng, causes, in_cr, counts)


def add_transplant(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add donors and the time from the last inotuzumab."""
    sct, before = people["sct"].astype(bool), people["arm"] == "before"
    people["sct_donor"] = _blank(people)
    donors = {d: printed.count({"sct_donor": d}, {"sct": True}) for d in DONORS}
    deal(rng, people["sct_donor"], sct, donors)
    # Course 1 comes first: at most one week less than the time to transplantation.
    room = people["time_to_sct_months"] * MONTH / 7 - 1
    weeks = people["last_ino_to_sct_weeks"] = _nothing(people)
    for arm, here in (("before", sct & before), ("after", sct & ~before)):
        median = printed.median("last_ino_to_sct_weeks", {"arm": arm, "sct": True})
        weeks[here] = _last_doses(rng, room[here], median)


def _last_doses(
    rng: np.random.Generator, room: NDArray[np.float64], median: float
) -> NDArray[np.float64]:
    """Weeks with a given median, each within its room: those with least room take the shortest."""
    order = np.argsort(room, kind="stable")
    n = room.size
    weeks = np.empty(n)
    for rank, patient in enumerate(order):
        most = np.floor(room[patient])
        least = 1.0 if rank < (n - 1) // 2 else median
        if (n - 1) // 2 <= rank <= n // 2:
            weeks[patient] = median
            continue
        most = min(most, median) if rank < n // 2 else min(most, 2 * median)
        weeks[patient] = np.round(max(least, 3.0, most * (0.6 + 0.4 * rng.random())))
        weeks[patient] = min(weeks[patient], max(most, least))
    return weeks


def add_blinatumomab(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add who received blinatumomab, and when, as the search starts from it."""
    after, time = people["arm"] == "after", people["os_months"]
    received = people["tp53_survivor"].copy()
    possible = (time > 3.0) & (people["fate"] != "brief_response")
    for arm, here in (("after", after), ("before", ~after)):
        count = printed.count({"blina_received": True}, {"arm": arm}) - int((received & here).sum())
        received[choose(rng, possible & here & ~received, count)] = True
    people["blina_received"] = received
    median = printed.median("time_to_blina_months", {"blina_received": True})
    half = int(received.sum()) // 2 - 1
    early, late = rng.random(half - 1), rng.random(int(received.sum()) - half - 3)
    months = np.concatenate(
        [[0.9], 1.0 + (median - 1.1) * early, [median] * 2, median + 0.1 + 2.4 * late**1.5, [7.1]]
    )
    limit = np.fmin(time - 0.3, people["time_to_sct_months"] + 0.5)[received]
    people["time_to_blina_months"] = _nothing(people)
    people["time_to_blina_months"][received] = place_below(rng, np.round(months, 1).tolist(), limit)


def describe_blinatumomab(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add whether blinatumomab was given on study or off it, and how many courses."""
    after, received = people["arm"] == "after", people["blina_received"].astype(bool)
    people["blina_received"] = received
    off = received & ~after
    # Whoever did not respond, or relapsed, was more readily taken off study.
    failed = ((people["course"] != "responder") | ~np.isnan(people["relapse_at"])).astype(float)
    taken_off = printed.count({"blina_on_study": False}, {"arm": "after", "blina_received": True})
    off[choose(rng, received & after, taken_off, prefer=failed, sharpness=3.0)] = True
    people["blina_on_study"] = _blank(people)
    people["blina_on_study"][received] = ~off[received]
    people["blina_courses"] = _blank(people)
    all_four = printed.count({"blina_courses": 4}, {"arm": "after"})
    # Four courses take half a year.
    able = received & after & (people["os_months"] > people["time_to_blina_months"] + 5)
    deal(rng, people["blina_courses"], able, {4: all_four})
    for courses, count in BLINATUMOMAB_COURSES.items():
        deal(rng, people["blina_courses"], received & (after | (courses < 3)), {courses: count})


def add_courses(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add courses of treatment, more for those treated longer."""
    n = people["arm"].size
    stay = np.fmin(np.fmin(people["os_months"], people["time_to_sct_months"]), 9.0)
    needed = np.nan_to_num(people["sos_after_courses"].astype(float))
    # A later response takes a later course.
    later = people["response_after_c1"] == False  # noqa: E712
    key = stay + 3.0 * rng.random(n) + 9.0 * ((needed > 1) | later)
    key -= 20.0 * (people["response"] == "ED")
    courses = np.repeat(list(N_COURSES), list(N_COURSES.values()))
    people["n_courses"] = np.empty(n, dtype=int)
    people["n_courses"][np.argsort(key, kind="stable")] = courses
    ino = np.minimum(people["n_courses"], 1 + (3 * rng.random(n)).astype(int))
    full = np.zeros(n, dtype=bool)
    all_four = printed.count({"ino_courses": 4})
    full[choose(rng, people["n_courses"] >= 4, all_four, prefer=needed)] = True
    ino[full] = 4
    people["ino_courses"] = ino
