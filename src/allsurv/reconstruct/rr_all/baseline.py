"""What patients are like before treatment: the categories of Table 1, by arm, exactly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allsurv.reconstruct.rr_all.numbers import ARMS
from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.search.draws import Patients, choose, deal, empty
from allsurv.study.ledger import Population

__all__ = ["add_categories"]

KARYOTYPES = ("ho_tr", "kmt2a", "complex", "im_nd", "heh", "tt", "other", "diploid")
HIGH_RISK = ("ho_tr", "kmt2a", "complex")
TP53_IN_HYPODIPLOIDY = 0.91
"""Share with a TP53 mutation: Holmfeldt L, et al. Nat Genet. 2013;45:242-252."""
FRONTLINE = {
    "none_intensive": 2,
    "cog": 4,
    "augmented_bfm": 7,
    "calgb": 9,
    "other_intensive": 12,
    "hyper_cvad": 76,
}


def add_categories(rng: np.random.Generator, people: Patients, printed: Printed) -> None:
    """Add sex, performance, karyotype, markers, earlier treatment and CNS disease."""
    n = people["arm"].size
    everyone = np.ones(n, dtype=bool)
    dead = (~people["alive"]).astype(float)
    arms = {arm: people["arm"] == arm for arm in ARMS}
    for name in ("sex", "karyotype", "tp53_mut", "crlf2_pos", "frontline"):
        people[name] = np.full(n, None, dtype=object)
    for arm, here in arms.items():
        among: Population = {"arm": arm}
        deal(rng, people["sex"], here, {"male": printed.count({"sex": "male"}, among)})
        counts = {k: printed.count({"karyotype": k}, among) for k in KARYOTYPES}
        prefer = dict.fromkeys(HIGH_RISK, dead) | {"ho_tr": 40 * dead}
        deal(rng, people["karyotype"], here, counts, prefer=prefer, sharpness=2.5)
        tested: Population = {**among, "crlf2_tested": True}
        positive = printed.count({"crlf2_pos": True}, tested)
        negative = printed.count({}, tested) - positive
        deal(rng, people["crlf2_pos"], here, {True: positive, False: negative})
    people["sex"][empty(people["sex"])] = "female"
    people["ecog"] = _performance(rng, people, arms, printed)
    _test_tp53(rng, people, arms, printed)
    later = (people["salvage"] > 1).astype(float)
    grafted = people["s1_subtype"] != "primary_refractory"
    plain = np.isin(people["karyotype"].astype(str), ("diploid", "other", "im_nd"))
    likely = plain + 2.0 * (people["crlf2_pos"] == True)  # noqa: E712
    for name, allowed, prefer_whom in (
        ("prior_asct", grafted, later),
        ("cd20_ge20", everyone, None),
        ("ph_like", everyone, likely),
    ):
        people[name] = np.zeros(n, dtype=bool)
        for arm, here in arms.items():
            count = printed.count({name: True}, {"arm": arm})
            who = choose(rng, here & allowed, count, prefer=prefer_whom, sharpness=1.5)
            people[name][who] = True
    people["rituximab"] = people["cd20_ge20"].copy()
    people["cns"] = np.zeros(n, dtype=bool)
    people["cns"][choose(rng, everyone, printed.count({"cns": True}))] = True
    deal(rng, people["frontline"], everyone, FRONTLINE)


def _performance(
    rng: np.random.Generator,
    people: Patients,
    arms: Mapping[str, NDArray[np.bool_]],
    printed: Printed,
) -> NDArray[np.int_]:
    """ECOG 2 or worse by arm; of the early deaths as many as printed had exactly 2."""
    early = people["fate"] == "early_death"
    ecog = (rng.random(early.size) < 0.6).astype(int)
    poor_early = choose(rng, early, printed.count({"ecog": 2}, {"response": "ED"}))
    ecog[poor_early] = 2
    for arm, here in arms.items():
        count = printed.count({"ecog_ge2": True}, {"arm": arm}) - int(here[poor_early].sum())
        poor = choose(rng, here & ~early, count)
        ecog[poor] = 2
        ecog[poor[rng.random(poor.size) < 0.15]] = 3
    found: NDArray[np.int_] = ecog
    return found


def _test_tp53(
    rng: np.random.Generator,
    people: Patients,
    arms: Mapping[str, NDArray[np.bool_]],
    printed: Printed,
) -> None:
    """Mutated and wild type by arm; two of the mutated live, one of them transplanted, after."""
    column, karyotype = people["tp53_mut"], people["karyotype"]
    survivors = people["alive_in_cr"] & arms["after"] & (karyotype != "ho_tr")
    living = np.zeros(column.size, dtype=bool)
    for sct in (True, False):
        living[choose(rng, survivors & (people["sct"] == sct), 1)] = True
    column[living] = True
    people["tp53_survivor"] = living
    hypodiploid = karyotype == "ho_tr"
    likely = hypodiploid.astype(float)
    spared = round((1 - TP53_IN_HYPODIPLOIDY) * int(hypodiploid.sum()))
    likely[choose(rng, hypodiploid, spared)] = -1.0
    for arm, here in arms.items():
        tested: Population = {"arm": arm, "tp53_tested": True}
        mutated = printed.count({"tp53_mut": True}, tested)
        wild = printed.count({}, tested) - mutated
        deal(
            rng,
            column,
            here & ~people["alive"],
            {True: mutated - int((living & here).sum())},
            prefer={True: likely},
            sharpness=60.0,
        )
        deal(rng, column, here, {False: wild})
