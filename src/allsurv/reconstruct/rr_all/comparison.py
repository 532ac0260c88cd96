"""Patients of another cohort that the paper compares with: survival only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.search.draws import Patients
from allsurv.reconstruct.search.plan import EndpointTimes, Limit, Nudge, Plan
from allsurv.reconstruct.search.schedule import Cooling, Schedule, search
from allsurv.study.ledger import Ledger, LedgerEntry
from allsurv.study.spec import Study

__all__ = ["comparison_ledger", "reconstruct_comparison"]

LIVING_FROM, LONGEST = 6.0, 100.0
"""Months after which the living were last seen, and the longest follow-up."""
PLAN = Plan(
    labels=("alive",),
    numbers=("os_months",),
    endpoints={"os": EndpointTimes(stop="os_months", dead={"alive": False})},
    exchanges=(),
    nudges=(Nudge("os_months", 0.01, 0.3, often=5.0),),
    limits=(
        Limit(None, "os_months", 0.1),
        Limit("os_months", None, -LONGEST),
        Limit(None, "os_months", LIVING_FROM, among={"alive": True}),
    ),
)
SCHEDULE = Schedule((Cooling(3.0, 0.004, 100_000),), chains=1, chunk=10_000)
_KINDS = ("denominator", "km_rate", "km_rate_ci_low", "km_rate_ci_high", "km_median")


def comparison_ledger(ledger: Ledger, cohort: str) -> Ledger:
    """Give the entries about another cohort alone, as if they were of a study of its own."""
    chosen: dict[str, LedgerEntry] = {}
    for name, entry in ledger.entries.items():
        population = dict(entry.population)
        if population.pop("cohort", None) == cohort and entry.kind in _KINDS:
            chosen[name] = replace(entry, population=population, status="ok")
    return Ledger(study=ledger.cohorts[cohort], entries=chosen)


def reconstruct_comparison(
    study: Study, ledger: Ledger, cohort: str, *, random_state: int
) -> pd.DataFrame:
    """Invent the patients of a comparison from one published curve."""
    own = comparison_ledger(ledger, cohort)
    n = Printed(own).count({})
    rng = np.random.default_rng(random_state)
    values = {e.kind: float(e.value) for e in own.entries.values()}
    alive = np.arange(n) < round(n * values["km_rate"] / 100)
    died = -np.log(1 - rng.random(n)) * values["km_median"] / np.log(2)
    people: Patients = {
        "alive": alive.astype(object),
        "os_months": np.round(np.where(alive, 37 + 60 * rng.random(n), np.fmin(died + 0.2, 90)), 2),
    }
    found = search(people, own, study, PLAN, random_state=random_state, schedule=SCHEDULE).columns
    order = np.argsort(rng.random(n), kind="stable")
    return pd.DataFrame(
        {
            "patient_no": [str(k + 1) for k in range(n)],
            "alive": ["yes" if found["alive"][i] else "no" for i in order],
            "os_months": [f"{found['os_months'][i]:.2f}" for i in order],
        },
        dtype="str",
    )
