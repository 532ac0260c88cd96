"""The columns an analysis needs: picking patients costs time for every column they have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from allsurv.cohort import Cohort

__all__ = ["needed_columns", "only_needed"]


def needed_columns(
    cohort: Cohort, endpoint: str, names: Iterable[str] = (), events: Iterable[str] = ()
) -> set[str]:
    """List the variables that an outcome, and what is asked of it, rest on."""
    study = cohort.study
    outcome = study.endpoint(endpoint)
    needed = {outcome.time, *outcome.status, *outcome.population, *names}
    needed |= {state.time for state in outcome.states.values()}
    needed |= {outcome.origin_time} if outcome.origin_time else set()
    needed |= {outcome.entry} if outcome.entry else set()
    for event in (study.events[name] for name in events if name in study.events):
        needed |= {event.time, *event.occurred}
    return needed


def only_needed(
    cohort: Cohort, endpoint: str, names: Iterable[str] = (), events: Iterable[str] = ()
) -> Cohort:
    """Keep the columns that an analysis needs."""
    needed = needed_columns(cohort, endpoint, names, events)
    if (death := cohort.study.death_endpoint) is not None:
        needed |= {death.time, *death.status}  # whether the endpoint censors deaths
    kept = [name for name in cohort.frame.columns if name in needed]
    return replace(cohort, frame=cohort.frame[kept])
