"""A paper's whole analysis: report, tables and figures in one folder, the safe part in MLflow."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from allsurv.cards import clear_previous, write_contents, write_documents, write_report
from allsurv.cli.progress import Progress
from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.disclosure.scanner import check_artefacts
from allsurv.plots import Drawers
from allsurv.reproduction.items import Item, Reproduction, safe
from allsurv.reproduction.paper import reproduce
from allsurv.reproduction.paper_ledger import VERDICTS
from allsurv.study import Study, load_study

__all__ = ["reproduce_command"]

FIGURES = "figures"
TRACKED_DPI = 100
"""Of the PNG in MLflow, which are for a look; the SVG beside them have any size."""


def reproduce_command(study: str, cohort: str, show_bias: bool, out: str) -> None:
    """Carry out the paper's analysis on a cohort and leave it ready to submit."""
    definition = load_study(study)
    patients = read_cohort(cohort, definition) if cohort else load_cohort(definition)
    folder = clear_previous(out or _default_folder(definition))
    with Progress(sys.stderr) as progress, TemporaryDirectory() as place:
        outside = Path(place)
        with Drawers(patients.study, caption=patients.source.statement) as drawers:
            found = _analyse(patients, show_bias, drawers, folder, outside, progress)
            shown = safe(found)
            files = [*write_documents(found, folder), *write_documents(shown, outside)]
            progress("write", 0, 3)
            # MLflow loads and opens its store while figures are drawn.
            from allsurv.tracking import log_reproduction, open_run

            with open_run("allsurv", f"reproduce-{definition.name}") as tracked:
                files += drawers.finish()
                progress("write", 1, 3)
                for reproduction, where in ((found, folder), (shown, outside)):
                    _complete(reproduction, where, files)
                check_artefacts(sorted(outside.rglob("*")), patients)
                progress("write", 2, 3)
                log_reproduction(tracked.run_id, shown, outside)
        progress("write", 3, 3)
    print(_summary(found, folder, tracked.run_id))


def _analyse(
    cohort: Cohort,
    show_bias: bool,
    drawers: Drawers,
    folder: Path,
    outside: Path,
    progress: Progress,
) -> Reproduction:
    """Work everything out; figures are begun at once: exact ones here, safe ones outside."""

    def draw(item: Item) -> None:
        drawers.draw(item, folder / FIGURES)
        if item.safe is not None:
            drawers.draw(item.safe, outside / FIGURES, dpi=TRACKED_DPI)

    return reproduce(cohort, show_bias=show_bias, progress=progress, each=draw)


def _complete(reproduction: Reproduction, folder: Path, files: Iterable[Path]) -> None:
    """Write the report and the list of what the folder holds."""
    inside = [file for file in files if file.is_relative_to(folder)]
    write_contents(reproduction, folder, [*inside, write_report(reproduction, folder)])


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
    tallies = [item.extra["tally"] for item in found if item.kind == "ledger"]
    counts = [
        ", ".join(f"{tally[name].sum()} {name.replace('_', ' ')}" for name in VERDICTS)
        for tally in tallies
    ]
    return [f"  Ledger     published numbers: {said}" for said in counts]
