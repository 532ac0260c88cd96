"""The main job: experiment, figures, card, tracking, and what a reader must know at the end."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from allsurv.cli.folders import NewFolder
from allsurv.cli.progress import Progress
from allsurv.disclosure.scanner import check_artefacts
from allsurv.experiment import Result, read_config, run_endpoints
from allsurv.experiment.config import Config
from allsurv.experiment.plans import others_of
from allsurv.experiment.presets import default_experiment
from allsurv.experiment.run import check_run, open_cohort
from allsurv.experiment.unfinished import open_job
from allsurv.study import load_study
from allsurv.validation import MEASURES
from allsurv.validation.engine import engine

if TYPE_CHECKING:
    from allsurv.tracking.runs import ExperimentRun

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
    runs = [check_run(one, cohort) for one in config.each_endpoint(cohort.study)]
    from allsurv.tracking import mark_killed, open_run

    with (
        NewFolder(Path(out) if out else _default_folder(config)) as made,
        open_job(UNFINISHED, config) as job,
        Progress(sys.stderr) as progress,
        open_run("allsurv", config.name) as tracked,
    ):
        job.name_run(tracked.run_id)
        mark_killed(job.take_over(), resumed_by=tracked.run_id)
        with engine(engine_name, scheduler):
            results = run_endpoints(config, cohort=cohort, progress=progress, finished=job.finished)
        steps = 3 * len(results)
        for done, (endpoint, result) in enumerate(results.items()):
            progress("write", done, steps)
            write_outputs(result, _place(made.part, endpoint, results), n_jobs=config.jobs)
        if len(results) > 1:
            from allsurv.cards import write_overview

            write_overview(results, made.part / "index.html")
        files = sorted(made.part.rglob("*"))
        for patients in (cohort, *others_of(runs[0].validation)):
            check_artefacts(files, patients, config.policy)
        folder = made.finish()
        said = _track(results, folder, tracked, progress)
    print("\n".join(said))


def _place(folder: Path, endpoint: str, results: Mapping[str, Result]) -> Path:
    """Give a single endpoint the whole folder, each of several one of its own."""
    return folder if len(results) == 1 else folder / endpoint


def _track(
    results: Mapping[str, Result], folder: Path, tracked: ExperimentRun, progress: Progress
) -> list[str]:
    """Log and register what was found, each of several endpoints in a run of its own."""
    from allsurv.tracking import open_endpoint_run, register

    said, steps = [], 3 * len(results)
    for number, (endpoint, result) in enumerate(results.items()):
        place, done = _place(folder, endpoint, results), len(results) + 2 * number
        progress("write", done, steps)
        with open_endpoint_run(tracked, endpoint if len(results) > 1 else "") as run:
            run.log(result, place)
            progress("write", done + 1, steps)
            address = register(result, place)
            said.append(_summary(result, place, address, run.run_id))
    progress("write", steps, steps)
    return said


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
