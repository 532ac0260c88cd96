"""One published number, recomputed from patients through the functions that users call."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.errors import AllsurvError, OutcomeError
from allsurv.journal import round_half_up
from allsurv.reproduction.patients import Members
from allsurv.reproduction.populations import Populations
from allsurv.stats.groups.contingency import chi_squared, fisher_exact
from allsurv.stats.groups.rank_tests import mann_whitney
from allsurv.study import Compared, LedgerEntry

__all__ = ["Recomputed", "recompute"]

_SIGNIFICANT = 12  # digits kept before rounding: what lies beyond is floating-point dust


@dataclass(frozen=True)
class Recomputed:
    """A published number beside the same number of these patients.

    Attributes
    ----------
    entry : LedgerEntry
        What was published.
    estimate : float
        Recomputed, in full precision, on the printed scale; NaN where it cannot be.
    text : str
        Recomputed, with the decimals of the print; empty where it cannot be.
    match : bool or None
        Whether it prints as published (a contradicted number: as the rest of the paper needs);
        ``None`` where it cannot be recomputed.
    reason : str
        Why not, or under which reading; empty where nothing is to be said.
    """

    entry: LedgerEntry
    estimate: float
    text: str
    match: bool | None
    reason: str


def recompute(
    entry: LedgerEntry, cohort: Cohort | Populations, *, comparison: Cohort | None = None
) -> Recomputed:
    """Recompute one published number from a cohort of its study.

    Parameters
    ----------
    entry : LedgerEntry
        What was published, of whom.
    cohort : Cohort or Populations
        The patients; ``Populations`` remembers curves and models between entries.
    comparison : Cohort, optional
        The other cohort, for entries that are about it.

    Returns
    -------
    Recomputed
        Never an error for what the patients lack: ``match`` is ``None`` then and ``reason`` says
        why.

    Raises
    ------
    OutcomeError
        If the other cohort measures time in another unit.

    Notes
    -----
    Kaplan-Meier with log-log limits, log-rank, Pearson's chi-squared without correction,
    Mann-Whitney, Cox with Efron's ties: the functions of :mod:`allsurv.describe` and
    :mod:`allsurv.stats`. Numbers round half up. A landmark keeps those at risk beyond it; groups
    are those of the whole follow-up, as the paper reads it, and the clock runs from the origin of
    the endpoint.

    Examples
    --------
    >>> from allsurv.cohort import load_cohort
    >>> from allsurv.study import load_ledger
    >>> found = recompute(load_ledger("rr-all").entries["t1_male_all_n"], load_cohort("rr-all"))
    >>> found.entry.printed, found.text, found.match
    ('52', '52', True)
    """
    patients = cohort if isinstance(cohort, Populations) else Populations(cohort, comparison)
    if isinstance(entry.value, str):
        return Recomputed(entry, math.nan, "", None, entry.note or "A date is not recomputed.")
    try:
        value = float(f"{_KINDS[entry.kind](entry, patients):.{_SIGNIFICANT}g}")
    except AllsurvError as problem:
        return Recomputed(entry, math.nan, "", None, str(problem))
    if not math.isfinite(value):
        return Recomputed(
            entry,
            math.nan,
            "",
            None,
            "It has no value in these data: a curve ends before it, or a group is empty.",
        )
    text, match = _printed(entry, value), _agrees(entry, value)
    return Recomputed(entry, value, text, match, _reason(entry, value, text, match))


def _target(entry: LedgerEntry) -> float:
    given = entry.authoritative_value if entry.status == "conflict" else None
    return float(entry.value if given is None else given)


def _agrees(entry: LedgerEntry, value: float) -> bool:
    target = _target(entry)
    if entry.relation == "<":
        return value < target
    if entry.relation == ">=":
        return value >= target
    units_off = abs(round_half_up(value, entry.decimals) - target) * 10**entry.decimals
    found: bool = round(units_off) <= (1 if entry.status == "rounding" else 0)
    return found


def _printed(entry: LedgerEntry, value: float) -> str:
    if entry.relation == "<" and value < _target(entry):
        found: str = entry.printed
        return found
    text = f"{round_half_up(value, entry.decimals):.{entry.decimals}f}"
    if entry.kind.endswith("_p") and value > 0 and float(text) == 0:
        return f"<{10.0**-entry.decimals:.{entry.decimals}f}"
    return text


def _reason(entry: LedgerEntry, value: float, text: str, match: bool) -> str:
    issue = f" ({entry.issue})" if entry.issue else ""
    if entry.status == "conflict":
        needed = f"{_target(entry):.{entry.decimals}f}"
        said = f"The paper contradicts itself{issue}: it prints {entry.printed}, the rest of it "
        return f"{said}needs {needed}." + ("" if match else f" Recomputed {text}.")
    if match:
        return ""
    reading = f" as read here{issue}" if entry.status == "reading" else ""
    return f"Printed {entry.printed}, recomputed {text}{reading}{_by_how_much(entry, value)}."


def _by_how_much(entry: LedgerEntry, value: float) -> str:
    """Say how far a number is from what would round to the printed one."""
    if entry.relation != "=" or value == round(value):
        return ""
    off = value - _target(entry)
    beyond = abs(off) - 0.5 * 10.0**-entry.decimals
    return f": {value:.5g}, {beyond:.2g} too {'high' if off > 0 else 'low'} to round to it"


def _count(entry: LedgerEntry, patients: Populations) -> float:
    return float(patients.of(entry).matching(entry.event).sum())


def _percent(entry: LedgerEntry, patients: Populations) -> float:
    return 100 * _count(entry, patients) / patients.of(entry).n


def _denominator(entry: LedgerEntry, patients: Populations) -> float:
    return float(patients.of(entry).n)


def _numbers(entry: LedgerEntry, members: Members) -> NDArray[np.float64]:
    values = pd.to_numeric(members.column(entry.variable), errors="coerce")
    found: NDArray[np.float64] = values.to_numpy(dtype=float, na_value=np.nan)
    return found


def _known_numbers(entry: LedgerEntry, patients: Populations) -> NDArray[np.float64]:
    values = _numbers(entry, patients.of(entry))
    values = values[~np.isnan(values)]
    if not values.size:
        raise OutcomeError(f"'{entry.variable}' is known of nobody in this population.")
    return values


def _of_numbers(
    summary: Callable[[NDArray[np.float64]], np.floating],
) -> Callable[[LedgerEntry, Populations], float]:
    return lambda entry, patients: float(summary(_known_numbers(entry, patients)))


def _single(entry: LedgerEntry, patients: Populations) -> float:
    values = _known_numbers(entry, patients)
    if values.size != 1:
        raise OutcomeError(f"The number is of one patient; {values.size} fit.")
    return float(values[0])


def _mann_whitney(entry: LedgerEntry, patients: Populations) -> float:
    members = patients.of(entry)
    values, group = _numbers(entry, members), members.groups(entry.compare or Compared(""))
    known = (group >= 0) & ~np.isnan(values)
    return float(mann_whitney(values[known], group[known]).p_value)


def _two_by_two(entry: LedgerEntry, patients: Populations) -> float:
    members, compare = patients.of(entry), entry.compare or Compared("")
    group, happened = members.groups(compare), members.matching(entry.event)
    known = group >= 0
    for name in entry.event:
        known &= members.column(name).notna().to_numpy()
    cell = 2 * group[known] + happened[known]
    table = np.bincount(cell, minlength=2 * len(compare.levels)).reshape(-1, 2)
    if entry.method == "fisher":
        return float(fisher_exact(table).p_value)
    return float(chi_squared(table, correction=entry.method == "chi2_corrected").p_value)


def _rate(part: str) -> Callable[[LedgerEntry, Populations], float]:
    return lambda entry, patients: (
        100 * float(getattr(patients.curve(entry).at([entry.time]), part)[0])
    )


def _median_survival(entry: LedgerEntry, patients: Populations) -> float:
    return float(patients.curve(entry).median().value)


def _logrank(entry: LedgerEntry, patients: Populations) -> float:
    return float(patients.logrank(entry).p_value)


def _of_model(column: str) -> Callable[[LedgerEntry, Populations], float]:
    return lambda entry, patients: float(patients.model_term(entry)[column])


_KINDS: Mapping[str, Callable[[LedgerEntry, Populations], float]] = {
    "count": _count,
    "percent": _percent,
    "denominator": _denominator,
    "median": _of_numbers(np.median),
    "range_min": _of_numbers(np.min),
    "range_max": _of_numbers(np.max),
    "followup_median": _of_numbers(np.median),
    "followup_value": _single,
    "mannwhitney_p": _mann_whitney,
    "chi2_or_fisher_p": _two_by_two,
    "km_rate": _rate("survival"),
    "km_rate_ci_low": _rate("lower"),
    "km_rate_ci_high": _rate("upper"),
    "km_median": _median_survival,
    "logrank_p": _logrank,
    "hazard_ratio": _of_model("hazard_ratio"),
    "hr_ci_low": _of_model("lower"),
    "hr_ci_high": _of_model("upper"),
    "wald_p": _of_model("p_value"),
}
