"""The time between two dates of a file, in days; the dates go no further."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd

from allsurv.dictionary.values import rows_of
from allsurv.errors import Violation
from allsurv.files.missing import MISSING_WORDS
from allsurv.study.spec import Between, Study

__all__ = ["days_for_dates"]

ISO = "%Y-%m-%d"
MIDNIGHT = " 00:00:00"  # how spreadsheets and pandas write the time of a date


def days_for_dates(frame: pd.DataFrame, study: Study) -> tuple[pd.DataFrame, tuple[Violation, ...]]:
    """Put the days between dates in the place of the dates, as the study says."""
    present = set(map(str, frame.columns))
    asked = [b for b in study.dates.values() if {b.first, b.last} <= present - {b.column}]
    if not asked:
        return frame, ()
    violations: list[Violation] = []
    read: dict[tuple[str, str], pd.Series] = {}
    days = {}
    for between in asked:
        first, last = (
            _dates(frame, column, between, read, violations)
            for column in (between.first, between.last)
        )
        days[between.column] = ((last - first) / np.timedelta64(1, "D")).to_numpy(dtype=float)
    used = {column for between in asked for column in (between.first, between.last)}
    kept = used & {v.column for v in study.variables.values()}
    rest = frame[[c for c in frame.columns if str(c) not in used - kept]]
    return rest.assign(**days), tuple(violations)


def _dates(
    frame: pd.DataFrame,
    column: str,
    between: Between,
    read: dict[tuple[str, str], pd.Series],
    violations: list[Violation],
) -> pd.Series:
    key = (column, between.date_format)
    if key not in read:
        raw = frame[column]
        if isinstance(raw, pd.DataFrame):
            raw = raw.iloc[:, 0]  # named twice, which is a fault of its own
        dates = raw.map(lambda value: _date(value, between.date_format or ISO))
        read[key] = pd.Series(pd.to_datetime(dates), index=frame.index)
        unread = rows_of((read[key].isna() & ~raw.map(_is_missing).astype(bool)).to_numpy())
        if unread:
            form = between.date_format or "YYYY-MM-DD"
            verb = "is" if len(unread) == 1 else "are"
            rule = f"{verb} no date; allowed is {form}. Another form is named by 'date_format'."
            violations.append(Violation(column, rule, unread))
    return read[key]


def _date(value: object, form: str) -> datetime | None:
    if isinstance(value, datetime | np.datetime64 | date):
        stamp = pd.Timestamp(value)
        return None if stamp is pd.NaT else stamp.tz_localize(None).normalize().to_pydatetime()
    try:
        return datetime.strptime(str(value).strip().removesuffix(MIDNIGHT), form)
    except ValueError:
        return None


def _is_missing(value: object) -> bool:
    return bool(pd.isna(value)) or str(value).strip() in MISSING_WORDS
