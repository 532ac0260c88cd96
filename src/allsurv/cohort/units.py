"""Durations in other units than the study's clock."""

from __future__ import annotations

from allsurv.study.spec import Study

__all__ = ["study_units"]

_DAYS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}


def study_units(study: Study, name: str) -> float:
    """Give the factor that takes a duration to the study's time unit.

    Parameters
    ----------
    study : Study
        With its time unit.
    name : str
        A duration of the data dictionary.

    Returns
    -------
    float
        Study units in one unit of the variable, a month being 30.4375 days; 1 where the
        variable's unit is not one of time.

    Raises
    ------
    StudyError
        If there is no such variable.
    """
    unit = study.variable(name).unit
    return _DAYS.get(unit, _DAYS[study.time.unit]) / _DAYS[study.time.unit]
