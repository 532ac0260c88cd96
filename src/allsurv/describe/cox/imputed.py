"""Missing values of any kind multiply imputed for a Cox analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.describe.cox.compatible import cox_analysis_of
from allsurv.describe.cox.scales import GivenScales, fix_scales, read_scales
from allsurv.describe.cox.terms import check_columns_present
from allsurv.dictionary.filters import matches
from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError
from allsurv.stats.curves import nonparametric
from allsurv.stats.missing.chained import impute, n_imputations_for
from allsurv.stats.missing.compatible import impute_compatible
from allsurv.stats.missing.incomplete import Incomplete
from allsurv.stats.outcome import entry_of

__all__ = ["impute_missing"]

Floats = NDArray[np.float64]


def impute_missing(
    cohort: Cohort,
    endpoint: str,
    variables: Sequence[str],
    *,
    time_dependent: Sequence[str] = (),
    interactions: Sequence[tuple[str, str]] = (),
    scales: GivenScales | None = None,
    n_imputations: int | None = None,
    random_state: int = 0,
) -> tuple[Cohort, ...]:
    """Complete the missing values of a cohort several times, of any kind of variable.

    Parameters
    ----------
    cohort : Cohort
        Patients of the endpoint's population.
    endpoint : str
        Name of an endpoint of the study.
    variables : sequence of str
        Variables of the analysis, known at baseline.
    time_dependent : sequence of str, default=()
        Events of the analysis: whether each ever happened helps to impute.
    interactions : sequence of (str, str), default=()
        Products of the analysis. With any, values are imputed so that they agree with the analysis
        [2]_; otherwise products of imputed values would be biased towards nothing.
    scales : mapping from str to Scale or mapping, optional
        How numbers enter the analysis; one that enters as a logarithm is imputed as one.
    n_imputations : int, optional
        Where not given, one for each percent of incomplete patients, at least five.
    random_state : int, default=0
        Seed.

    Returns
    -------
    tuple of Cohort
        Completed cohorts; values derived from completed ones are not derived anew.

    Raises
    ------
    ModelError
        If nothing is missing, a variable has no value at all, or it is missing in patients to whom
        it does not apply (``only_if``).

    Notes
    -----
    Imputed from all other variables, the event indicator and the Nelson-Aalen cumulative hazard at
    each patient's time [1]_ (since entry, where that is delayed), by
    :func:`allsurv.stats.missing.chained.impute`. Numbers are matched; those whose dictionary asks
    for it enter as their logarithm. Ordinal variables have a proportional-odds model, nominal and
    yes/no ones a multinomial (logistic) model. With
    interactions the outcome enters through the analysis itself, by
    :func:`allsurv.stats.missing.compatible.impute_compatible`.

    References
    ----------
    .. [1] White IR, Royston P. Stat Med. 2009;28(15):1982-1998. doi:10.1002/sim.3618
    .. [2] Bartlett JW, Seaman SR, White IR, Carpenter JR. Stat Methods Med Res. 2015;24(4):462-487.
       doi:10.1177/0962280214521348
    """
    check_columns_present(cohort, variables, "impute_missing")
    lines = [cohort.study.variable(name) for name in variables]
    lacking = cohort.frame[list(variables)].isna()
    if not lacking.to_numpy().any():
        raise ModelError("impute_missing: nothing is missing; use cox_table.")
    read = read_scales(scales or {})
    incomplete = [
        _incomplete(cohort.frame, line, read[line.name].transform if line.name in read else "")
        for line in lines
    ]
    share = float(lacking.any(axis=1).mean())
    m = n_imputations_for(share) if n_imputations is None else n_imputations
    if interactions:
        known = list(zip(lines, incomplete, strict=True))
        fixed = fix_scales(cohort, read, "impute_missing")
        asked = cox_analysis_of(cohort, endpoint, known, time_dependent, interactions, fixed)
        nothing_else = np.empty((cohort.n, 0))
        drawn = impute_compatible(
            incomplete, nothing_else, asked, n_imputations=m, random_state=random_state
        )
    else:
        outcome = _outcome(cohort, endpoint, time_dependent)
        drawn = impute(incomplete, outcome, n_imputations=m, random_state=random_state)
    filled = [k for k, line in enumerate(lines) if lacking[line.name].any()]
    return tuple(
        _completed(cohort, [lines[k] for k in filled], [drawn[k][one] for k in filled])
        for one in range(len(drawn[0]))
    )


def _incomplete(frame: pd.DataFrame, variable: Variable, transform: str) -> Incomplete:
    column = frame[variable.name]
    if variable.only_if:
        barred = int(np.sum(~matches(frame, variable.only_if) & column.isna().to_numpy()))
        if barred:
            raise ModelError(
                f"impute_missing: '{variable.name}' does not apply to {barred} of {len(frame)} "
                "patients, so that it cannot be imputed in them; give the analysis a population, "
                "or leave the variable out."
            )
    if not column.notna().any():
        raise ModelError(
            f"impute_missing: '{variable.name}' has no value in any of {len(frame)} patients; "
            "leave it out."
        )
    if variable.is_number:
        numbers = column.to_numpy(dtype=float)
        wanted = variable.transform == "log" or transform.startswith("log")
        as_log = wanted and bool(np.nanmin(numbers) > 0)
        return Incomplete(numbers, "number", log=as_log)
    if variable.is_yes_no:
        return Incomplete(column.to_numpy(dtype=float, na_value=np.nan), "nominal")
    codes = column.cat.codes.to_numpy(dtype=float)
    kind: Literal["ordinal", "nominal"] = "ordinal" if variable.kind == "ordinal" else "nominal"
    return Incomplete(np.where(codes < 0, np.nan, codes), kind)


def _outcome(cohort: Cohort, endpoint: str, time_dependent: Sequence[str]) -> Floats:
    y = cohort.follow_up(endpoint)
    entry = entry_of(y)
    summed = nonparametric.nelson_aalen(y["time"], y["event"], start=entry)
    hazard = summed.at(y["time"])
    if entry is not None:
        hazard = hazard - summed.at(entry)  # over the time at risk
    happened = [np.isfinite(cohort.event_times(event)) for event in time_dependent]
    return np.column_stack([y["event"], hazard, *happened]).astype(float)


def _completed(cohort: Cohort, lines: Sequence[Variable], values: Sequence[Floats]) -> Cohort:
    frame = cohort.frame.copy()
    for line, column in zip(lines, values, strict=True):
        if line.is_number:
            frame[line.name] = column
        elif line.is_yes_no:
            frame[line.name] = pd.array(column == 1, dtype="boolean")
        else:
            codes = column.astype(int)
            frame[line.name] = pd.Categorical.from_codes(codes, dtype=frame[line.name].dtype)
    return Cohort(cohort.study, frame, cohort.source)
