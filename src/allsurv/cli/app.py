"""Commands: parse, call, print, exit code (0 done, 1 a check failed, 2 bad input or usage)."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from allsurv import __version__
from allsurv.cli.answers import answers_of
from allsurv.cli.extras import require
from allsurv.cli.numbers import numbers_of
from allsurv.errors import AllsurvError, CheckFailed, ConfigError
from allsurv.models.catalog import trainable

__all__ = ["app", "main"]

CHECK_FAILED, BAD_INPUT = 1, 2
SCORES = Path("scores.csv")
KNOWN = ",".join(trainable())
MODELS = f"By comma: {KNOWN}, or the import path of an estimator (sksurv.svm.FastSurvivalSVM)."
TRUST = "Packages, by comma, beside sksurv, whose estimators may be imported by path."

app = typer.Typer(
    name="allsurv",
    help="Prognostic survival models, held against published findings. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SheetOption = Annotated[str, typer.Option(help="Sheet of an Excel workbook; the first otherwise.")]
DecimalOption = Annotated[str, typer.Option(help="comma or point, if the file leaves it open.")]
SeparatorOption = Annotated[str, typer.Option(help="Character between cells, if it does.")]
EncodingOption = Annotated[str, typer.Option(help="Such as cp1252 or mac_roman, if it does.")]
PATIENTS = "CSV, Excel, Parquet, Stata, SAS or SPSS file"
StudyOption = Annotated[str, typer.Option(help="Bundled study (rr-all, ebmt-all) or study file.")]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"allsurv {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Prognostic survival models, held against published findings. Research use only."""


def _path(given: str) -> Path | None:
    """Read an optional path; MLflow hands over an empty text where nothing was asked."""
    return Path(given) if given else None


@app.command()
def run(
    config: Annotated[
        str, typer.Option(help="Configuration of the experiment; the paper's otherwise.")
    ] = "",
    study: StudyOption = "",
    cohort: Annotated[str, typer.Option(help=f"{PATIENTS} of patients.")] = "",
    models: Annotated[str, typer.Option(help=MODELS)] = "",
    trust: Annotated[str, typer.Option(help=TRUST)] = "",
    horizons: Annotated[str, typer.Option(help="Horizons, by comma, in the study's unit.")] = "",
    preset: Annotated[str, typer.Option(help="quick, full, or a file of choices.")] = "",
    out: Annotated[str, typer.Option(help="Folder for the results.")] = "",
    engine: Annotated[str, typer.Option(help="Where refits run: local or dask.")] = "local",
    scheduler: Annotated[str, typer.Option(help="Address of the Dask scheduler.")] = "",
) -> None:
    """Train, validate and compare models, write the card, track the run in MLflow.

    Example: allsurv run --study ebmt-all --preset quick
    """
    require("run", "train", "track", "report")
    from allsurv.cli.run import run_command

    asked = {
        "study": study,
        "cohort": cohort,
        "models": models,
        "horizons": horizons,
        "preset": preset,
    }
    given = {key: value for key, value in asked.items() if value}
    run_command(
        _path(config),
        given,
        out or None,
        trusted=tuple(filter(None, (name.strip() for name in trust.split(",")))),
        engine_name=engine or "local",
        scheduler=scheduler,
    )


@app.command()
def check(
    cohort: Annotated[str, typer.Argument(help=f"Bundled cohort, or {PATIENTS}.")],
    study: StudyOption = "rr-all",
    sheet: SheetOption = "",
    decimal: DecimalOption = "",
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
    out: Annotated[
        str, typer.Option(help="Write the patients as understood: .csv, .xlsx or .parquet.")
    ] = "",
) -> None:
    """Check patients against a study's data dictionary; every fault is named at once.

    Example: allsurv check patients.csv --study rr-all

    Example: allsurv check patients.xlsx --sheet Data --study mine.yaml --out patients.csv
    """
    from allsurv.cli.check import check_command

    check_command(cohort, study, answers_of(sheet, decimal, separator, encoding), _path(out))


