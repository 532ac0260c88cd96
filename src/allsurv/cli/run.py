"""The main job: experiment, figures, card, tracking, and what a reader must know at the end."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from allsurv.cli.folders import NewFolder
from allsurv.cli.progress import Progress
from allsurv.disclosure.scanner import check_artefacts
from allsurv.experiment import Result, read_config, run_experiment
from allsurv.experiment.config import Config
from allsurv.experiment.presets import default_experiment
from allsurv.experiment.run import open_cohort
from allsurv.experiment.unfinished import open_job
from allsurv.study import load_study
from allsurv.validation import MEASURES
from allsurv.validation.engine import engine

__all__ = ["run_command"]

UNFINISHED = Path("runs") / ".unfinished"


def run_command(
    config_file: Path | None,
    asked: Mapping[str, str],
    out: str | None,
    *,
    trusted: Collection[str] = (),
    engine_name: str = "local",
    scheduler: str = "",
) -> None:
    """Carry out an experiment and leave everything a reader needs in one folder and in MLflow."""
    config = read_config(config_file or default_experiment(), asked, trusted=trusted)
    cohort = open_cohort(config, load_study(config.study))
    from allsurv.tracking import mark_killed, open_run, register

    with (
        NewFolder(Path(out) if out else _default_folder(config)) as made,
        open_job(UNFINISHED, config) as job,
        Progress(sys.stderr) as progress,
        open_run("allsurv", config.name) as tracked,
    ):
        job.name_run(tracked.run_id)
        mark_killed(job.take_over(), resumed_by=tracked.run_id)
        with engine(engine_name, scheduler):
            result = run_experiment(config, cohort=cohort, progress=progress, finished=job.finished)
        progress("write", 0, 3)
        write_outputs(result, made.part, n_jobs=config.jobs)
        check_artefacts(sorted(made.part.rglob("*")), cohort, config.policy)
        folder = made.finish()
        progress("write", 1, 3)
        tracked.log(result, folder)
        progress("write", 2, 3)
        address = register(result, folder)
        progress("write", 3, 3)
    print(_summary(result, folder, address, tracked.run_id))


def write_outputs(result: Result, folder: Path, *, n_jobs: int = 1) -> None:
    """Write results, tables, models, figures and card."""
    from allsurv.cli.card import STUDY_FILE, write_cards
    from allsurv.plots import write_figures

    result.write(folder)
    if result.study.path:
        shutil.copyfile(result.study.path, folder / STUDY_FILE)
    write_figures(
        result.tables,
        folder / "figures",
        caption=result.provenance.source_statement,
        unit=result.study.time.unit,
        n_jobs=n_jobs,
    )
    write_cards(folder, result.study)


def _default_folder(config: Config) -> Path:
    return Path("runs") / config.name / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def _summary(result: Result, folder: Path, address: str, run_id: str) -> str:
    lines = [
        "",
        f"Done: {result.provenance.n} patients, {result.provenance.n_events} events, "
        f"study {result.provenance.study}.",
        f"  Card       {folder / 'card.html'}",
        f"  Results    {folder / 'results.json'}, tables/, figures/, models/",
        f"  MLflow     run {run_id}; risk model {address}",
        f"  Model      {result.chosen}: {_how_good(result)}",
        "",
        "What you must know",
        *(f"  - {text}" for text in result.statements.values()),
    ]
    return "\n".join(lines)


def _how_good(result: Result) -> str:
    from allsurv.cards.words import interval

    table = result.tables["performance"]
    headline = [name for name, measure in MEASURES.items() if measure.headline]
    rows = table[(table["model"] == result.chosen) & table["measure"].isin(headline)]
    said = []
    for row in rows.itertuples():
        at = "" if math.isnan(row.horizon) else f" at {row.horizon:g}"
        said.append(f"{row.label}{at} {interval(row.estimate, row.lower, row.upper)}")
    return "; ".join(said)
