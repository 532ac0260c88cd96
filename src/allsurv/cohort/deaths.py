"""Endpoints that censor patients when they die: their curve is no survival, their model no risk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort.table import Cohort
from allsurv.dictionary.units import unit_ratio
from allsurv.errors import OutcomeError

__all__ = ["CENSORS_DEATHS", "censors_deaths", "check_absolute_risk"]

CENSORS_DEATHS = (
    "Patients who died first are censored: this curve is no survival, and one minus it is no "
    "probability of the event, but what would be seen if nobody died first."
)


def censors_deaths(cohort: Cohort, endpoint: str) -> NDArray[np.bool_]:
    """Mark the patients whose follow-up for an endpoint of one event ends, censored, at death.

    Death is the event of the study's endpoint ``death``, that named ``os`` where the study file
    names none. Times closer than half a step of the study's grid are one.

    Parameters
    ----------
    cohort : Cohort
        Patients of the endpoint's population.
    endpoint : str
        Name of an endpoint of the study.

    Returns
    -------
    ndarray of bool of shape (n_patients,)
        Nobody where the study or the columns do not say who died, or events compete.

    Raises
    ------
    OutcomeError
        As :meth:`Cohort.y`.
    StudyError
        If the study has no such endpoint.
    """
    study = cohort.study
    nobody = np.zeros(cohort.n, dtype=bool)
    asked, death = study.endpoint(endpoint), study.death_endpoint
    if asked.kind != "event" or death is None or death.name == endpoint:
        return nobody
    needed = {death.time, *death.status, *death.population, *filter(None, [death.origin_time])}
    if death.population or not needed <= set(cohort.frame.columns):
        return nobody
    y, died = cohort.follow_up(endpoint), cohort.follow_up(death.name)
    ends = [_origin(cohort, e.origin_time) + o["time"] for e, o in ((asked, y), (death, died))]
    together = np.abs(ends[0] - ends[1]) <= study.time.grid / 2
    found: NDArray[np.bool_] = ~y["event"] & died["event"] & together
    return found


def check_absolute_risk(cohort: Cohort, endpoint: str) -> None:
    """Refuse to predict an endpoint that censors deaths: it would be no absolute risk.

    Parameters
    ----------
    cohort : Cohort
        The patients.
    endpoint : str
        Name of the endpoint that a model is to predict.

    Raises
    ------
    OutcomeError
        If patients are censored at death; the message names both ways out.
    """
    if censors_deaths(cohort.eligible(endpoint), endpoint).any():
        raise OutcomeError(
            f"endpoint '{endpoint}': patients are censored when they die, so a model of it gives "
            "no absolute risk; it would be too high. Let death compete (kind: competing, with "
            "death among its causes), or let death count as the event too. Hazard ratios are "
            "valid: cox_table."
        )


def _origin(cohort: Cohort, name: str | None) -> NDArray[np.float64]:
    if name is None:
        return np.zeros(cohort.n)
    ratio = unit_ratio(cohort.study.variable(name).unit, cohort.study.time.unit)
    found: NDArray[np.float64] = cohort.frame[name].to_numpy(dtype=float) * ratio
    return found
