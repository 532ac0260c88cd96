"""From answers to tidy rows: an estimate with limits, held against the published one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from allsurv.findings.agreement.questions import Answers, Patients, Refits
from allsurv.findings.agreement.shrinkage import Calibrated
from allsurv.findings.agreement.verdict import Verdict, judge
from allsurv.study.spec import Contrast, Finding

__all__ = ["COLUMNS", "RANKS", "Said", "finding_row", "horizon_rows", "standardised"]

Floats = NDArray[np.float64]
Estimate = tuple[float, float, float]

NOTHING: Estimate = (math.nan, math.nan, math.nan)
BY_CONSTRUCTION = (
    "Agreement is by construction: these patients were made to fit the published numbers, so it "
    "checks the machinery and is no evidence."
)
UNBOUNDED = (
    "the model hardly responds to this variable, so the effect behind its estimate has no bounds"
)
WITHIN_ERROR = "within Monte-Carlo error: another seed may say otherwise"
RANKS = (
    "shap_rank", "shap_rank_lower", "shap_rank_upper",
    "permutation_rank", "permutation_rank_lower", "permutation_rank_upper", "n_variables",
)  # fmt: skip
COLUMNS = (
    "finding", "label", "variable", "unit", "contrast", "span", "model", "how",
    "estimate", "lower", "upper", "level",
    "calibrated", "calibrated_lower", "calibrated_upper", "shrinkage",
    "published", "published_lower", "published_upper", "target", "target_lower", "target_upper",
    "same_sign", "ratio", "ratio_lower", "ratio_upper", "heterogeneity_p", "published_inside",
    "prediction_lower", "prediction_upper", "inside_prediction", "equivalence_p", "equivalent",
    "margin", "judged", "judged_lower", "judged_upper", "judged_on",
    "lower_error", "upper_error", "within_error", "verdict", "reason", *RANKS,
    "n", "n_events", "n_bootstrap", "n_failed", "failures", "n_simulated", "statement",
)  # fmt: skip
HORIZON_COLUMNS = (
    "finding", "label", "model", "horizon", "estimate", "lower", "upper", "level", "n_bootstrap",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What one model says of one finding, per unit of the finding.

    Attributes
    ----------
    model, how : str
        Which model; which of its numbers answers.
    n, n_events : int
        Patients and events behind it.
    estimate : tuple of float
        Hazard ratio with limits.
    calibrated : tuple of float
        The same with the model's shrinkage undone.
    errors : tuple of float
        Monte-Carlo standard errors of the logs of the limits that are judged; 0 where nothing is
        drawn at random.
    is_undone : bool
        Whether its shrinkage was to be undone, so that ``calibrated`` is judged or nothing is.
    shrinkage : float
        Slope of its answers on true effects; NaN where not simulated.
    attenuation : float
        What standardising leaves of the published log hazard ratio.
    reason : str
        Why it cannot answer; empty where it does.
    n_bootstrap, n_failed : int
        Refits made and not made.
    failures : str
        Why not.
    n_simulated : int
        Simulated cohorts behind ``calibrated``.
    ranks : mapping from str to float
        Place of the variable among the model's, by :data:`RANKS`.
    """

    model: str
    how: str
    n: int = 0
    n_events: int = 0
    estimate: Estimate = NOTHING
    calibrated: Estimate = NOTHING
    errors: tuple[float, float] = (0.0, 0.0)
    is_undone: bool = False
    shrinkage: float = math.nan
    attenuation: float = 1.0
    reason: str = ""
    n_bootstrap: int = 0
    n_failed: int = 0
    failures: str = ""
    n_simulated: int = 0
    ranks: Mapping[str, float] = field(default_factory=dict)


def standardised(
    said: Said, log: float, drawn: Floats, found: Calibrated | None, *, level: float
) -> Said:
    """Give a standardised effect its limits, and what it stands for where that was measured."""
    if found is not None:
        said = replace(
            said,
            calibrated=(_exp(found.log), _exp(found.lower), _exp(found.upper)),
            errors=(found.lower_error, found.upper_error),
            is_undone=True,
            shrinkage=found.slope,
            n_simulated=found.n,
        )
    made = drawn[np.isfinite(drawn)]
    std_error = float(made.std(ddof=1)) if made.size > 1 else math.nan
    if not std_error > 0:
        reason = (
            "the model does not use the variable, nor does any refit"
            if std_error == 0
            else "fewer than two refits could be made"
        )
        return replace(said, estimate=(_exp(log), math.nan, math.nan), reason=reason)
    half = float(ndtri(0.5 + level / 2)) * std_error
    said = replace(said, estimate=(_exp(log), _exp(log - half), _exp(log + half)))
    if said.is_undone:
        return said
    error = half / math.sqrt(2 * (made.size - 1))  # of a standard deviation of so many refits
    return replace(said, errors=(error, error))


