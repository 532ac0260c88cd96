"""A drafted study as YAML that reads as a person would have written it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from textwrap import wrap

from allsurv.drafting.entry import Entry, LeftOut
from allsurv.drafting.outcome import QUESTION, DraftEndpoint
from allsurv.drafting.plan import Plan

__all__ = ["study_text"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _/%^.+-]*[A-Za-z0-9%]|[A-Za-z]")
_WORDS = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])
_WIDTH = 110


def study_text(plan: Plan) -> str:
    """Write the study file."""
    lines = [
        *_comment(f"A draft, made from {plan.source}. {plan.understood}".strip(), ""),
        *_comment(
            "Each guess has its reason beside it: read it once, correct it, delete the comment. "
            "A '?' is a question that must be answered before the study can be used.",
            "",
        ),
        f"name: {plan.name}",
        f"title: {_scalar(plan.title)}",
        "citation: {text: Unpublished.}",
        *_time(plan),
    ]
    if plan.group:
        lines.append(f"group: {plan.group}")
    lines += _ignored(plan.left_out)
    lines += _removed(plan.removed)
    lines += ["", "variables:"]
    for entry in plan.entries:
        lines += _variable(entry, plan)
    lines += ["", "endpoints:"]
    for endpoint in plan.endpoints:
        lines += _endpoint(endpoint, plan)
    lines += ["", *_prediction(plan)]
    if plan.group:
        lines += ["", "comparisons:"]
        for endpoint in plan.endpoints:
            label = f"{endpoint.label} by {_label_of(plan, plan.group).lower()}"
            lines.append(
                f"  {endpoint.name}_{plan.group}: "
                f"{{label: {_scalar(label)}, endpoint: {endpoint.name}, by: {plan.group}}}"
            )
    return "\n".join(lines) + "\n"


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}# {line}" for line in wrap(_one_line(text), _WIDTH - len(indent) - 2)]


def _question(text: str, indent: str) -> list[str]:
    return _comment(f"QUESTION: {text}", indent)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return (
            f"{value:g}" if f"{value:g}".find("e") < 0 else f"{value:.10f}".rstrip("0").rstrip(".")
        )
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and ": " not in text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _list(values: Sequence[object]) -> str:
    return "[" + ", ".join(_scalar(v) for v in values) + "]"


def _time(plan: Plan) -> list[str]:
    if plan.unit == QUESTION:
        return [
            *_question("in which unit is follow-up: days, weeks, months or years?", ""),
            'time: {unit: "?", grid: 1}',
        ]
    grid = 30 if plan.unit == "days" else 1
    step = "a step of 30 days" if plan.unit == "days" else "a step of one"
    return [f"time: {{unit: {plan.unit}, grid: {grid}}}  # {step} on the grid of survival curves"]


def _ignored(left_out: Sequence[LeftOut]) -> list[str]:
    if not left_out:
        return []
    lines = ["", "# Columns that are no part of the study, and why:", "ignore:"]
    width = max(len(_scalar(item.column)) for item in left_out)
    return lines + [
        f"  - {_scalar(item.column):<{min(width, 40)}}  # {_one_line(item.reason)}"
        for item in left_out
    ]


def _one_line(text: str) -> str:
    """Keep a comment a comment, whatever a header holds."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _removed(removed: Sequence[LeftOut]) -> list[str]:
    if not removed:
        return []
    listed = [f"#   {_one_line(item.column)}: {_one_line(item.reason)}" for item in removed]
    return ["", "# What the cohort was written without, and why:", *listed]


def _variable(entry: Entry, plan: Plan) -> list[str]:
    indent = "    "
    lines = [f"  {entry.name}:"]
    for note in entry.notes:
        lines += _comment(note, indent)
    parts: list[str] = [f"label: {_scalar(entry.label)}"]
    if entry.column != entry.name:
        parts.append(f"column: {_scalar(entry.column)}")
    parts.append(f"kind: {entry.kind}")
    if entry.unit_question:
        parts += [*_question(entry.unit_question, ""), 'unit: "?"']
    elif entry.unit:
        parts.append(f"unit: {_scalar(entry.unit)}")
        if entry.column_unit:
            parts.append(f"column_unit: {entry.column_unit}")
    for key, limit in (("minimum", entry.minimum), ("maximum", entry.maximum)):
        if limit is not None:
            parts.append(f"{key}: {_scalar(limit)}")
    if entry.levels:
        parts.append(f"levels: {_list(entry.levels)}")
    if entry.level_labels:
        pairs = ", ".join(f"{_scalar(k)}: {_scalar(v)}" for k, v in entry.level_labels.items())
        parts.append(f"level_labels: {{{pairs}}}")
    if entry.reference is not None:
        parts.append(f"reference: {_scalar(entry.reference)}")
    if entry.transform:
        parts.append(f"transform: {entry.transform}")
    if entry.known != "baseline":
        parts.append(f"known: {entry.known}")
    if entry.missing_question:
        parts += [*_question(entry.missing_question, ""), 'missing_codes: ["?"]']
    elif entry.missing_codes:
        parts.append(f"missing_codes: {_list(entry.missing_codes)}")
    if entry.has_missing or entry.missing_codes:
        parts.append("missing: allowed")
    if entry.required:
        parts.append("required: true")
    if plan.is_in_table_one(entry):
        parts.append("table: table1")
    return lines + [indent + part for part in parts]


def _endpoint(endpoint: DraftEndpoint, plan: Plan) -> list[str]:
    lines = [f"  {endpoint.name}:"]
    for note in endpoint.notes:
        lines += _comment(note, "    ")
    asked = {key: _question(text, "    ") for key, text in endpoint.questions.items()}
    event = f"{_scalar(endpoint.event)}: {_scalar(endpoint.value)}"
    return [
        *lines,
        f"    label: {_scalar(endpoint.label)}",
        *asked.get("time", []),
        f"    time: {_scalar(endpoint.time)}",
        *asked.get("event", []),
        f"    event: [{{{event}}}]",
        f"    origin: {_scalar(plan.origin)}  # where the clock starts, in words: please check",
    ]


def _prediction(plan: Plan) -> list[str]:
    lines = [
        "prediction:",
        f"  moment: {_scalar(plan.origin)}",
        f"  endpoint: {plan.endpoints[0].name}",
    ]
    if plan.horizons:
        lines.append(f"  horizons: {_list(plan.horizons)}  # times many reach; choose your own")
    else:
        lines += _question("at which times is risk to be predicted?", "  ")
        lines.append('  horizons: ["?"]')
    if not plan.predictors:
        asked = "no variable seems to be known at the start; which may a model use?"
        return [*lines, *_question(asked, "  "), '  predictors: ["?"]']
    lines += _comment(
        "All variables that seem to be known at the start. Choose before looking at outcomes: "
        "as a rule of thumb, 10 to 20 events for each.",
        "  ",
    )
    names = ", ".join(plan.predictors)
    return lines + wrap(f"  predictors: [{names}]", _WIDTH, subsequent_indent="    ")


def _label_of(plan: Plan, name: str) -> str:
    return next(e.label for e in plan.entries if e.name == name)
