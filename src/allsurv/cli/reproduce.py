"""A paper's whole analysis: report, tables and figures in one folder, the safe part in MLflow."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from allsurv.cards import clear_previous, write_contents, write_documents, write_report
from allsurv.cli.progress import Progress
from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.errors import ConfigError, StudyError
from allsurv.plots import begin_figures
from allsurv.reproduction.items import Item, Reproduction, safe
from allsurv.study import Study, load_ledger, load_study

__all__ = ["reproduce_command"]

DRAWERS = 2
FIGURES = "figures"


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
    from allsurv.reproduction.paper import reproduce

    definition = load_study(study)
    patients = read_cohort(cohort, definition) if cohort else load_cohort(definition)
    folder = clear_previous(out or _default_folder(definition))
    comparison = _comparison(definition)
    with Progress(sys.stderr) as progress:
        found = reproduce(patients, comparison=comparison, show_bias=show_bias, progress=progress)
        run_id = _write_and_track(found, folder, progress)
    print(_summary(found, folder, run_id))


def _write_and_track(found: Reproduction, folder: Path, progress: Progress) -> str:
    """Write everything for the study team; track what the stricter policy shows."""
    shown = safe(found)
    with TemporaryDirectory() as place:
        outside = Path(place)
        same = [item for item in shown if _looks_the_same(item, found)]
        jobs = [(item, folder / FIGURES) for item in found]
        jobs += [(item, outside / FIGURES) for item in shown if item not in same]
        progress("write", 0, 3)
        figures = begin_figures(jobs, found.study, caption=found.statement, n_jobs=DRAWERS)
        from allsurv.tracking import log_reproduction, open_run  # loads MLflow while they are drawn

        files = [*write_documents(found, folder), *write_documents(shown, outside), *figures]
        progress("write", 1, 3)
        files += _copied(same, folder / FIGURES, outside / FIGURES)
        _complete(found, folder, files)
        _complete(shown, outside, files)
        progress("write", 2, 3)
        with open_run("allsurv", f"reproduce-{found.study.name}") as tracked:
            log_reproduction(tracked.run_id, shown, outside)
        progress("write", 3, 3)
        return tracked.run_id


def _complete(reproduction: Reproduction, folder: Path, files: list[Path]) -> None:
    """Write the report and the list of what the folder holds."""
    inside = [file for file in files if file.is_relative_to(folder)]
    write_contents(reproduction, folder, [*inside, write_report(reproduction, folder)])


def _looks_the_same(item: Item, found: Reproduction) -> bool:
    """Tell whether nothing of an item had to be left out, so that its figure can be used again."""
    for other in found:
        if other.key == item.key:
            heads = (other.title, other.label, other.kind) == (item.title, item.label, item.kind)
            extras = other.extra.keys() == item.extra.keys() and all(
                other.extra[name] is table for name, table in item.extra.items()
            )
            return heads and extras and other.table is item.table
    return False


def _copied(items: list[Item], source: Path, target: Path) -> list[Path]:
    target.mkdir(parents=True, exist_ok=True)
    names = [f"{item.key}{end}" for item in items for end in (".png", ".svg", ".csv")]
    names += [f"{item.key}-{name}.csv" for item in items for name in item.extra]
    present = [source / name for name in names if (source / name).is_file()]
    return [Path(shutil.copy2(file, target / file.name)) for file in present]


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
    lines = [
        "",
        f"Done: study {found.study.name}, {len(found)} tables and figures of {found.source.name}.",
        f"  Report     {folder / 'report.html'}",
        f"  Tables     {folder / 'tables.docx'}, tables/ (CSV, LaTeX)",
        f"  Figures    {folder / FIGURES} (PNG, SVG, their numbers as CSV)",
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

    ledgers = [item.table["match"] for item in found if item.kind == "ledger"]
    counts = [", ".join(f"{n} {name}" for name, n in tally(match).items()) for match in ledgers]
    return [f"  Ledger     published numbers: {said}" for said in counts]
