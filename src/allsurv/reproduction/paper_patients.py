"""The course of every single patient: for the study team only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.cohort.groups import OVERALL, group_patients
from allsurv.reproduction.items import Item

__all__ = ["swimmer_items"]

MOST_PATIENTS = 200


def swimmer_items(cohort: Cohort) -> Iterator[Item]:
    """Make the swimmer plot: follow-up of each patient, with what happened when."""
    study = cohort.study
    endpoint = study.endpoint(study.prediction.endpoint)
    patients = cohort.eligible(endpoint.name)
    if patients.n > MOST_PATIENTS or endpoint.origin_time or endpoint.entry:
        return
    has_group = study.group in patients.frame.columns
    groups = group_patients(patients, study.group if has_group else None)
    names = [*groups.names, "unknown"] if groups.n_unknown else list(groups.names)
    labels = [*groups.labels, "Unknown"] if groups.n_unknown else list(groups.labels)
    code = np.where(groups.code < 0, len(groups.names), groups.code)
    y = patients.y(endpoint.name)
    order = np.lexsort((-y["time"], code))
    table = pd.DataFrame(
        {
            "patient": np.arange(1, patients.n + 1),
            "group": [names[k] for k in code[order]],
            "group_label": [labels[k] for k in code[order]],
            "time": y["time"][order],
            "event": y["event"][order],
        }
    )
    if table["group"].iloc[0] == OVERALL:
        table["group_label"] = ""
    notes = ("Each bar is one patient from the start to the last follow-up.",)
    title = f"Course of each patient, {endpoint.label.lower()}"
    extra = {"marks": _marks(patients, order)}
    yield Item("swimmer", title, "", "swimmer", table, None, notes, extra, local_only=True)


def _marks(cohort: Cohort, order: np.ndarray) -> pd.DataFrame:
    rows = []
    for name, event in cohort.study.events.items():
        if cohort.has_event(name):
            times = cohort.event_times(name)[order]
            happened = np.flatnonzero(np.isfinite(times))
            rows.append(
                pd.DataFrame(
                    {"patient": happened + 1, "time": times[happened], "mark": event.label}
                )
            )
    columns = ["patient", "time", "mark"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)
