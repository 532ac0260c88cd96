"""Times to start the search from: when patients were last seen, relapsed and were transplanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.rr_all.strata import RESPONSES
from allsurv.reconstruct.search.draws import Patients, choose, numbers_with, place_below

__all__ = ["MONTH", "SECOND_COURSE", "add_calendar", "add_times"]

MONTH = 30.4375
SECOND_COURSE = 42
"""Day from which a response counts as one to a later course."""
AMENDMENT, LAST_START, DATA_CUT = 51.0, 104.3, 115.4
"""Months after the first patient started, of November 2012: February 2017, July 2021, June 2022."""
EARLY_ACCRUAL = 6.0
"""How much of the accrual after the amendment came early: its survival limits are those of a group
of whom few were followed for less than three years."""
MOST_UNSEEN = 48.0
"""Months that the last visit of the living may lie before the data cut."""
LOST = 0.2
"""Share of patients who may have been lost to follow-up earlier than that."""
SHORTEST_SEEN = 9.5
"""Months of follow-up that the living have at least, to start from."""
DEATHS = {
    "no_response_died": (1.0, 4.0, 30.0),
    "brief_response": (2.1, 3.1, 3.9),
    "sct_died": (4.6, 13.0, 50.0),
    "no_sct_died": (4.6, 11.0, 45.0),
}
"""Lowest, middle and highest month of death to start from, by fate."""
MUTATED_SEEN = (9.2, 20.2)
"""Months after which the two living with mutated TP53 were last seen: transplanted, not."""
MUTATED_DIED = (
    (37.0, 50.0, 1, ("sct_died", "no_sct_died")),
    (21.0, 35.0, 1, ("sct_died", "no_sct_died")),
    (9.8, 19.5, 3, ("sct_died", "no_sct_died", "no_response_died")),
)
"""Between which months later deaths with mutated TP53 lie, how many, and of whom."""


def add_calendar(rng: np.random.Generator, people: Patients) -> None:
    """Add how long each patient can have been followed, given the order of entry."""
    before = people["arm"] == "before"
    started = np.empty(before.size)
    for here, first, last, early in (
        (before, 0.0, AMENDMENT, 1.0),
        (~before, AMENDMENT, LAST_START, EARLY_ACCRUAL),
    ):
        started[here] = np.sort(first + (last - first) * rng.random(int(here.sum())) ** early)
    started[0], started[-1] = 0.0, LAST_START
    people["seen_until"] = np.round(DATA_CUT - started, 1)
    lost = rng.random(before.size) < LOST
    lost |= people["tp53_survivor"]
    people["seen_from"] = np.where(lost, 0.0, people["seen_until"] - MOST_UNSEEN)


def add_times(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add survival, response, relapse and transplant as the search starts from them."""
    fate = people["fate"]
    time = np.fmax(people["seen_until"] - 0.5 - 8.0 * rng.random(fate.size), SHORTEST_SEEN)
    for name, (low, middle, high) in DEATHS.items():
        here = np.flatnonzero(fate == name)
        p = rng.random(here.size)
        spread = np.where(p < 0.5, middle / low, high / middle)
        drawn = middle * spread ** (2 * p - 1)
        time[here] = np.fmin(drawn, people["seen_until"][here] - 0.5)
    early = fate == "early_death"
    days = numbers_with(
        rng,
        int(early.sum()),
        lambda p: 4 + 22 * p,
        **printed.spread("early_death_day", {"response": "ED"})._asdict(),
    )
    time[early] = days[np.argsort(rng.random(days.size), kind="stable")] / MONTH
    _place_mutated(rng, people, time)
    people["os_months"] = np.round(time, 2)
    people["time_to_sct_months"] = _transplants(rng, people, printed)
    _respond(rng, people, printed)
    _relapse(rng, people)


