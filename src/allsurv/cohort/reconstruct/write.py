"""All steps in order, and the file they end in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from allsurv.cohort.reconstruct.baseline import add_categories, add_numbers, spread_by_rank
from allsurv.cohort.reconstruct.course import (
    add_blinatumomab,
    add_courses,
    add_response,
    add_sos,
    add_transplant,
)
from allsurv.cohort.reconstruct.draws import Patients
from allsurv.cohort.reconstruct.search import match_survival
from allsurv.cohort.reconstruct.strata import make_strata
from allsurv.cohort.reconstruct.survival import add_times
from allsurv.cohort.reconstruct.toxicity import add_blood_counts, add_toxicity
from allsurv.study.spec import Study

__all__ = ["SEED", "invent_patients", "write_patients"]

SEED = 4


def invent_patients(study: Study, *, random_state: int = SEED) -> pd.DataFrame:
    """Invent 110 patients who satisfy what the paper prints of its cohort.

    Parameters
    ----------
    study : Study
        ``rr-all``: names and order of the columns.
    random_state : int, default=4
        Seed; other seeds give other patients with the same counts.

    Returns
    -------
    DataFrame of shape (110, n_columns)
        Every variable of the study that is not derived, as text ready for a CSV file. These are
        not patients; agreement with the paper is by construction.
    """
    rng = np.random.default_rng(random_state)
    people = make_strata(rng)
    add_categories(rng, people)
    add_numbers(rng, people)
    add_times(rng, people)
    match_survival(rng, people)
    spread_by_rank(rng, people, "wbc", "pb_blasts", 1.2)
    spread_by_rank(rng, people, "bm_blasts", "pb_blasts", 1.5)
    add_response(rng, people)
    add_transplant(rng, people)
    add_blinatumomab(rng, people)
    add_sos(rng, people)
    add_courses(rng, people)
    add_toxicity(rng, people)
    add_blood_counts(rng, people)
    people["followup_months"] = np.where(people["alive"], people["os_months"], np.nan)
    return _as_text(people, study)


def _as_text(people: Patients, study: Study) -> pd.DataFrame:
    columns = {
        variable.column: [_cell(value) for value in people[variable.name].tolist()]
        for variable in study.variables.values()
        if variable.derivation is None
    }
    return pd.DataFrame(columns, dtype="str")


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def write_patients(path: Path, study: Study, *, random_state: int = SEED) -> None:
    """Write the invented patients as CSV (UTF-8, commas, one line each).

    Parameters
    ----------
    path : Path
        File to write.
    study : Study
        ``rr-all``.
    random_state : int, default=4
        Seed.
    """
    table = invent_patients(study, random_state=random_state)
    path.write_bytes(table.to_csv(index=False, lineterminator="\n").encode())
