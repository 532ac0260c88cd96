"""Check patients against a study and say what was found."""

from __future__ import annotations

from pathlib import Path

from allsurv.cohort import Cohort, load_cohort, read_cohort, write_cohort
from allsurv.cohort.deaths import CENSORS_DEATHS, censors_deaths
from allsurv.cohort.histories import state_histories
from allsurv.cohort.missing import check_missing, complete_cases
from allsurv.dictionary import Variable
from allsurv.errors import ConfigError
from allsurv.files import FileAnswers
from allsurv.policy import CMS
from allsurv.study import load_study
from allsurv.study.spec import Endpoint, Missing, Study

__all__ = ["check_command"]

HANDLING = {
    "complete cases": "leaves them out",
    "impute": "imputes it",
    "level": "counts not known as a level of its own",
    "refuse": "refuses it",
}


def check_command(
    cohort: str, study: str, answers: FileAnswers | None = None, out: Path | None = None
) -> None:
    """Print what a sound cohort holds; a faulty one raises with every fault."""
    facts = load_study(study)
    if out is not None and out.exists():
        raise ConfigError(f"--out: {out} is there already; name another file.")
    is_file = bool(Path(cohort).suffix)
    patients = read_cohort(cohort, facts, answers=answers) if is_file else load_cohort(cohort)
    prediction = facts.prediction
    check_missing(
        patients,
        predictors=prediction.predictors,
        endpoint=prediction.endpoint,
        missing=prediction.missing,
    )
    print(_summary(patients))
    if out is not None:
        print(f"  Written as understood: {write_cohort(patients, out)}")


def _as_read(variable: Variable, study: Study) -> str:
    """Say how the column of a file was turned into the variable, if it was."""
    said = []
    between = study.dates.get(variable.name)
    if between is not None:
        said.append(
            f"days from '{between.first}' to '{between.last}' read in {variable.unit}; the dates "
            "are not kept"
        )
    elif variable.column_unit:
        said.append(f"'{variable.column}' in {variable.column_unit} read in {variable.unit}")
    if variable.zero_as is not None:
        unit = variable.column_unit or variable.unit
        said.append(f"0 read as {variable.zero_as:g} {unit}")
    if variable.missing_codes:
        codes = ", ".join(map(str, variable.missing_codes))
        said.append(f"{codes} read as missing")
    return f"  {variable.label}: {'; '.join(said)}" if said else ""


def _missing(cohort: Cohort) -> list[str]:
    """Say how the study file handles missing values, of the prediction and of each analysis."""
    study, prediction = cohort.study, cohort.study.prediction
    patients = cohort.eligible(prediction.endpoint)
    complete = complete_cases(patients, prediction.predictors)
    lines = [_handled("Prediction", prediction.missing, patients, complete)]
    for analysis in study.analyses.values():
        if {*analysis.columns, *analysis.population} <= set(cohort.frame.columns):
            patients = cohort.eligible(analysis.endpoint).where(analysis.population)
            complete = patients.known(analysis.columns)
            name = f"Analysis '{analysis.name}'"
            lines.append(_handled(name, analysis.missing, patients, complete))
    return lines


def _handled(who: str, how: Missing, patients: Cohort, complete: Cohort) -> str:
    n_missing = patients.n - complete.n
    if not n_missing:
        return ""
    small = CMS.is_small(n_missing)
    some = f"fewer than {CMS.threshold}" if small else str(n_missing)
    return f"  A value is missing in {some} of {patients.n} patients. {who} {HANDLING[how]}."


def _events(patients: Cohort, endpoint: Endpoint) -> str:
    if endpoint.kind == "event":
        n_events = int(patients.follow_up(endpoint.name)["event"].sum())
        late = f", delayed entry ('{endpoint.entry}')" if endpoint.entry else ""
        return f"{patients.n} patients, {n_events} events{late}"
    if endpoint.kind == "states":
        rows = state_histories(patients, endpoint.name)
        return f"{patients.n} patients, {int((rows['state'] != rows['to']).sum())} moves"
    outcome = patients.competing(endpoint.name)
    counts = zip(outcome.labels, outcome.counts().values(), strict=True)
    causes = "; ".join(f"{label} {n}" for label, n in counts)
    return f"{patients.n} patients; {causes}; censored {int((outcome.cause == 0).sum())}"


def _summary(cohort: Cohort) -> str:
    lines = [
        f"{cohort.n} patients agree with study '{cohort.study.name}'. {cohort.source.statement}"
    ]
    understood = cohort.source.understood
    lines += [f"  Read as: {'; '.join(understood)}"] * bool(understood)
    for endpoint in cohort.study.endpoints.values():
        lines.append(f"  {endpoint.label}: {_events(cohort.eligible(endpoint.name), endpoint)}")
        patients = cohort.eligible(endpoint.name)
        lines += [f"    {CENSORS_DEATHS}"] * bool(censors_deaths(patients, endpoint.name).any())
    present = set(cohort.frame.columns)
    absent = [name for name in cohort.study.variables if name not in present]
    lines.append(f"  {len(present)} variables present, {len(absent)} of the study absent")
    lines += [f"  Absent: {', '.join(absent)}"] * bool(absent)
    lines += [
        _as_read(v, cohort.study) for v in cohort.study.variables.values() if v.name in present
    ]
    lines += _missing(cohort)
    ignored = cohort.source.ignored
    lines += [f"  Ignored, as the study file says: {', '.join(ignored)}"] * bool(ignored)
    lines = [line for line in lines if line]
    return "\n".join(lines)