def _place_mutated(rng: np.random.Generator, people: Patients, time: NDArray[np.float64]) -> None:
    """Give those with mutated TP53 the one order of times whose curve prints as 9% (0.8-31).

    Of 19, twelve die, one is last seen alive at 9+ months, three die, one is last seen at 20+, one
    dies, and one dies after month 36.
    """
    mutated = people["tp53_mut"] == True  # noqa: E712
    for grafted, seen in zip((True, False), MUTATED_SEEN, strict=True):
        time[mutated & people["tp53_survivor"] & (people["sct"] == grafted)] = seen
    left = mutated & ~people["tp53_survivor"]
    for first, last, count, fates in MUTATED_DIED:
        possible = left & np.isin(people["fate"], fates) & (people["seen_until"] > last)
        who = choose(rng, possible, count)
        time[who] = first + (last - first) * rng.random(count)
        left[who] = False
    late = left & (time > MUTATED_SEEN[0] - 0.5)
    time[late] = 4.6 + 4.0 * rng.random(int(late.sum()))


def _transplants(
    rng: np.random.Generator, people: Patients, printed: Printed
) -> NDArray[np.float64]:
    """Place transplants well before death or last contact."""
    spread = printed.spread("time_to_sct_months", {"sct": True})
    sct = people["sct"]
    months = numbers_with(rng, int(sct.sum()), _sct_quantile, decimals=1, **spread._asdict())
    at = np.full(sct.size, np.nan)
    at[sct] = place_below(rng, months.tolist(), people["os_months"][sct] - 0.8)
    return at


def _sct_quantile(p: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 2 + 4 * p + 6 * np.maximum(p - 0.5, 0) ** 2
    return found


def _respond(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Let most respond after course 1, the median of all among them, and the rest later."""
    responder = people["course"] == "responder"
    low, median, high = printed.spread("time_to_response_days", {"response": RESPONSES})
    after_first = {"response_after_c1": False}
    n_slow = printed.count(after_first, {"response": RESPONSES})
    window = np.fmin(people["os_months"], people["time_to_sct_months"])
    slow = np.zeros(responder.size, dtype=bool)
    slow[choose(rng, responder & (window > 5.2), n_slow)] = True
    n_fast = int(responder.sum()) - n_slow
    # The middle of all responders is the median; those later than it and fast fill up to n_fast.
    under = responder.sum() // 2 - 1
    first = 15 + (median - 15) * rng.random(int(under))
    rest = median + 13 * rng.random(n_fast - 2 - int(under))
    fast = np.concatenate([[low], first, [median], rest])
    late = np.append(SECOND_COURSE + 70 * rng.random(n_slow - 1) ** 1.5, high)
    days = np.full(responder.size, np.nan)
    days[responder & ~slow] = np.round(fast[np.argsort(rng.random(fast.size), kind="stable")])
    days[slow] = np.round(late[np.argsort(rng.random(late.size), kind="stable")])
    people["response_at"] = days / MONTH


def _relapse(rng: np.random.Generator, people: Patients) -> None:
    """Let all relapse who neither live in remission nor are among the nine deaths in it."""
    fate, dead = people["fate"], ~people["alive"]
    in_cr = np.zeros(fate.size, dtype=bool)
    in_cr[choose(rng, (fate == "sct_died") & (people["os_months"] < 25), 7)] = True
    in_cr[choose(rng, fate == "brief_response", 2)] = True
    people["death_in_cr_listed"] = in_cr
    relapsed = (people["course"] == "responder") & ~people["alive_in_cr"] & ~in_cr
    first = np.fmax(people["time_to_sct_months"] + 0.5, people["response_at"] + 0.3)
    first = np.where(np.isnan(first), people["response_at"] + 0.3, first)
    last = people["os_months"] - np.where(dead, 0.1, 1.0)
    at = first + (last - first) * (0.15 + 0.5 * rng.random(fate.size))
    people["relapse_at"] = np.where(relapsed, np.ceil(at * 100) / 100, np.nan)
