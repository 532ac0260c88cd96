"""Patients in groups: the levels of one variable, in the study's order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.errors import ModelError
from allsurv.study.spec import Study, Variable

__all__ = [
    "OVERALL",
    "Groups",
    "check_known_at_origin",
    "event_of",
    "group_patients",
    "is_late",
    "level_text",
    "tidy",
]

OVERALL = "overall"


@dataclass(frozen=True, eq=False)
class Groups:
    """Which patient is in which group.

    Attributes
    ----------
    names, labels : tuple of str
        Groups that hold patients, in the study's order; names for readers.
    code : ndarray of int of shape (n_patients,)
        Position of the patient's group in ``names``; -1 where the group is not known.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    code: NDArray[np.intp]

    @property
    def n_unknown(self) -> int:
        """Count the patients whose group is not known."""
        return int(np.sum(self.code < 0))


def level_text(level: object) -> str:
    """Write a level as it stands in tables.

    Examples
    --------
    >>> level_text(True), level_text(2), level_text("diploid")
    ('true', '2', 'diploid')
    """
    return str(level).lower() if isinstance(level, bool | np.bool_) else str(level)


def group_patients(cohort: Cohort, by: str | None) -> Groups:
    """Sort patients into groups by one variable."""
    if by is None:
        return Groups((OVERALL,), ("All patients",), np.zeros(cohort.n, dtype=np.intp))
    variable = cohort.study.variable(by)
    if not (variable.is_yes_no or variable.has_levels):
        raise ModelError(
            f"groups by '{by}': it is {variable.kind}; allowed are yes/no variables and variables "
            "with levels. Derive groups from it in the study file."
        )
    if by not in cohort.frame.columns:
        raise ModelError(f"groups by '{by}': the cohort has no such column; add it.")
    levels = (False, True) if variable.is_yes_no else variable.levels
    column = cohort.frame[by]
    code = np.full(cohort.n, -1, dtype=np.intp)
    names: list[str] = []
    labels: list[str] = []
    for level in levels:
        members = column.eq(level).to_numpy(dtype=bool, na_value=False)
        if members.any():
            code[members] = len(names)
            names.append(level_text(level))
            labels.append(_group_label(variable, level))
    if not names:
        raise ModelError(f"groups by '{by}': it is known of no patient; choose another variable.")
    return Groups(tuple(names), tuple(labels), code)


def check_known_at_origin(study: Study, names: tuple[str, ...], where: str) -> None:
    """Refuse variables that are not known when follow-up starts."""
    late = [name for name in names if is_late(study, name)]
    if not late:
        return
    events = list(dict.fromkeys(event for name in late if (event := event_of(study, name))))
    listed = ", ".join(f"'{name}'" for name in late)
    offer = "Take a landmark analysis"
    if events:
        offer += f" (landmark), or time_dependent=[{', '.join(repr(e) for e in events)}] in a Cox"
        offer += " table"
    else:
        offer += " in a comparison of the study file"
    raise ModelError(
        f"{where}: {listed} {'is' if len(late) == 1 else 'are'} not known when follow-up starts; "
        "patients must live long enough to get a value (immortal time), so it may not stand as if "
        f"known at baseline. {offer}; immortal_time_table shows both estimates."
    )


def event_of(study: Study, name: str) -> str | None:
    """Find the time-dependent event behind a name."""
    if name in study.events:
        return name
    for event in study.events.values():
        if dict(event.occurred) == {name: True}:
            return event.name
    return None


def is_late(study: Study, name: str) -> bool:
    """Say whether a variable or event becomes known only after follow-up has started."""
    if name in study.events and name not in study.variables:
        return True
    return study.variable(name).known != "baseline"


def _group_label(variable: Variable, level: object) -> str:
    label = variable.level_label(level)  # type: ignore[arg-type]
    plain = variable.is_yes_no and label in {"yes", "no"}
    return f"{variable.label}: {label}" if plain else label


def tidy(rows: list[dict[str, object]], columns: tuple[str, ...], cohort: Cohort) -> pd.DataFrame:
    """Make a table that carries its source."""
    table = pd.DataFrame(rows, columns=list(columns))
    table.attrs.update(source=cohort.source.statement, unit=cohort.study.time.unit)
    return table