@app.command()
def init(
    patients: Annotated[Path, typer.Argument(help=PATIENTS + ".")],
    out: Annotated[Path, typer.Option(help="Study file to write.")] = Path("study.yaml"),
    name: Annotated[str, typer.Option(help="Name of the study; the file's otherwise.")] = "",
    time: Annotated[str, typer.Option(help="Column of follow-up, if its name hides it.")] = "",
    event: Annotated[str, typer.Option(help="Column of the event, such as status=2.")] = "",
    unit: Annotated[str, typer.Option(help="days, weeks, months or years, if no name says.")] = "",
    sheet: SheetOption = "",
    decimal: DecimalOption = "",
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
) -> None:
    """Draft a study file from a file of patients: guesses with reasons, and questions.

    Example: allsurv init patients.csv --out study.yaml

    Example: allsurv init lung.csv --time time --event status=2 --unit days --out lung.yaml
    """
    from allsurv.cli.init import init_command

    asked = {"name": name, "time": time, "event": event, "unit": unit}
    init_command(patients, out, asked, answers_of(sheet, decimal, separator, encoding))


bring = typer.Typer(help="Make a study file and a cohort of another system's files.")
app.add_typer(bring, name="import", no_args_is_help=True)
FolderOption = Annotated[Path, typer.Option(help="Folder for study.yaml and patients.csv.")]
NameOption = Annotated[str, typer.Option(help="Name of the study.")]


@bring.command()
def redcap(
    dictionary: Annotated[Path, typer.Argument(help="Data dictionary of the project, CSV.")],
    export: Annotated[Path, typer.Argument(help="Export of its records, CSV.")],
    out: FolderOption = Path("study"),
    name: NameOption = "",
    start: Annotated[str, typer.Option(help="Date field at which follow-up starts.")] = "",
    end: Annotated[str, typer.Option(help="Date field of death or last contact.")] = "",
    time: Annotated[str, typer.Option(help="Field of follow-up, if its name hides it.")] = "",
    event: Annotated[str, typer.Option(help="Field of the event, such as status=2.")] = "",
    unit: Annotated[str, typer.Option(help="days, weeks, months or years, if no name says.")] = "",
) -> None:
    """Make a study file and a cohort of a REDCap project; identifiers are left out.

    Example: allsurv import redcap dictionary.csv export.csv --start treated --end last_seen
    --event died --out study
    """
    from allsurv.cli.bring import redcap_command

    asked = {"start": start, "end": end, "time": time, "event": event, "unit": unit}
    redcap_command(dictionary, export, out, {"name": name, **asked})


@bring.command()
def adam(
    adsl: Annotated[Path, typer.Argument(help="ADSL: SAS transport, SAS, CSV or Excel.")],
    adtte: Annotated[Path, typer.Argument(help="ADTTE, likewise.")],
    out: FolderOption = Path("study"),
    name: NameOption = "",
    unit: Annotated[str, typer.Option(help="Unit of AVAL, if the data set does not say it.")] = "",
) -> None:
    """Make a study file and a cohort of ADaM data sets; exchanged censoring codes are refused.

    Example: allsurv import adam adsl.xpt adtte.xpt --out study
    """
    from allsurv.cli.bring import adam_command

    adam_command(adsl, adtte, out, {"name": name, "unit": unit})


@app.command()
def score(
    patients: Annotated[Path, typer.Argument(help=f"{PATIENTS} of new patients.")],
    model: Annotated[str, typer.Option(help="Folder, models:/NAME@ALIAS or runs:/ID/PATH.")],
    out: Annotated[Path, typer.Option(help="CSV, Excel or Parquet file for the risks.")] = SCORES,
    horizons: Annotated[str, typer.Option(help="Horizons, by comma, in the study's unit.")] = "",
    explain: Annotated[bool, typer.Option(help="What each variable adds.")] = False,
    on_error: Annotated[
        Literal["raise", "report"], typer.Option(help="Stop at faulty rows, or write their reason.")
    ] = "raise",
    trusted_units: Annotated[
        str, typer.Option(help="Variables, by comma, whose unit is right though it looks wrong.")
    ] = "",
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    sheet: SheetOption = "",
    decimal: DecimalOption = "",
    separator: SeparatorOption = "",
    encoding: EncodingOption = "",
) -> None:
    """Score new patients with a saved risk model; streams large files and resumes.

    Example: allsurv score new.csv --model models:/rr-all-os@candidate --out scores.csv
    """
    from allsurv.cli.score import score_command

    score_command(
        patients,
        model,
        out,
        horizons=numbers_of(horizons, "--horizons"),
        explain=explain,
        on_error=on_error,
        trusted_units=[name.strip() for name in trusted_units.split(",") if name.strip()],
        overwrite=overwrite,
        answers=answers_of(sheet, decimal, separator, encoding),
    )


