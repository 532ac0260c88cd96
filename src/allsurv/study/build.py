"""From the plain content of a study file, already held against the schema, to a Study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from allsurv.dictionary.variable import ALL_OTHERS, Derivation, Filter, Ignored, Scalar, Variable
from allsurv.study.evidence import Analysis, Comparison, Contrast, Finding, NonFinding, Scale
from allsurv.study.report import Screening, TableRow, Tabulation
from allsurv.study.spec import (
    Between,
    Cause,
    CohortFile,
    Endpoint,
    Event,
    Prediction,
    Rule,
    State,
    Study,
    TimeScale,
)

__all__ = ["build_scale", "build_study", "build_variable"]

Plain = Mapping[str, Any]


def build_study(content: Plain, *, path: str = "") -> Study:
    """Turn the content of a study file into a study."""
    return Study(
        name=content["name"],
        title=content["title"],
        citation=content["citation"],
        time=TimeScale(content["time"]["unit"], float(content["time"]["grid"])),
        variables={
            n: _read_variable(n, _in_some_unit(v, content["time"]["unit"]))
            for n, v in content["variables"].items()
        },
        endpoints=_named(content, "endpoints", _endpoint),
        prediction=_prediction(content["prediction"]),
        group=content.get("group"),
        death=content.get("death"),
        events=_named(content, "events", _event),
        landmarks=tuple(float(time) for time in content.get("landmarks", ())),
        comparisons=_named(content, "comparisons", _comparison),
        analyses=_named(content, "analyses", _analysis),
        findings=_named(content, "findings", _finding),
        non_findings=_named(content, "non_findings", lambda n, entry: NonFinding(n, **entry)),
        tables=_named(content, "tables", _tabulation),
        screening=_screening(content["screening"]) if "screening" in content else None,
        rules=tuple(
            Rule(**{**rule, "only_if": _filter(rule.get("only_if", {}))})
            for rule in content.get("rules", ())
        ),
        cohort=CohortFile(**content["cohort"]) if "cohort" in content else None,
        ledger=content.get("ledger"),
        card=content.get("card", {}),
        ignore=_ignored(content.get("ignore", ())),
        dates={n: _between(v) for n, v in content["variables"].items() if "between" in v},
        path=path,
    )


def _in_some_unit(line: Plain, unit: str) -> Plain:
    """Give a duration the unit of the study's time where it has none of its own."""
    return {"unit": unit, **line} if line.get("kind") == "duration" else line


def build_variable(name: str, line: Plain) -> Variable:
    """Turn one entry of the data dictionary into a variable.

    Parameters
    ----------
    name : str
        Its name.
    line : mapping
        What the JSON Schema of study files allows for a variable; the inverse of
        :func:`allsurv.dictionary.readonly.plain` too.

    Returns
    -------
    Variable
        With column, levels, reference and missing rule filled in where left out.

    Examples
    --------
    >>> build_variable("sex", {"label": "Sex", "kind": "nominal", "levels": ["f", "m"]}).reference
    'f'
    """
    given = {key: value for key, value in line.items() if value is not None and key != "name"}
    kind = given["kind"]
    derivation = _derivation(given.pop("derivation")) if "derivation" in given else None
    levels = tuple(_whole(level) for level in given.pop("levels", ()))
    if derivation is not None and not levels:
        levels = tuple(derivation.levels) or tuple(derivation.cases)
    known_levels = (True, False) if kind in {"binary", "marker"} else levels
    labels = given.pop("level_labels", {})
    by_text = {_text(level): level for level in known_levels}
    reference = given.pop("reference", None)
    if reference is None and kind in {"nominal", "ordinal"} and levels:
        reference = levels[0]
    may_be_missing = kind == "marker" or derivation is not None
    return Variable(
        name=name,
        column=given.pop("column", name),
        levels=levels,
        level_labels={by_text.get(_text(level), level): label for level, label in labels.items()},
        reference=_whole(reference),
        missing=given.pop("missing", "allowed" if may_be_missing else "refused"),
        only_if=_filter(given.pop("only_if", {})),
        derivation=derivation,
        missing_codes=_values(given.pop("missing_codes", ())),
        **given,
    )


def _read_variable(name: str, line: Plain) -> Variable:
    if "between" not in line:
        return build_variable(name, line)
    given = {key: value for key, value in line.items() if key not in ("between", "date_format")}
    column = {"column": _between(line).column, "column_unit": "days"}
    return build_variable(name, {**column, **given})


def _between(line: Plain) -> Between:
    first, last = line["between"]
    return Between(first, last, line.get("date_format", ""))


def _ignored(entry: Any) -> Ignored:
    return ALL_OTHERS if entry == ALL_OTHERS else tuple(entry)


