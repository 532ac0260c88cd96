"""Check patients against a study and say what was found."""

from __future__ import annotations

from pathlib import Path

from allsurv.cohort import Cohort, load_cohort, read_cohort
from allsurv.study import load_study

__all__ = ["check_command"]


def check_command(cohort: str, study: str) -> None:
    """Print what a sound cohort holds; a faulty one raises with every fault."""
    facts = load_study(study)
    patients = read_cohort(cohort, facts) if Path(cohort).suffix else load_cohort(cohort)
    print(_summary(patients))


def _summary(cohort: Cohort) -> str:
    lines = [
        f"{cohort.n} patients agree with study '{cohort.study.name}'. {cohort.source.statement}"
    ]
    for endpoint in cohort.study.endpoints.values():
        y = cohort.eligible(endpoint.name).y(endpoint.name)
        lines.append(f"  {endpoint.label}: {len(y)} patients, {int(y['event'].sum())} events")
    present = set(cohort.frame.columns)
    absent = [name for name in cohort.study.variables if name not in present]
    lines.append(f"  {len(present)} variables present, {len(absent)} of the study absent")
    return "\n".join(lines)
