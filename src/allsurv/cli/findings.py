"""Published findings: whether their numbers agree, and how often a study would find them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from allsurv.cli.progress import Progress
from allsurv.cohort import read_cohort
from allsurv.errors import CheckFailed, ConfigError
from allsurv.findings import check_findings, operating_characteristics
from allsurv.study import Study, load_ledger, load_study

__all__ = ["PowerOrder", "check_command", "power_command"]


@dataclass(frozen=True)
class PowerOrder:
    """What is simulated.

    Attributes
    ----------
    sizes : str
        Patients in a cohort; several by comma.
    n_cohorts : int
        Cohorts of each size.
    families : str
        Families of models, by comma.
    seed : int
        The same seed gives the same numbers.
    jobs : int
        Processes.
    out : str
        Folder for table and figure; none where empty.
    cohort : str
        CSV or Parquet file of patients to resemble; the study's own where empty.
    """

    sizes: str
    n_cohorts: int
    families: str
    seed: int
    jobs: int
    out: str
    cohort: str = ""


def check_command(study: str) -> None:
    """Print whether the published numbers agree with each other."""
    definition = load_study(study)
    table = check_findings(definition)
    print("\n".join([*_checked(definition, table), *_documented(definition)]))
    wrong = table[table["passes"].eq(False) & table["issue"].eq("")]
    if len(wrong):
        items = ", ".join(dict.fromkeys(wrong["label"]))
        raise CheckFailed(
            f"study '{definition.name}': printed numbers contradict each other: {items}."
        )


def _checked(study: Study, table: pd.DataFrame) -> Iterator[str]:
    columns = ["label", "check", "printed", "computed", "lowest", "highest", "passes"]
    findings = table["item"].isin(list(study.findings))
    yield "Published findings, each number against the others, to rounding:"
    yield _text(table.loc[findings, columns])
    others = table[~findings]
    failed = others[others["passes"].eq(False)]
    yield f"Other published numbers: {len(others)} checks, {len(failed)} fail."
    for row in failed.itertuples():
        why = f"known contradiction {row.issue}" if row.issue else "not explained"
        said = f"  {row.label}: {row.check}: printed {row.printed}"
        yield f"{'; '.join(filter(None, (said, row.note)))} ({why})"


def _documented(study: Study) -> Iterator[str]:
    """Tell the contradictions that the study's ledger knows of, with their reasons."""
    if study.ledger is None:
        return
    ledger = load_ledger(study)
    concerned: dict[str, list[str]] = {}
    for entry in ledger.entries.values():
        if entry.status in ("conflict", "rounding") and entry.issue:
            concerned.setdefault(entry.issue, []).append(entry.id)
    if concerned:
        yield "Known contradictions of the publication:"
    for issue in sorted(concerned):
        numbers = len(concerned[issue])
        noun = "number" if numbers == 1 else "numbers"
        yield f"  {issue} ({numbers} {noun}): {ledger.issues[issue]}"


def power_command(study: str, order: PowerOrder) -> None:
    """Print how often studies would find the published effects, were they true."""
    sizes = _sizes(order.sizes)
    families = tuple(part.strip() for part in order.families.split(",") if part.strip())
    definition = load_study(study)
    like = read_cohort(order.cohort, definition) if order.cohort else None
    with Progress(sys.stderr) as progress:
        table = operating_characteristics(
            definition,
            n=sizes,
            n_cohorts=order.n_cohorts,
            families=families,
            like=like,
            random_state=order.seed,
            n_jobs=order.jobs,
            progress=lambda done, total: progress("cohorts", done, total),
        )
    print("\n".join(_told(table)))
    if order.out:
        print(f"Table and figure: {_written(table, Path(order.out))}")


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"-n: {text!r}; give whole numbers by comma, as 110,200.") from None


def _told(table: pd.DataFrame) -> Iterator[str]:
    yield str(table.attrs["source"])
    for (n, family, protocol), part in table.groupby(["n", "family", "protocol"], sort=False):
        cohorts, events = int(part["n_cohorts"].iloc[0]), float(part["n_events"].iloc[0])
        yield f"\n{n} patients, {events:.0f} events, {family}: {protocol} ({cohorts} cohorts)"
        yield _text(part[part["truth"] == "effect"].pipe(_shown))
        nothing = part[part["truth"] != "effect"].sort_values("found", ascending=False)
        if len(nothing):
            alarms = (f"{r.label} {100 * float(r.found):.0f}" for r in nothing.itertuples())
            yield f"  No effect, yet found, of 100: {', '.join(alarms)}"
    yield (
        "\nFound: of 100 cohorts. Factor (type M): how far the effects that are found exceed the "
        "truth. Wrong sign (type S): of 100 found. Screening one by one also finds what merely "
        "goes along with a real effect."
    )


def _shown(part: pd.DataFrame) -> pd.DataFrame:
    def of_100(name: str) -> pd.Series:
        return (100 * part[name]).map("{:.1f}".format)

    return pd.DataFrame(
        {
            "effect": part["label"],
            "true HR": part["true_hazard_ratio"].map("{:.3f}".format),
            "found": of_100("found") + " (se " + of_100("found_se") + ")",
            "factor": part["type_m"].map("{:.2f}".format),
            "wrong sign": of_100("type_s"),
            "not fitted": part["n_failed"],
        }
    )


def _text(table: pd.DataFrame) -> str:
    found: str = table.to_string(index=False, float_format="{:.4g}".format)
    return found


def _written(table: pd.DataFrame, folder: Path) -> Path:
    from allsurv.plots import plot_power, write_figure

    title = "If the published effects were true: how often would a study find them?"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        table.assign(source=table.attrs["source"]).to_csv(folder / "power.csv", index=False)
        write_figure(plot_power(table, title=title), folder / "power")
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise ConfigError(f"{folder}: cannot be written ({reason}).") from None
    return folder
