"""All steps in order, and the file they end in."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd

from allsurv.cohort.reconstruct.baseline import add_categories
from allsurv.cohort.reconstruct.course import (
    add_blinatumomab,
    add_courses,
    add_response,
    add_transplant,
    describe_blinatumomab,
)
from allsurv.cohort.reconstruct.draws import Patients
from allsurv.cohort.reconstruct.numbers import add_numbers, spread_by_rank
from allsurv.cohort.reconstruct.printed import Printed
from allsurv.cohort.reconstruct.rr_all import PLAN
from allsurv.cohort.reconstruct.search import Found, Schedule, Tell, search
from allsurv.cohort.reconstruct.sos import add_sos
from allsurv.cohort.reconstruct.strata import make_strata
from allsurv.cohort.reconstruct.survival import add_calendar, add_times
from allsurv.cohort.reconstruct.toxicity import add_blood_counts, add_toxicity
from allsurv.errors import ConfigError
from allsurv.study.ledger import Ledger, load_ledger
from allsurv.study.spec import Study

__all__ = [
    "SEED",
    "as_text",
    "digest",
    "finish",
    "lay_out_patients",
    "reconstruct_cohort",
    "write_patients",
]

SEED = 1
RECONSTRUCTED = "Reconstructed from published summaries; not patients."


def reconstruct_cohort(
    study: Study,
    *,
    random_state: int = SEED,
    schedule: Schedule | None = None,
    checkpoint: Path | None = None,
    tell: Tell | None = None,
) -> tuple[pd.DataFrame, Found]:
    """Invent patients who satisfy what the paper prints of its cohort.

    Parameters
    ----------
    study : Study
        ``rr-all``, whose ledger holds the printed numbers.
    random_state : int, default=1
        Seed; other seeds give other patients with the same counts.
    schedule : Schedule, optional
        How long to search.
    checkpoint : Path, optional
        File to save to and to go on from.
    tell : callable, optional
        Progress: moves tried, moves in all, lowest objective.

    Returns
    -------
    DataFrame of shape (110, n_columns)
        Every variable of the study that is not derived, as text ready for a CSV file. These are
        not patients; agreement with the paper is by construction.
    Found
        How the search went.

    Raises
    ------
    ConfigError
        If no frame of patients is known for the study, or the checkpoint is of another search.
    """
    if study.name != "rr-all":
        raise ConfigError(
            f"reconstruct: study '{study.name}' has no frame of patients to start from; only "
            "rr-all has one."
        )
    ledger = load_ledger(study)
    rng = np.random.default_rng(random_state)
    people = lay_out_patients(rng, ledger)
    found = search(
        people,
        ledger,
        study,
        PLAN,
        random_state=random_state,
        schedule=schedule,
        checkpoint=checkpoint,
        tell=tell,
    )
    people.update(found.columns)
    finish(rng, people, ledger)
    return as_text(_number(people), study), found


def lay_out_patients(rng: np.random.Generator, ledger: Ledger) -> Patients:
    """Lay out patients who satisfy all counts, and times to start the search from.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    ledger : Ledger
        Published numbers.

    Returns
    -------
    Patients
        In order of entry.
    """
    printed = Printed(ledger)
    people = make_strata(rng, printed)
    add_categories(rng, people, printed)
    add_numbers(rng, people, printed)
    add_calendar(rng, people)
    add_times(rng, people, printed)
    add_blinatumomab(rng, people, printed)
    return people


def finish(rng: np.random.Generator, people: Patients, ledger: Ledger) -> None:
    """Add what does not bear on survival, after the search.

    Parameters
    ----------
    rng : Generator
        Source of uniform numbers.
    people : Patients
        As the search left them; columns are added.
    ledger : Ledger
        Published numbers.
    """
    printed = Printed(ledger)
    for flag in ("alive", "alive_in_cr", "sct", "lm4_cohort", "prior_asct"):
        people[flag] = people[flag].astype(bool)
    spread_by_rank(rng, people, "wbc", "pb_blasts", 1.2)
    spread_by_rank(rng, people, "bm_blasts", "pb_blasts", 1.5)
    add_response(rng, people, printed)
    add_transplant(rng, people, printed)
    describe_blinatumomab(rng, people, printed)
    add_sos(rng, people, printed)
    add_courses(rng, people, printed)
    add_toxicity(rng, people, printed)
    add_blood_counts(rng, people, printed)
    people["followup_months"] = np.where(people["alive"], people["os_months"], np.nan)


def _number(people: Patients) -> Patients:
    """Give patients numbers in the order of entry: who came first could be followed longest."""
    order = np.argsort(-people["seen_until"], kind="stable")
    numbered = {name: column[order] for name, column in people.items()}
    return numbered | {"patient_no": np.arange(1, order.size + 1)}


def as_text(people: Patients, study: Study) -> pd.DataFrame:
    """Give the columns that a study's file has, as text.

    Parameters
    ----------
    people : Patients
        Finished.
    study : Study
        Names and order of the columns.

    Returns
    -------
    DataFrame of shape (n_patients, n_columns)
        Empty where a patient has no value.
    """
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


def write_patients(table: pd.DataFrame, path: Path, *, study: Study, random_state: int) -> None:
    """Write patients as CSV (UTF-8, commas, one line each), whole or not at all.

    The lines before the column names say what the file is, how it was made, and the hash of the
    rest.

    Parameters
    ----------
    table : DataFrame
        From :func:`reconstruct_cohort`.
    path : Path
        File to write.
    study : Study
        Whose cohort it is.
    random_state : int
        Seed it was made with.
    """
    rows = table.to_csv(index=False, lineterminator="\n").encode()
    statement = study.cohort.statement if study.cohort else RECONSTRUCTED
    says = [
        statement,
        f"Study {study.name}, seed {random_state}. SHA-256 of the lines below: {digest(rows)}",
    ]
    head = "".join(f"# {line}\n" for line in says).encode()
    half = path.with_name(path.name + ".part")
    half.write_bytes(head + rows)
    os.replace(half, path)


def digest(rows: bytes) -> str:
    """Give the SHA-256 of the lines below the header, in hexadecimal.

    Parameters
    ----------
    rows : bytes
        Column names and patients, as they stand in the file.

    Returns
    -------
    str
        64 digits.
    """
    return hashlib.sha256(rows).hexdigest()
