"""Hold a cohort against every number its paper printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.errors import CheckFailed, ConfigError, StudyError
from allsurv.reproduction import ledger_summary, ledger_table, unmet
from allsurv.study import Ledger, Study, load_ledger, load_study

__all__ = ["check_reconstruction"]


def check_reconstruction(study: str, cohort: str, out: str) -> None:
    """Recompute every published number, print what agrees and what does not, and why."""
    definition = load_study(study)
    ledger = load_ledger(definition)
    patients = read_cohort(cohort, definition) if cohort else load_cohort(definition)
    table = ledger_table(patients, comparison=_comparison(ledger), ledger=ledger)
    if out:
        _write(table, Path(out))
    print("\n".join(_report(table, patients, ledger)))
    lost = unmet(table)
    if lost:
        raise CheckFailed(f"{patients.source.name} lost a match with the paper:\n" + _list(lost))


def _comparison(ledger: Ledger) -> Cohort | None:
    for name in ledger.cohorts.values():
        try:
            return load_cohort(name)
        except (StudyError, ConfigError):
            print(f"The cohort '{name}' that the paper compares with is not at hand.")
    return None


def _write(table: pd.DataFrame, path: Path) -> None:
    try:
        table.assign(source=table.attrs["source"]).to_csv(path, index=False, lineterminator="\n")
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise ConfigError(f"{path}: the table cannot be written ({reason}).") from None


def _report(table: pd.DataFrame, patients: Cohort, ledger: Ledger) -> Iterator[str]:
    study: Study = patients.study
    yield f"{patients.n} patients of study '{study.name}'. {patients.source.statement}"
    if "comparison_source" in table.attrs:
        yield f"Compared with another cohort. {table.attrs['comparison_source']}"
    yield "Published numbers that can hold jointly, recomputed at the printed precision:"
    yield ledger_summary(table).to_string(index=False)
    contradicted = table[table["status"] == "conflict"]
    joint = table.drop(index=contradicted.index)
    yield from _part("Do not match", joint[joint["match"].eq(False).fillna(False)])
    yield from _part("Cannot be recomputed", joint[joint["match"].isna()])
    yield from _part("Where the paper contradicts itself", contradicted)
    for issue in contradicted["issue"].unique():
        yield f"  {issue}: {ledger.issues[issue]}"


def _part(title: str, rows: pd.DataFrame) -> Iterator[str]:
    if rows.empty:
        return
    yield f"\n{title} ({len(rows)}):"
    for row in rows.itertuples():
        said = row.reason or f"Printed {row.printed}, recomputed {row.recomputed}."
        yield f"  {row.id} ({row.where}): {said}"


def _list(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"  {sentence}" for sentence in sentences)
