"""A paper's whole analysis: report, tables and figures in one folder, the safe part in MLflow."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from allsurv.cli.progress import Progress
from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.errors import ConfigError, StudyError
from allsurv.reproduction.items import Reproduction
from allsurv.study import Study, load_ledger, load_study

__all__ = ["reproduce_command", "write_reproduction"]

DRAWERS = 2


def reproduce_command(study: str, cohort: str, show_bias: bool, out: str) -> None:
    """Carry out the paper's analysis on a cohort and leave it ready to submit.

    Parameters
    ----------
    study : str
        Bundled name, or path of a study file.
    cohort : str
        CSV or Parquet file of patients; the study's own cohort where empty.
    show_bias : bool
        Show, beside each analysis that immortal time would bias, what the bias does.
    out : str
        Folder for the results; ``runs/reproduce-<study>/<time>`` where empty.
    """
    from allsurv.cards import clear_previous
    from allsurv.reproduction.paper import reproduce

    definition = load_study(study)
    patients = read_cohort(cohort, definition) if cohort else load_cohort(definition)
    folder = clear_previous(out or _default_folder(definition))
    with Progress(sys.stderr) as progress:
        found = reproduce(
            patients,
            comparison=_comparison(definition),
            show_bias=show_bias,
            progress=progress,
        )
        progress("write", 0, 3)
        write_reproduction(found, folder)
        progress("write", 1, 3)
        run_id = _track(found, progress)
        progress("write", 3, 3)
    print(_summary(found, folder, run_id))


def write_reproduction(reproduction: Reproduction, folder: Path) -> None:
    """Write report, tables and figures, and what the folder holds.

    Parameters
    ----------
    reproduction : Reproduction
        The whole analysis.
    folder : Path
        Made if need be.
    """
    from allsurv.cards import write_contents, write_documents, write_report
    from allsurv.plots import write_items

    folder.mkdir(parents=True, exist_ok=True)
    study, statement = reproduction.study, reproduction.statement
    files = [
        *write_items(reproduction, study, folder / "figures", caption=statement, n_jobs=DRAWERS),
        *write_documents(reproduction, folder),
        write_report(reproduction, folder),
    ]
    write_contents(reproduction, folder, files)


def _track(found: Reproduction, progress: Progress) -> str:
    """Log what the stricter policy allows, from a folder of its own."""
    from allsurv.reproduction.items import safe
    from allsurv.tracking import log_reproduction, open_run

    shown = safe(found)
    with (
        TemporaryDirectory() as place,
        open_run("allsurv", f"reproduce-{found.study.name}") as tracked,
    ):
        write_reproduction(shown, Path(place))
        progress("write", 2, 3)
        log_reproduction(tracked.run_id, shown, place)
        return tracked.run_id


def _comparison(study: Study) -> Cohort | None:
    """Find the cohort that the paper compares with, if it is at hand."""
    try:
        names = load_ledger(study).cohorts.values()
        return next((load_cohort(name) for name in names), None)
    except (StudyError, ConfigError):
        return None


def _default_folder(study: Study) -> Path:
    return Path("runs") / f"reproduce-{study.name}" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def _summary(found: Reproduction, folder: Path, run_id: str) -> str:
    kinds = [item.kind for item in found]
    lines = [
        "",
        f"Done: study {found.study.name}, {len(kinds)} tables and figures of {found.source.name}.",
        f"  Report     {folder / 'report.html'}",
        f"  Tables     {folder / 'tables.docx'}, tables/ (CSV, LaTeX)",
        "  Figures    figures/ (PNG, SVG, their numbers as CSV)",
        f"  MLflow     run {run_id}; no count under 11, no single patient",
        *_agreement(found),
        "",
        "What you must know",
        f"  - {found.statement}",
        f"  - Disclosure policy '{found.policy}': the folder is for the study team.",
    ]
    return "\n".join(lines)


def _agreement(found: Reproduction) -> list[str]:
    from allsurv.cards.printed import tally

    lines = []
    for item in found:
        if item.kind == "ledger":
            counts = ", ".join(f"{n} {name}" for name, n in tally(item.table["match"]).items())
            lines.append(f"  Ledger     {len(item.table)} published numbers: {counts}")
    return lines