def finding_row(
    finding: Finding,
    unit: str,
    said: Said,
    *,
    level: float,
    margin: float,
    is_synthetic: bool,
) -> dict[str, Any]:
    """Hold one answer against one finding."""
    published = (finding.estimate, finding.lower, finding.upper)
    target = tuple(x**said.attenuation for x in published)
    span = _span(finding.contrast)
    judged = said.calibrated if said.is_undone else said.estimate
    hold = partial(
        judge,
        published=(target[0], target[1], target[2]),
        level=level,
        published_level=finding.level,
        margin=margin ** (1 / span),
    )
    verdict = hold(judged)
    within_error = _is_within_error(hold, judged, said.errors, verdict.verdict)
    row: dict[str, Any] = dict.fromkeys(RANKS, math.nan)
    row |= {
        "finding": finding.name,
        "label": finding.label,
        "variable": finding.variable,
        "unit": unit,
        "contrast": f"{_text(finding.contrast.from_)} to {_text(finding.contrast.to)}",
        "span": span,
        "model": said.model,
        "how": said.how,
        "level": level,
        "shrinkage": said.shrinkage,
        "margin": margin,
        "judged_on": "calibrated" if said.is_undone else "estimate",
        "lower_error": said.errors[0],
        "upper_error": said.errors[1],
        "within_error": within_error,
        **vars(verdict),
        **said.ranks,
    }
    for name, numbers in (
        ("estimate", said.estimate),
        ("calibrated", said.calibrated),
        ("published", published),
        ("target", target),
        ("judged", judged),
    ):
        row |= dict(zip(_limits(name), numbers, strict=True))
    counts = ("n", "n_events", "n_bootstrap", "n_failed", "failures", "n_simulated")
    row |= {name: getattr(said, name) for name in counts}
    unbounded = said.is_undone and not math.isfinite(said.calibrated[0])
    row["reason"] = said.reason or (UNBOUNDED if unbounded else verdict.reason)
    if within_error:
        row["reason"] += f"; {WITHIN_ERROR}"
    row["statement"] = BY_CONSTRUCTION if is_synthetic else ""
    return row


def _is_within_error(
    hold: Callable[[Estimate], Verdict], judged: Estimate, errors: tuple[float, float], verdict: str
) -> bool:
    """Tell whether limits moved by two Monte-Carlo errors would be judged otherwise."""
    if not all(math.isfinite(x) and x > 0 for x in judged) or not any(errors):
        return False
    if not all(map(math.isfinite, errors)):
        return True
    moves = product((-2.0, 2.0), (-2.0, 2.0))
    moved = (
        (judged[0], judged[1] * _exp(low * errors[0]), judged[2] * _exp(high * errors[1]))
        for low, high in moves
    )
    return any(hold(one).verdict != verdict for one in moved if one[1] < one[2])


def horizon_rows(
    patients: Patients, answers: Mapping[str, Answers], refits: Mapping[str, Refits], level: float
) -> pd.DataFrame:
    """Tabulate the standardised contrast at each horizon."""
    z = float(ndtri(0.5 + level / 2))
    rows = []
    for k, finding in enumerate(patients.findings):
        for model, answer in answers.items():
            for h, horizon in enumerate(patients.horizons):
                log = float(answer.at_horizons[k, h])
                if not math.isfinite(log):
                    continue
                drawn = refits[model].at_horizons
                made = drawn[:, k, h] if drawn.size else np.empty(0)
                made = made[np.isfinite(made)]
                error = float(made.std(ddof=1)) if made.size > 1 else math.nan
                numbers = (_exp(log), _exp(log - z * error), _exp(log + z * error))
                named = (finding.name, finding.label, model, float(horizon))
                rows.append((*named, *numbers, level, made.size))
    return pd.DataFrame(rows, columns=list(HORIZON_COLUMNS))


def _limits(name: str) -> tuple[str, str, str]:
    return ("estimate", "lower", "upper") if name == "estimate" else (
        name, f"{name}_lower", f"{name}_upper"
    )  # fmt: skip


def _span(contrast: Contrast) -> float:
    """Units of the finding in its whole contrast."""
    if contrast.per is None:
        return 1.0
    return abs(float(contrast.to) - float(contrast.from_)) / float(contrast.per)


def _text(value: object) -> str:
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else f"{value}"
    )


def _exp(log: float) -> float:
    """Exponential that overflows to infinity."""
    return math.exp(log) if log < 700 else math.inf
