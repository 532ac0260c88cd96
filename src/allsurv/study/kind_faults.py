"""Whether what is asked of an endpoint can be asked of its kind."""

from __future__ import annotations

from collections.abc import Iterator

from allsurv.study.faults import Fault, Path
from allsurv.study.spec import Study

__all__ = ["kind_faults"]

HAS = {"competing": "has events that compete", "states": "has states"}


def kind_faults(study: Study) -> Iterator[Fault]:
    """Find questions about competing events or states that only one event can answer."""
    path: Path
    for name, finding in study.findings.items():
        path = ("findings", name, "endpoint")
        yield from _one_event(study, finding.endpoint, path, "a finding is about one event")
    if study.screening is not None:
        path = ("screening", "endpoint")
        yield from _one_event(
            study, study.screening.endpoint, path, "variables are screened on one"
        )
    for name, non_finding in study.non_findings.items():
        analysis = study.analyses.get(non_finding.analysis)
        if analysis is not None:
            path = ("non_findings", name, "analysis")
            yield from _one_event(
                study, analysis.endpoint, path, "a non-finding is about one event"
            )
    for name, analysis in study.analyses.items():
        kind = _kind(study, analysis.endpoint)
        here = ("analyses", name)
        for key in ("time_dependent", "interactions"):
            if kind in HAS and getattr(analysis, key):
                message = f"is for endpoints of one event; '{analysis.endpoint}' {HAS[kind]}."
                yield Fault((*here, key), message)
        if kind in HAS and analysis.missing == "impute":
            message = (
                f"values are not imputed where '{analysis.endpoint}' {HAS[kind]}; choose complete "
                "cases, level or refuse."
            )
            yield Fault((*here, "missing"), message)
    for name, comparison in study.comparisons.items():
        for key in ("landmark", "by_event", "against"):
            if _kind(study, comparison.endpoint) == "states" and getattr(comparison, key):
                message = "is not for endpoints with states, which are described from the start."
                yield Fault(("comparisons", name, key), message)


def _kind(study: Study, endpoint: str) -> str:
    found = study.endpoints.get(endpoint)
    return "" if found is None else found.kind


def _one_event(study: Study, endpoint: str, path: Path, why: str) -> Iterator[Fault]:
    kind = _kind(study, endpoint)
    if kind in HAS:
        yield Fault(path, f"'{endpoint}' {HAS[kind]}; {why}.")
