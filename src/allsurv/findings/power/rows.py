"""Rows of the table of operating characteristics: found, missed, exaggerated, reversed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.findings.power.cox import Answer
from allsurv.study.spec import Finding, Study

__all__ = [
    "ALPHA",
    "POWER_COLUMNS",
    "PUBLISHED",
    "SCREENED",
    "SCREENING",
    "STANDARDISED",
    "World",
    "level_term",
    "power_row",
]

PUBLISHED = "published model"
SCREENING = "screening, one by one"
SCREENED = "model after screening"
STANDARDISED = "standardised effect"
EFFECT, NO_EFFECT = "effect", "no effect"
POWER_COLUMNS = [
    "n", "family", "protocol", "variable", "label", "unit", "truth", "true_hazard_ratio",
    "found", "found_se", "type_m", "type_m_se", "type_s", "type_s_se", "shown_hazard_ratio",
    "n_significant", "n_cohorts", "n_failed", "n_events",
]  # fmt: skip
ALPHA = 0.05


@dataclass(frozen=True)
class World:
    """What is true in simulated cohorts, and how it is named for readers.

    Attributes
    ----------
    study : Study
        Names variables, events and findings.
    effects : mapping from str to float
        Log hazard ratios that are true, by term; all others are 0.
    """

    study: Study
    effects: Mapping[str, float]

    def truth(self, name: str, screened: bool) -> float:
        """Look up what is true of a term."""
        if screened and self.study.screening is not None:
            name = self.study.screening.coded_as.get(name, name)
        found = [v for t, v in self.effects.items() if name in (t, t.partition("=")[0])]
        return float(found[0]) if found else 0.0

    def label(self, name: str) -> tuple[str, str]:
        """Name a term for readers."""
        for finding in self.study.findings.values():
            if name in (finding.analysis_variable or finding.variable, level_term(finding)):
                return finding.label, finding.unit
        if name in self.study.events:
            return self.study.events[name].label, "once it has happened"
        variable, _, level = name.partition("=")
        known = self.study.variable(variable)
        if known.is_number:
            return known.label, f"per 1 {known.unit}".strip()
        if not level or len(known.levels) == 2:
            return known.label, ""
        levels = {str(k): k for k in known.levels}
        return f"{known.label}: {known.level_label(levels[level])}", ""


def level_term(finding: Finding) -> str:
    """Name the term of a finding that compares levels."""
    return f"{finding.analysis_variable or finding.variable}={finding.contrast.to}"


def power_row(
    world: World, protocol: str, name: str, answer: Answer, *, screened: bool
) -> dict[str, Any]:
    """Sum up what one protocol says of one term over all cohorts."""
    truth = world.truth(name, screened)
    label, unit = world.label(name)
    significant = answer.p_value < ALPHA
    right = significant if truth == 0 else significant & (answer.coef * truth > 0)
    right |= significant & np.isnan(answer.coef)  # several levels tested together have no sign
    coef = answer.coef[significant & np.isfinite(answer.coef)]
    n_cohorts = answer.coef.size
    row: dict[str, Any] = {
        "protocol": protocol,
        "variable": name,
        "label": label,
        "unit": unit,
        "truth": EFFECT if truth else NO_EFFECT,
        "true_hazard_ratio": float(np.exp(truth)),
        "shown_hazard_ratio": float(np.exp(np.abs(coef).mean())) if coef.size else np.nan,
        "n_significant": int(significant.sum()),
        "n_cohorts": n_cohorts,
        "n_failed": int(answer.failed.sum()),
    }
    row |= _share("found", right)
    if truth and coef.size:
        inflated = np.abs(coef / truth)
        spread = inflated.std(ddof=1) / np.sqrt(coef.size) if coef.size > 1 else np.nan
        row |= {"type_m": float(inflated.mean()), "type_m_se": float(spread)}
        row |= _share("type_s", coef * truth < 0)
    return row


def _share(name: str, happened: NDArray[np.bool_]) -> dict[str, float]:
    share = float(happened.mean())
    return {name: share, f"{name}_se": float(np.sqrt(share * (1 - share) / happened.size))}
