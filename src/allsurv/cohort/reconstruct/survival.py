"""When patients die or were last seen, and when they were transplanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.reconstruct.draws import Patients, numbers_with, place_below, shuffled

__all__ = ["MONTH", "add_times"]

MONTH = 30.4375
EARLY_DEATH_DAYS = (4, 9, 12, 15, 18, 22, 26)
DEATHS = {
    "no_response_died": (1.2, 1.6, 2.1, 2.6, 3.1, 3.7, 4.4, 5.3, 6.8, 9.1, 41.0),
    "brief_response": (1.5, 1.8, 2.1, 2.3, 2.5, 2.7, 2.9, 3.1, 3.2, 3.4, 3.5, 3.7, 3.8),
    "sct_died": (
        *(4.3, 5.1, 5.9, 6.6, 7.4, 8.1, 8.9, 9.7, 10.6, 11.5, 12.4, 13.5, 14.7, 15.8),
        *(16.5, 17.0, 20.3, 22.1, 24.0, 26.2, 28.7, 31.5, 34.6, 39.5, 47.0, 58.4),
    ),
    "no_sct_died": (4.6, 5.7, 6.9, 7.8, 9.2, 10.8, 12.1, 14.2, 16.4, 21.5, 30.2, 37.3),
}
"""Months of death by fate; they give 40% at 36 months and a median of 17."""

FOLLOW_UP: dict[tuple[str, str, bool], tuple[float, ...]] = {
    ("before", "sct_alive", False): (41, 45, 47, 64, 69, 74, 77, 83, 89, 92, 98, 106, 115),
    ("before", "no_sct_alive", True): (71, 86, 95, 111),
    ("before", "no_sct_alive", False): (33, 66, 80),
    ("after", "sct_alive", False): (11, 13, 19, 30, 35, 40, 43, 46, 48, 51, 55, 58, 62),
    ("after", "no_sct_alive", True): (29, 34, 38, 42, 44),
    ("after", "no_response_alive", False): (17,),
}
"""Months of follow-up of the living by arm, fate and whether, untransplanted, in remission."""

TP53_SURVIVORS = {True: 9.0, False: 20.0}


def add_times(rng: np.random.Generator, people: Patients) -> None:
    """Add survival, follow-up and time to transplant.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        With fates; columns ``os_months`` and ``time_to_sct_months`` are added.
    """
    fate = people["fate"]
    time = np.full(fate.size, np.nan)
    early = np.flatnonzero(fate == "early_death")
    time[early] = [d / MONTH for d in _shuffled(rng, EARLY_DEATH_DAYS)]
    for name, months in DEATHS.items():
        values = np.array(_shuffled(rng, months))
        moved = values * (1 + 0.02 * (2 * rng.random(values.size) - 1))
        time[fate == name] = np.where(values == 17.0, values, moved)
    for sct, months_seen in TP53_SURVIVORS.items():
        time[people["tp53_survivor"] & (people["sct"] == sct)] = months_seen
    for (arm, name, in_cr), months in FOLLOW_UP.items():
        here = (people["arm"] == arm) & (fate == name) & np.isnan(time)
        if name == "no_sct_alive":
            here &= people["alive_in_cr"] == in_cr
        # Whoever came in earlier was followed longer.
        order = np.argsort(np.flatnonzero(here) + 12 * rng.random(len(months)), kind="stable")
        time[np.flatnonzero(here)[order]] = sorted(months, reverse=True)
    people["os_months"] = np.round(time, 2)
    people["time_to_sct_months"] = _transplants(rng, people)


def _shuffled(rng: np.random.Generator, values: tuple[float, ...]) -> list[float]:
    return [float(v) for v in shuffled(rng, values)]


def _transplants(rng: np.random.Generator, people: Patients) -> NDArray[np.float64]:
    """Place 53 transplants at 1.8 to 10.2 months, median 4, before death or last contact."""
    months = numbers_with(rng, 53, _sct_quantile, low=1.8, median=4.0, high=10.2, decimals=1)
    at = np.full(people["sct"].size, np.nan)
    at[people["sct"]] = place_below(rng, months.tolist(), people["os_months"][people["sct"]] - 0.2)
    return at


def _sct_quantile(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2 + 4 * p + 6 * np.maximum(p - 0.5, 0) ** 2