@app.command()
def serve(
    model: Annotated[str, typer.Option(help="Folder, models:/NAME@ALIAS or runs:/ID/PATH.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    max_rows: Annotated[int, typer.Option(help="Patients in a request, at most.", min=1)] = 1000,
    max_bytes: Annotated[int, typer.Option(help="Bytes in a request, at most.", min=1)] = 1_000_000,
    without_token: Annotated[
        bool, typer.Option("--without-token", help="Ask no client for a token.")
    ] = False,
) -> None:
    """Offer a saved risk model as a small web service; nothing about patients is logged.

    Beyond this machine, clients must send the token in the environment variable ALLSURV_TOKEN.

    Example: allsurv serve --model models:/rr-all-os@champion --port 8000
    """
    require("serve", "serve")
    from allsurv.cli.serve import serve_command

    serve_command(
        model,
        host=host,
        port=port,
        max_rows=max_rows,
        max_bytes=max_bytes,
        without_token=without_token,
    )


@app.command()
def promote(
    name: Annotated[str, typer.Argument(help="Registered model, such as rr-all-os.")],
    version: Annotated[str, typer.Option(help="Version or alias to promote.")] = "candidate",
    alias: Annotated[str, typer.Option(help="Alias to give it.")] = "champion",
    thresholds: Annotated[
        str, typer.Option(help="YAML file of thresholds; the built-in ones otherwise.")
    ] = "",
    approval: Annotated[
        str, typer.Option(help="Record of the review, if it is not with the run.")
    ] = "",
) -> None:
    """Make a registered risk model the champion, if its card is approved and it is good enough.

    Example: allsurv promote rr-all-os --version candidate
    """
    require("promote", "track")
    from allsurv.cli.promote import promote_command

    promote_command(name, version, alias, _path(thresholds), _path(approval))


@app.command()
def card(
    run: Annotated[str, typer.Argument(help="Folder a run has written, or runs:/ID.")],
    study: Annotated[str, typer.Option(help="Study, if it is not a bundled one.")] = "",
    author: Annotated[str, typer.Option(help="YAML of what an author says.")] = "",
    out: Annotated[
        str, typer.Option(help="One face: .html .md .xml .docx .json, calculator.html.")
    ] = "",
    release: Annotated[bool, typer.Option(help="Refuse what is incomplete.")] = False,
    check: Annotated[bool, typer.Option(help="Recompute every number.")] = False,
    approve: Annotated[bool, typer.Option("--approve", help="Sign off the card.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Refuse the card.")] = False,
    reviewer: Annotated[str, typer.Option(help="Who decides.")] = "",
    statement: Annotated[str, typer.Option(help="In which words.")] = "",
    diff: Annotated[str, typer.Option(help="Another run to compare with.")] = "",
    previous: Annotated[str, typer.Option(help="Run of the card before: lists changes.")] = "",
) -> None:
    """Write, check, review or compare the model card of a run.

    Example: allsurv card runs/001-paper/20261122T103000Z --out card.html
    """
    require("card", "report", *(["track"] if run.startswith("runs:/") else []))
    from allsurv.cli.card import CardOrder, card_command

    if approve and reject:
        raise typer.BadParameter("choose one of --approve and --reject.")
    decision = "approved" if approve else "rejected" if reject else ""
    card_command(
        CardOrder(
            run=run,
            study=study,
            author=_path(author),
            out=_path(out),
            release=release,
            check=check,
            decision=decision,
            reviewer=reviewer,
            statement=statement,
            other=diff,
            previous=previous,
        )
    )


@app.command()
def reproduce(
    study: StudyOption = "rr-all",
    cohort: Annotated[
        str, typer.Option(help=f"{PATIENTS} of patients; the study's own where left out.")
    ] = "",
    show_bias: Annotated[
        bool, typer.Option(help="Show what immortal time would do, side by side.")
    ] = False,
    out: Annotated[str, typer.Option(help="Folder for report, tables and figures.")] = "",
) -> None:
    """Carry out the paper's whole analysis: report, tables, figures, ready to submit.

    Example: allsurv reproduce --cohort patients.csv --study rr-all --out paper
    """
    require("reproduce", "train", "track", "report")
    from allsurv.cli.reproduce import reproduce_command

    reproduce_command(study, cohort, show_bias, out)


@app.command()
def reconstruct(
    study: StudyOption = "rr-all",
    check: Annotated[
        bool, typer.Option("--check", help="Recompute every published number from the cohort.")
    ] = False,
    cohort: Annotated[
        str, typer.Option(help=f"{PATIENTS} to check; the study's own where left out.")
    ] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same patients.")] = 1,
    out: Annotated[str, typer.Option(help="CSV file for what is written.")] = "",
) -> None:
    """Reconstruct a cohort from what its paper printed, or check one against it.

    Example: allsurv reconstruct --study rr-all --seed 1 --out cohort.csv

    Example: allsurv reconstruct --check --out agreement.csv
    """
    require("reconstruct", "train")
    if check:
        from allsurv.cli.reconstruct import check_reconstruction

        check_reconstruction(study, cohort, out)
        return
    if not out:
        raise ConfigError(
            "reconstruct: say what to do; --out FILE writes a cohort, --check recomputes the "
            "published numbers."
        )
    if find_spec("allsurv.reconstruct") is None:
        raise ConfigError(
            "reconstruct: the search that made the embedded cohort is not part of the installed "
            "package; run it in a checkout of the repository. --check works here."
        )
    from allsurv.cli.reconstruct_build import build_reconstruction

    build_reconstruction(study, seed, out)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="CSV or Parquet file for the patients.")],
    study: StudyOption = "rr-all",
    n: Annotated[int, typer.Option("-n", help="Number of patients.")] = 110,
    seed: Annotated[int, typer.Option(help="The same seed draws the same patients.")] = 0,
    effects: Annotated[
        str,
        typer.Option(
            help="Log hazard ratios put in, as pb_blasts=0.014,sct=-0.3; none; the published ones "
            "where left out."
        ),
    ] = "",
) -> None:
    """Draw patients like the study's, of any number, with known effects put in.

    Example: allsurv simulate --study rr-all -n 1000 --seed 1 --out simulated.csv
    """
    require("simulate", "train")
    from allsurv.cli.simulate import simulate_command

    simulate_command(study, n, seed, effects, out)