def _named(content: Plain, section: str, build: Any) -> dict[str, Any]:
    return {name: build(name, entry) for name, entry in content.get(section, {}).items()}


def _text(level: Any) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)


def _whole(level: Any) -> Any:
    return int(level) if isinstance(level, float) and level.is_integer() else level


def _values(values: Any) -> tuple[Scalar, ...]:
    return tuple(_whole(value) for value in values)


def _filter(entry: Plain) -> Filter:
    return {
        name: _values(value) if isinstance(value, list | tuple) else _whole(value)
        for name, value in entry.items()
    }


def _filters(entries: Iterable[Plain]) -> tuple[Filter, ...]:
    return tuple(_filter(one) for one in entries)


def _derivation(entry: Plain) -> Derivation:
    return Derivation(
        op=entry["op"],
        sources=tuple(entry["sources"]),
        values=_values(entry.get("values", ())),
        threshold=entry.get("threshold"),
        levels={new: _values(old) for new, old in entry.get("levels", {}).items()},
        cases={new: _filter(who) for new, who in entry.get("cases", {}).items()},
        missing_as=entry.get("missing_as"),
    )


def _endpoint(name: str, entry: Plain) -> Endpoint:
    return Endpoint(
        name=name,
        **{
            **entry,
            "event": _filters(entry.get("event", ())),
            "population": _filter(entry.get("population", {})),
            "causes": _named(entry, "causes", _cause),
            "censored": _filters(entry.get("censored", ())),
            "states": _named(entry, "states", _state),
            "transitions": {n: tuple(to) for n, to in entry.get("transitions", {}).items()},
            "order": tuple(entry.get("order", ())),
        },
    )


def _state(name: str, entry: Plain) -> State:
    return State(name, entry["label"], entry["time"], _filter(entry["occurred"]))


def _cause(name: str, entry: Plain) -> Cause:
    return Cause(name, entry["label"], _filters(entry["event"]))


def _event(name: str, entry: Plain) -> Event:
    return Event(name=name, **{**entry, "occurred": _filter(entry["occurred"])})


def _prediction(entry: Plain) -> Prediction:
    names = ("predictors", "risk_groups", "subgroups")
    lists = {key: tuple(entry[key]) for key in names if key in entry}
    times = {
        key: tuple(float(value) for value in entry[key])
        for key in ("horizons", "risk_centiles", "thresholds")
        if key in entry
    }
    return Prediction(**{**entry, **lists, **times})


def _comparison(name: str, entry: Plain) -> Comparison:
    return Comparison(name=name, **{**entry, "population": _filter(entry.get("population", {}))})


def _analysis(name: str, entry: Plain) -> Analysis:
    return Analysis(
        name=name,
        **{
            **entry,
            "variables": tuple(entry["variables"]),
            "time_dependent": tuple(entry.get("time_dependent", ())),
            "interactions": tuple(map(tuple, entry.get("interactions", ()))),
            "scales": _scales(entry),
            "strata": tuple(entry.get("strata", ())),
            "population": _filter(entry.get("population", {})),
        },
    )


def _scales(entry: Plain) -> dict[str, Scale]:
    return {name: build_scale(scale) for name, scale in entry.get("scales", {}).items()}


def build_scale(entry: Plain) -> Scale:
    """Turn what a study file says of how a number enters a model into a scale."""
    knots = entry.get("knots", 0)
    if not isinstance(knots, int):
        knots = tuple(float(knot) for knot in knots)
    return Scale(float(entry.get("per", 1.0)), entry.get("transform", ""), knots)


def _tabulation(name: str, entry: Plain) -> Tabulation:
    rows = tuple(
        TableRow(
            **{
                **row,
                "event": _filter(row["event"]),
                "population": _filter(row.get("population", {})),
            }
        )
        for row in entry.get("rows", ())
    )
    return Tabulation(name=name, **{**entry, "rows": rows})


def _screening(entry: Plain) -> Screening:
    lists = ("variables", "univariable_only", "time_dependent", "kept", "strata")
    tuples = {key: tuple(entry[key]) for key in lists if key in entry}
    landmarks = {name: float(time) for name, time in entry.get("landmarks", {}).items()}
    scales = _scales(entry)
    return Screening(**{**entry, **tuples, "landmarks": landmarks, "scales": scales})


def _finding(name: str, entry: Plain) -> Finding:
    contrast = entry["contrast"]
    moved = Contrast(_whole(contrast["from"]), _whole(contrast["to"]), contrast.get("per"))
    carried = {"analysis_variable": entry["variable"], **entry, "contrast": moved}
    return Finding(name=name, **carried)
