"""A request read and answered: every fault at once, and never a patient's value."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any

from fastapi.responses import JSONResponse

from allsurv.dictionary.checks import check_columns
from allsurv.errors import AllsurvError, CohortError, Violation
from allsurv.scoring import RiskScorer
from allsurv.scoring.faults import rule_without_value

__all__ = ["answer_request", "fault_answer"]

PATIENTS, HORIZONS, EXPLAIN = "patients", "horizons", "explain"
_MOST_HORIZONS = 50
_EXACT_DIGITS = 18
"""Digits of a whole number that is read exactly; a longer one is read as a double."""


def answer_request(scorer: RiskScorer, body: bytes, max_rows: int) -> JSONResponse:
    """Score the patients of a request, or say all that is wrong with it."""
    import pandas as pd

    try:
        asked = _read(body)
    except (ValueError, RecursionError):
        return fault_answer(400, "the request is no JSON")
    if faults := _shape_faults(asked, max_rows):
        return fault_answer(422, *faults)
    if unknown := _unknown_columns(scorer, asked[PATIENTS]):
        return _violations(unknown)
    frame = pd.DataFrame.from_records(asked[PATIENTS])
    for variable in scorer.risk_model.variables.values():
        if variable.missing == "allowed" and not {variable.name, variable.column} & set(frame):
            frame[variable.name] = None
    try:
        scored = scorer.score(frame, asked.get(HORIZONS), explain=asked.get(EXPLAIN, False))
    except CohortError as error:
        return _violations(error.violations)
    except AllsurvError as error:
        return fault_answer(422, str(error))
    rows = scored.drop(columns="fault").to_json(orient="records", double_precision=15)
    return JSONResponse(
        {
            "patients": json.loads(rows),
            "statement": scorer.risk_model.provenance["source"]["statement"],
            "use": "Research use only.",
        }
    )


def fault_answer(status: int, *rules: str) -> JSONResponse:
    """Answer with faults of the request itself."""
    faults = [{"column": "request", "rule": rule, "rows": []} for rule in rules]
    return JSONResponse({"faults": faults}, status_code=status)


def _read(body: bytes) -> Any:
    text = body.decode("utf-8")
    asked = json.loads(text, parse_constant=_refuse_constant, parse_int=_whole, parse_float=_finite)
    if "\\u" in text:  # half of a surrogate pair can be written in JSON, but is no character
        json.dumps(asked, ensure_ascii=False).encode("utf-8")
    return asked


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _EXACT_DIGITS else _finite(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("a number beyond those of a computer")
    return number


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _shape_faults(asked: object, max_rows: int) -> tuple[str, ...]:
    """Say how a request differs from what is described."""
    if not isinstance(asked, dict) or not isinstance(asked.get(PATIENTS), list):
        return (f"the request has no list '{PATIENTS}' of patients",)
    patients, horizons = asked[PATIENTS], asked.get(HORIZONS)
    faults = []
    if unknown := sorted(set(asked) - {PATIENTS, HORIZONS, EXPLAIN}):
        faults.append(f"the request has {len(unknown)} entries beyond those described")
    if not 1 <= len(patients) <= max_rows:
        faults.append(f"{len(patients)} patients; 1 to {max_rows} are allowed in a request")
    if not all(isinstance(patient, dict) and patient for patient in patients):
        faults.append("a patient is not an object of variables")
    if horizons is not None and not _are_horizons(horizons):
        faults.append(f"'{HORIZONS}' is not a list of at most {_MOST_HORIZONS} different numbers")
    if not isinstance(asked.get(EXPLAIN, False), bool):
        faults.append(f"'{EXPLAIN}' is neither true nor false")
    return tuple(faults)


def _are_horizons(horizons: object) -> bool:
    """Tell numbers that give columns of different names: 12 and 12.0 would share one."""
    return (
        isinstance(horizons, list)
        and len(horizons) <= _MOST_HORIZONS
        and all(isinstance(h, int | float) and not isinstance(h, bool) for h in horizons)
        and len({f"{h:g}" for h in horizons}) == len(horizons)
    )


def _unknown_columns(scorer: RiskScorer, patients: list[dict[str, Any]]) -> list[Violation]:
    """Find what is no variable of the model: a misspelt one would silently be 'not known'."""
    model = scorer.risk_model
    variables = {**model.variables, **model.derived}
    known = {name for v in variables.values() for name in (v.name, v.column)}
    unknown: dict[str, None] = {}
    for patient in patients:
        unknown.update(dict.fromkeys(patient.keys() - known))
    if not unknown:
        return []
    given = dict.fromkeys(name for patient in patients for name in patient if name in known)
    names = [*given, *sorted(unknown)]
    return [
        violation
        for violation in check_columns(names, variables)
        if violation.column not in known and violation.column not in model.variables
    ]


def _violations(found: Iterable[Violation]) -> JSONResponse:
    faults = [
        {"column": v.column, "rule": rule_without_value(v.rule), "rows": list(v.rows)}
        for v in found
    ]
    return JSONResponse({"faults": faults}, status_code=422)
