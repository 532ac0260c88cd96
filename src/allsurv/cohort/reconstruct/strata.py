"""The frame on which everything else hangs: arm, line of treatment, response and fate.

Counts are those of Tables 1 and 2 and of the landmark paragraph, in the readings that can hold
jointly: 53 transplanted and 25 never transplanted responders of the four-month landmark, 27 and
13 of them alive; 13 responders, 11 non-responders and 7 early deaths dead, one non-responder
alive: 41 alive, 69 dead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.reconstruct.draws import Patients, choose, deal, empty, shuffled

__all__ = ["FATES", "Stratum", "make_strata"]

FATES = (
    "early_death",
    "no_response_died",
    "no_response_alive",
    "brief_response",
    "sct_died",
    "sct_alive",
    "no_sct_died",
    "no_sct_alive",
)
"""What became of a patient; ``brief_response``: responded, dead by month four."""


@dataclass(frozen=True)
class Stratum:
    """Patients of one arm and line: how many met which fate, and their first remission.

    Parameters
    ----------
    arm : {"before", "after"}
        Regimen.
    first_line : bool
        Salvage 1.
    fates : tuple of int
        Patients by fate, in the order of ``FATES``.
    """

    arm: str
    first_line: bool
    fates: tuple[int, ...]


STRATA = (
    Stratum("before", True, (1, 2, 0, 4, 12, 10, 3, 6)),
    Stratum("before", False, (6, 7, 0, 6, 4, 3, 2, 1)),
    Stratum("after", True, (0, 2, 1, 3, 10, 13, 6, 6)),
    Stratum("after", False, (0, 0, 0, 0, 0, 1, 1, 0)),
)

BEST_MRD: dict[tuple[str, bool], dict[str, tuple[int, int]]] = {
    ("before", True): {"brief_response": (2, 1), "sct_died": (1, 0)},
    ("before", False): {"brief_response": (4, 0), "sct_died": (1, 0), "no_sct_died": (1, 0)},
    ("after", True): {
        "brief_response": (1, 1),
        "sct_died": (1, 0),
        "no_sct_died": (1, 0),
        "sct_alive": (1, 0),
        "no_sct_alive": (1, 0),
    },
    ("after", False): {},
}
"""Responders by fate: best MRD positive, and never tested; all others became negative."""

MRD_AT_RESPONSE = {
    ("before", True): (23, 1),
    ("before", False): (5, 0),
    ("after", True): (18, 0),
    ("after", False): (1, 1),
}
"""Responders negative at response, and those whose first sample was later."""

SUBTYPES: dict[tuple[str, bool], dict[object, int]] = {
    ("before", True): {"primary_refractory": 4, "crd1_lt12": 16, "crd1_ge12": 15},
    ("after", True): {"primary_refractory": 8, "crd1_lt12": 9, "crd1_ge12": 21},
}
SUBTYPES_UNRESPONSIVE: dict[tuple[str, bool], dict[object, int]] = {
    ("before", True): {"primary_refractory": 1, "crd1_lt12": 1, "crd1_ge12": 1},
    ("after", True): {"primary_refractory": 2, "crd1_ge12": 1},
}
RESPONSES: dict[str, dict[object, int]] = {
    "before": {"CR": 40, "CRp": 10, "CRi": 1},
    "after": {"CR": 29, "CRp": 9, "CRi": 2},
}


SECOND_LINE = {
    "early_death": 3,
    "no_response_died": 4,
    "brief_response": 3,
    "sct_died": 2,
    "sct_alive": 1,
    "no_sct_died": 1,
    "no_sct_alive": 1,
}
"""Of the 29 later-line patients of the original regimen: salvage 2 (15); the others salvage 3."""


def make_strata(rng: np.random.Generator) -> Patients:
    """Lay out 110 patients by arm, line, response, MRD, transplant and fate.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.

    Returns
    -------
    Patients
        Columns in order of entry; ``fate`` is a scaffold that the cohort does not keep.
    """
    people = _people(rng)
    fate, arm = people["fate"], people["arm"]
    first = people["salvage"] == 1
    responder = ~np.isin(fate, FATES[:3])
    for column in ("response", "s1_subtype", "mrd_best_neg", "mrd_resp_neg"):
        people[column] = np.full(fate.size, None, dtype=object)
    people["response"][fate == "early_death"] = "ED"
    people["response"][np.isin(fate, FATES[1:3])] = "NR"
    for name, counts in RESPONSES.items():
        deal(rng, people["response"], responder & (arm == name), counts)
    for stratum in STRATA:
        key = (stratum.arm, stratum.first_line)
        here = (arm == stratum.arm) & (first == stratum.first_line)
        deal(rng, people["s1_subtype"], here & responder, SUBTYPES.get(key, {}))
        deal(rng, people["s1_subtype"], here & ~responder, SUBTYPES_UNRESPONSIVE.get(key, {}))
        _measure_mrd(rng, people, here & responder, key)
    people["sct"] = np.isin(fate, ("sct_died", "sct_alive"))
    people["lm4_cohort"] = np.isin(fate, FATES[4:])
    people["alive"] = np.isin(fate, ("no_response_alive", "sct_alive", "no_sct_alive"))
    people["alive_in_cr"] = np.zeros(fate.size, dtype=bool)
    people["alive_in_cr"][choose(rng, fate == "sct_alive", 24)] = True
    people["alive_in_cr"][choose(rng, (fate == "no_sct_alive") & (arm == "before"), 4)] = True
    people["alive_in_cr"][(fate == "no_sct_alive") & (arm == "after")] = True
    return people


def _people(rng: np.random.Generator) -> Patients:
    """Arm, salvage and fate, in random order of entry within the arm."""
    rows: dict[str, list[tuple[str, int, str]]] = {"before": [], "after": []}
    for stratum in STRATA:
        for fate, count in zip(FATES, stratum.fates, strict=True):
            second = count if stratum.arm == "after" else SECOND_LINE.get(fate, 0)
            lines = [1] * count if stratum.first_line else [2] * second + [3] * (count - second)
            rows[stratum.arm] += [(stratum.arm, line, fate) for line in lines]
    people = [person for arm in ("before", "after") for person in shuffled(rng, rows[arm])]
    arms, salvage, fates = zip(*people, strict=True)
    return {
        "patient_no": np.arange(1, len(people) + 1),
        "arm": np.array(arms),
        "salvage": np.array(salvage),
        "fate": np.array(fates),
    }


def _measure_mrd(
    rng: np.random.Generator, people: Patients, here: NDArray[np.bool_], key: tuple[str, bool]
) -> None:
    best, at_response = people["mrd_best_neg"], people["mrd_resp_neg"]
    untested = np.zeros(best.size, dtype=bool)
    for fate, (positive, without) in BEST_MRD[key].items():
        group = here & (people["fate"] == fate)
        deal(rng, best, group, {False: positive})
        untested[choose(rng, group & empty(best), without)] = True
    negative = here & empty(best) & ~untested
    best[negative] = True
    wanted, later_only = MRD_AT_RESPONSE[key]
    tested = here & ~untested
    tested[choose(rng, negative, later_only)] = False
    deal(rng, at_response, negative & tested, {True: wanted})
    at_response[tested & empty(at_response)] = False
