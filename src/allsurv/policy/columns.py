"""Which columns of tables count patients: those left out, and all but a list of others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["BEFORE_LANDMARK", "LEFT_OUT", "NOT_PATIENTS", "counts_patients"]

BEFORE_LANDMARK = ("n_event_before", "n_censored_before", "n_later_origin")
"""Patients an analysis from a landmark leaves out, by reason."""

LEFT_OUT = ("n_left_out", "n_excluded", "n_unknown", *BEFORE_LANDMARK)
"""Every column that counts patients an analysis leaves out."""

NOT_PATIENTS: Mapping[str, str] = MappingProxyType({
    "n_bootstrap": "resamples asked for",
    "n_cohorts": "simulated cohorts",
    "n_effective": "effective sample size of resamples",
    "n_estimators": "trees or stages of a model",
    "n_failed": "resamples that gave no answer",
    "n_imputations": "imputed data sets",
    "n_iterations": "iterations",
    "n_jobs": "processes",
    "n_labels": "leading columns of a printed table that name its rows",
    "n_parameters": "parameters of a model",
    "n_repeats": "repeats of a plan of validation",
    "n_resamples": "resamples that gave an answer",
    "n_significant": "simulated cohorts in which a finding is significant",
    "n_simulated": "simulated cohorts",
    "n_steps": "steps of a time grid",
    "n_terms": "columns of a design",
    "n_variables": "variables of a model",
})  # fmt: skip
"""Columns named like counts of patients that count something else, and what."""


def counts_patients(name: str) -> bool:
    """Tell whether a column or key counts patients, events or rows, by its name.

    Every ``n``, ``n_*``, ``*_n`` and ``count`` does, unless it is in ``NOT_PATIENTS``: a new count
    is searched until somebody says what else it counts.

    Parameters
    ----------
    name : str
        Of a column or key.

    Returns
    -------
    bool
        Whether small values of it may show patients.

    Examples
    --------
    >>> counts_patients("n_level"), counts_patients("test_n"), counts_patients("n_terms")
    (True, True, False)
    """
    if name in NOT_PATIENTS:
        return False
    return name in ("n", "count") or name.startswith("n_") or name.endswith("_n")
