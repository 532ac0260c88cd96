"""All steps in order, and the file they end in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from allsurv.errors import ConfigError
from allsurv.reconstruct.rr_all.baseline import add_categories
from allsurv.reconstruct.rr_all.course import (
    add_blinatumomab,
    add_courses,
    add_response,
    add_transplant,
    describe_blinatumomab,
)
from allsurv.reconstruct.rr_all.numbers import add_numbers, spread_by_rank
from allsurv.reconstruct.rr_all.plan import PLAN
from allsurv.reconstruct.rr_all.printed import Printed
from allsurv.reconstruct.rr_all.sos import add_sos
from allsurv.reconstruct.rr_all.strata import make_strata
from allsurv.reconstruct.rr_all.survival import add_calendar, add_times
from allsurv.reconstruct.rr_all.toxicity import add_blood_counts, add_toxicity
from allsurv.reconstruct.search.draws import Patients
from allsurv.reconstruct.search.schedule import Found, Schedule, Tell, search
from allsurv.study.ledger import Ledger, load_ledger
from allsurv.study.spec import Study
from allsurv.whole_file import whole_file

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
    """Invent patients who satisfy what the paper prints of its cohort."""
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
    """Lay out patients who satisfy all counts, and times to start the search from."""
    printed = Printed(ledger)
    people = make_strata(rng, printed)
    add_categories(rng, people, printed)
    add_numbers(rng, people, printed)
    add_calendar(rng, people)
    add_times(rng, people, printed)
    add_blinatumomab(rng, people, printed)
    return people


def finish(rng: np.random.Generator, people: Patients, ledger: Ledger) -> None:
    """Add what does not bear on survival, after the search."""
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
    """Give the columns that a study's file has, as text."""
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
    """
    rows = table.to_csv(index=False, lineterminator="\n").encode()
    statement = study.cohort.statement if study.cohort else RECONSTRUCTED
    says = [
        statement,
        f"Study {study.name}, seed {random_state}. SHA-256 of the lines below: {digest(rows)}",
    ]
    head = "".join(f"# {line}\n" for line in says).encode()
    with whole_file(path) as part:
        part.write_bytes(head + rows)


def digest(rows: bytes) -> str:
    """Give the SHA-256 of the lines below the header, in hexadecimal."""
    return hashlib.sha256(rows).hexdigest()
