"""Search everything that is about to leave for what must not: ids, times, rows, small cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from allsurv.cohort import Cohort
from allsurv.disclosure.artefacts import Contents, Record, open_artefact
from allsurv.errors import DisclosureError
from allsurv.policy.rules import CMS, DisclosurePolicy

__all__ = ["Scanner", "check_artefacts"]

HARMLESS = {
    "n_bootstrap": "refits",
    "n_cohorts": "simulated cohorts",
    "n_courses": "courses of treatment",
    "n_effective": "effective sample size of resamples",
    "n_estimators": "trees",
    "n_failed": "refits that failed",
    "n_imputations": "imputed tables",
    "n_iterations": "iterations",
    "n_jobs": "processes",
    "n_labels": "columns of a printed table",
    "n_parameters": "parameters of a model",
    "n_repeats": "repeats of cross-validation",
    "n_resamples": "resamples",
    "n_significant": "simulated cohorts",
    "n_simulated": "simulated cohorts",
    "n_steps": "steps of the time grid",
    "n_terms": "columns of a design",
    "n_variables": "variables",
}
"""Names that look like counts of patients and are counts of something else, and of what."""
FEWEST_VALUES = 3
FEWEST_NUMBERS = 4  # where whole numbers are among them, which patients share more often
FEWEST_TIMES = 5
TELLING_DECIMALS = 3
SIMPLEST = 24
"""Largest denominator of a fraction that is no sign of a patient."""
_SAME = 1e-9
MOST_ROWS = 500
NEIGHBOURS = 5
BY_CHANCE = 1e-6
_WORD_LENGTH = 5


def _is_count(name: str) -> bool:
    """Tell a count of patients by its name; one that nobody has declared harmless is one.

    Examples
    --------
    >>> [_is_count(name) for name in ("n", "n_level", "excluded_n", "n_terms", "nodes")]
    [True, True, True, False, False]
    """
    looks_like_one = name in ("n", "count") or name.startswith("n_") or name.endswith("_n")
    return looks_like_one and name not in HARMLESS


def _is_simple(time: float) -> bool:
    """Tell whether a time is a fraction that many a result is by chance, such as 8 months in years.

    Examples
    --------
    >>> _is_simple(2 / 3), _is_simple(178 / 30.4375)
    (True, False)
    """
    return abs(float(Fraction(time).limit_denominator(SIMPLEST)) - time) < _SAME


class Scanner:
    """Knows what must not be seen of a cohort.

    Parameters
    ----------
    cohort : Cohort
        Patients that are to be protected.
    policy : DisclosurePolicy, default=CMS
        What may be shown.

    Notes
    -----
    A file is stopped if it holds an identifier, or a record with a field of that name; a follow-up
    or event time with three decimals or more; a column with five or more of the patients' times
    off the study's grid, making up most of it, unless as many could be theirs by chance (binomial
    P at least 1e-6, as where nearly every day is some patient's); a record or a row of an array
    with three or more continuous baseline values of one patient, a record with four or more where
    whole numbers are among them; or a count under the policy's threshold, other than 0. Every name
    that looks like a count is one, unless it is declared harmless. Where the policy is not coarse
    it looks for no times, under ``off`` for identifiers alone. A search finds what it looks for:
    it is the last net, not the rule.
    """

    def __init__(self, cohort: Cohort, policy: DisclosurePolicy = CMS) -> None:
        study, frame = cohort.study, cohort.frame
        kinds = {name: study.variable(name).kind for name in frame.columns}
        self.policy = policy
        numbered = [name for name, kind in kinds.items() if kind == "identifier"]
        self.identifying = frozenset({*numbered, *(study.variable(n).column for n in numbered)})
        self.identifiers = frozenset(
            text
            for name in numbered
            for text in map(str, frame[name].dropna())
            if len(text) >= _WORD_LENGTH or _is_telling_word(text)
        )
        durations = [frame[name].dropna() for name, kind in kinds.items() if kind == "duration"]
        times = np.unique(np.concatenate(durations)) if durations else np.empty(0)
        step = study.time.grid
        self.times = times[np.abs(times / step - np.round(times / step)) > 1e-6]
        decimals = [len(f"{time:.6f}".rstrip("0").split(".")[1]) for time in self.times]
        # A few half days among whole days do not make whole days telling.
        places = int(np.quantile(decimals, 0.9, method="higher")) if decimals else 0
        self.resolution = 10.0**-places
        self.ticks = np.round(self.times / self.resolution)
        self.telling = frozenset(
            f"{time:.10g}"
            for time, places in zip(self.times, decimals, strict=True)
            if places >= TELLING_DECIMALS and not _is_simple(time)
        )
        continuous = [
            name
            for name, kind in kinds.items()
            if kind == "continuous" and study.variable(name).known == "baseline"
        ]
        self.rows = frame[continuous].to_numpy(dtype=float)
        self.columns = {name: j for j, name in enumerate(continuous)}
        whole = [
            name
            for name, kind in kinds.items()
            if kind == "integer" and study.variable(name).known == "baseline"
        ]
        self.numbers = frame[[*continuous, *whole]].to_numpy(dtype=float, na_value=np.nan)
        self.numbered = {name: j for j, name in enumerate([*continuous, *whole])}

    def faults(self, file: Path) -> Iterator[str]:
        """Search one file.

        Parameters
        ----------
        file : Path
            About to be logged, shown or handed on.

        Yields
        ------
        str
            What was found, without showing it.
        """
        found = open_artefact(file)
        named = any(not self.identifying.isdisjoint(record) for record in found.records)
        if named or not found.words.isdisjoint(self.identifiers):
            yield "an identifier of a patient"
        if self.policy.is_coarse:
            if any(self._is_telling(word) for word in found.words):
                yield "an exact time of a patient"
            elif any(self._holds_times(array) for array in found.arrays):
                yield "a column of patients' times"
        if self.policy.hides_rows and self._holds_row(found):
            yield "a patient's row"
        small = sorted({key for record in found.records for key in self._small(record)})
        if small:
            yield f"counts under {self.policy.threshold} ({', '.join(small)})"

    def _is_telling(self, word: str) -> bool:
        if "." not in word or not word[0].isdigit():
            return False
        try:
            return f"{float(word):.10g}" in self.telling
        except ValueError:
            return False

    def _holds_times(self, array: NDArray[np.float64]) -> bool:
        values = np.unique(array[np.isfinite(array)])
        if self.times.size == 0 or values.size < FEWEST_TIMES:
            return False
        scaled = np.round(values / self.resolution)
        whole = np.abs(values / self.resolution - scaled) < 1e-6
        same = int((whole & np.isin(scaled, self.ticks)).sum())
        if same < FEWEST_TIMES or same <= values.size / 2:
            return False
        return bool(bdtrc(same - 1, values.size, self._by_chance(scaled)) < BY_CHANCE)

    def _by_chance(self, scaled: NDArray[np.float64]) -> float:
        """Give the share of numbers like these that are a patient's time: the ticks around each."""
        reach = np.maximum(NEIGHBOURS, scaled / 10)
        first, last = np.searchsorted(self.ticks, (scaled - reach, scaled + reach + 0.5))
        others = last - first - np.isin(scaled, self.ticks)
        return float(np.minimum(others / (2 * reach), 1).mean())

    def _holds_row(self, found: Contents) -> bool:
        if any(
            self._is_row(record, self.rows, self.columns, FEWEST_VALUES)
            or self._is_row(record, self.numbers, self.numbered, FEWEST_NUMBERS)
            for record in found.records
        ):
            return True
        return len(self.columns) >= FEWEST_VALUES and any(
            self._has_row(array) for array in found.arrays if array.ndim == 2
        )

    def _is_row(
        self, record: Record, rows: NDArray[np.float64], columns: dict[str, int], fewest: int
    ) -> bool:
        shared = [name for name in columns if name in record]
        if len(shared) < fewest or not len(rows):
            return False
        values = np.array([_number(record[name]) for name in shared])
        if np.isnan(values).sum() > len(shared) - fewest:
            return False
        rows = rows[:, [columns[name] for name in shared]]
        same = np.isclose(rows, values, rtol=1e-9, atol=0) | np.isnan(values)
        return bool(same.all(axis=1).any())

    def _has_row(self, array: NDArray[np.float64]) -> bool:
        for row in self.rows[:MOST_ROWS]:
            telling = np.unique(row[np.isfinite(row) & (row != 0)])
            if FEWEST_VALUES <= telling.size <= array.shape[1]:
                held = np.ones(len(array), dtype=bool)
                for value in telling:
                    held[held] = (array[held] == value).any(axis=1)
                if held.any():
                    return True
        return False

    def _small(self, record: Record) -> Iterator[str]:
        for key in filter(_is_count, record):
            value = _number(record[key])
            if 0 < value < self.policy.threshold and value == round(value):
                yield key


def check_artefacts(files: Iterable[Path], cohort: Cohort, policy: DisclosurePolicy = CMS) -> None:
    """Search files before they are logged, and stop everything if one holds what it must not.

    Parameters
    ----------
    files : iterable of Path
        All that is about to leave.
    cohort : Cohort
        Patients that are to be protected.
    policy : DisclosurePolicy, default=CMS
        What may be shown.

    Raises
    ------
    DisclosureError
        Naming every file and what kind of thing it holds; nothing is shown.
    """
    scanner = Scanner(cohort, policy)
    faults = [
        f"  {file.name}: {fault}"
        for file in files
        if file.is_file()
        for fault in scanner.faults(file)
    ]
    if faults:
        listed = "\n".join(faults[:20])
        raise DisclosureError(
            f"disclosure: {len(faults)} finding(s) in what was about to be logged:\n{listed}\n"
            "Nothing was logged. Remove it, or choose another policy with 'disclosure'."
        )


def _is_telling_word(text: str) -> bool:
    """Tell a short identifier, such as P001, that is no word or number found anywhere."""
    return len(text) >= 3 and any(map(str.isalpha, text)) and any(map(str.isdigit, text))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan
