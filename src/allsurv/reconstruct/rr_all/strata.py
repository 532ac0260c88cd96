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

from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.search.draws import Patients, choose, deal, empty, shuffled

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

UNRESPONSIVE: dict[tuple[str, bool], dict[object, int]] = {
    ("before", True): {"primary_refractory": 1, "crd1_lt12": 1, "crd1_ge12": 1},
    ("after", True): {"primary_refractory": 2, "crd1_ge12": 1},
}
"""First remission of those in Salvage 1 who did not respond."""
SUBTYPES = ("primary_refractory", "crd1_lt12", "crd1_ge12")
RESPONSES = ("CR", "CRp", "CRi")
NAMES = ("best", "resp")
"""MRD at any time, and at response."""

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


def make_strata(rng: np.random.Generator, printed: Printed) -> Patients:
    """Lay out patients by arm, line, response, MRD, transplant and fate."""
    people = _people(rng)
    fate, arm = people["fate"], people["arm"]
    first = people["salvage"] == 1
    responder = ~np.isin(fate, FATES[:3])
    people["course"] = np.where(responder, "responder", "no response").astype(object)
    people["course"][fate == "early_death"] = "early death"
    for column in ("response", "s1_subtype", "mrd_best_neg", "mrd_resp_neg"):
        people[column] = np.full(fate.size, None, dtype=object)
    people["response"][fate == "early_death"] = "ED"
    people["response"][np.isin(fate, FATES[1:3])] = "NR"
    for name in ("before", "after"):
        counts = {r: printed.count({"response": r}, {"arm": name}) for r in RESPONSES}
        deal(rng, people["response"], responder & (arm == name), counts)
    for stratum in STRATA:
        here = (arm == stratum.arm) & (first == stratum.first_line)
        if stratum.first_line:
            unresponsive = UNRESPONSIVE[(stratum.arm, True)]
            deal(rng, people["s1_subtype"], here & ~responder, unresponsive)
            for subtype in SUBTYPES:
                count = printed.count({"s1_subtype": subtype}, {"arm": stratum.arm})
                count -= unresponsive.get(subtype, 0)
                deal(rng, people["s1_subtype"], here & responder, {subtype: count})
        _measure_mrd(rng, people, here & responder, stratum, printed)
    people["sct"] = np.isin(fate, ("sct_died", "sct_alive"))
    people["lm4_cohort"] = np.isin(fate, FATES[4:])
    people["alive"] = np.isin(fate, ("no_response_alive", "sct_alive", "no_sct_alive"))
    people["alive_in_cr"] = np.zeros(fate.size, dtype=bool)
    grafted = printed.count({"sct": True}, {"alive_in_cr": True})
    others = printed.count({"alive_in_cr": True}, {"sct": False})
    for name, count in (("sct_alive", grafted), ("no_sct_alive", others)):
        late = (arm == "after").astype(float)
        who = choose(rng, fate == name, count, prefer=late, sharpness=1.5)
        people["alive_in_cr"][who] = True
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
    rng: np.random.Generator,
    people: Patients,
    here: NDArray[np.bool_],
    stratum: Stratum,
    printed: Printed,
) -> None:
    """Test responders, best and at response; those who died soon are positive more readily."""
    best, at_response = people["mrd_best_neg"], people["mrd_resp_neg"]
    among = {"arm": stratum.arm, "salvage": 1 if stratum.first_line else (2, 3)}
    tested = {name: printed.count({}, {**among, f"mrd_{name}_tested": True}) for name in NAMES}
    negative = {
        name: printed.count({f"mrd_{name}_neg": True}, {**among, f"mrd_{name}_tested": True})
        for name in NAMES
    }
    untested = np.zeros(best.size, dtype=bool)
    untested[choose(rng, here, int(here.sum()) - tested["best"])] = True
    soon = (people["fate"] == "brief_response").astype(float)
    positive = {False: tested["best"] - negative["best"]}
    deal(rng, best, here & ~untested, positive, prefer={False: soon}, sharpness=3.0)
    best[here & empty(best) & ~untested] = True
    became = best == True  # noqa: E712
    measured = here & ~untested
    measured[choose(rng, here & became, tested["best"] - tested["resp"])] = False
    deal(rng, at_response, here & became & measured, {True: negative["resp"]})
    at_response[measured & empty(at_response)] = False