@app.command()
def findings(
    study: StudyOption = "",
    check: Annotated[
        bool, typer.Option("--check", help="Hold the published numbers against each other.")
    ] = False,
    power: Annotated[
        bool,
        typer.Option("--power", help="How often would a study find the effects, were they true?"),
    ] = False,
    n: Annotated[str, typer.Option("-n", help="Patients in a simulated cohort, by comma.")] = "110",
    cohorts: Annotated[int, typer.Option("-B", help="Simulated cohorts of each size.")] = 1000,
    families: Annotated[
        str, typer.Option(help=f"By comma: {KNOWN}; --power takes cox by itself.")
    ] = "",
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for all cores.")] = -1,
    out: Annotated[str, typer.Option(help="Folder for tables and figure.")] = "",
    compare: Annotated[
        bool, typer.Option("--compare", help="Hold models, fitted now, against each finding.")
    ] = False,
    cohort: Annotated[
        str,
        typer.Option(help=f"{PATIENTS} of patients: of --compare, or --power's to resemble."),
    ] = "",
    run: Annotated[
        str, typer.Option(help="Folder a run has written, or runs:/ID: how its models agreed.")
    ] = "",
    refits: Annotated[int, typer.Option(help="Refits behind each interval of --compare.")] = 25,
) -> None:
    """Check published numbers; hold models against them; simulate how often studies find them.

    Example: allsurv findings --cohort patients.csv --families cox,rsf --out agreement

    Example: allsurv findings --power -n 110 -B 1000 --out power
    """
    require("findings", "train", *(["report"] if out else []))
    from allsurv.cli.agreement import AgreementOrder, agreement_command
    from allsurv.cli.findings import PowerOrder, check_command, power_command

    compare = compare or bool(run) or (bool(cohort) and not power)
    if not (check or power or compare):
        raise ConfigError("findings: say what to do; --check, --power, --compare or --run.")
    if check:
        check_command(study or "rr-all")
    if compare:
        order = AgreementOrder(run, cohort, families, refits, seed, jobs, out)
        agreement_command(study, order)
    if power:
        kinds = families or "cox"
        power_command(study or "rr-all", PowerOrder(n, cohorts, kinds, seed, jobs, out, cohort))


def main() -> None:
    """Run the command line; an error of allsurv becomes one message and its exit code."""
    try:
        app()
    except CheckFailed as error:
        _fail(error, CHECK_FAILED)
    except AllsurvError as error:
        _fail(error, BAD_INPUT)


def _fail(error: AllsurvError, code: int) -> None:
    print(f"allsurv: {error}", file=sys.stderr)
    raise SystemExit(code)
