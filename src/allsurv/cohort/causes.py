"""Events that compete: how each patient's follow-up ended, by the filters of the study file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.dictionary.filters import matches
from allsurv.dictionary.values import rows_of
from allsurv.errors import OutcomeError, Violation
from allsurv.nearest import did_you_mean
from allsurv.stats.competing.causes import make_caused_y
from allsurv.stats.outcome import make_y
from allsurv.study.spec import Endpoint, Filter, Study

__all__ = ["CompetingOutcome", "ending_codes", "ending_faults"]

Codes = NDArray[np.intp]
NONE, SEVERAL = -1, -2


@dataclass(frozen=True, eq=False)
class CompetingOutcome:
    """When and how the follow-up of each patient ended, where several events compete.

    Parameters
    ----------
    time : ndarray of float of shape (n_patients,)
        To the first event or last follow-up; the study's unit.
    cause : ndarray of int of shape (n_patients,)
        0 where censored, otherwise 1 + the position of the cause in ``names``.
    names, labels : tuple of str
        The causes in allsurv and for readers, in the order of the study file; also those that
        nobody had.
    """

    time: NDArray[np.float64]
    cause: Codes
    names: tuple[str, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        """Count the patients."""
        return int(self.time.size)

    def code(self, name: str) -> int:
        """Give the code of a cause.

        Parameters
        ----------
        name : str
            One of ``names``.

        Returns
        -------
        int
            1, 2, ...

        Raises
        ------
        OutcomeError
            If there is no such cause; the message suggests the near miss.
        """
        if name not in self.names:
            hint = did_you_mean(name, self.names) or f" Known: {', '.join(self.names)}."
            raise OutcomeError(f"'{name}' is not a cause of this endpoint.{hint}")
        return self.names.index(name) + 1

    def counts(self) -> dict[str, int]:
        """Count the patients who had each cause.

        Returns
        -------
        dict from str to int
            By name, 0 included.
        """
        found = np.bincount(self.cause, minlength=len(self.names) + 1)[1:]
        return dict(zip(self.names, found.tolist(), strict=True))

    def y(self) -> NDArray[np.void]:
        """Give the outcome as models of several causes and their validation take it.

        Returns
        -------
        structured ndarray of shape (n_patients,)
            Fields ``event`` (bool: any cause), ``time`` (float) and ``cause`` (int).
        """
        return make_caused_y(self.time, self.cause)

    def y_any(self) -> NDArray[np.void]:
        """Give the outcome that counts every cause as the event: the composite endpoint.

        Returns
        -------
        structured ndarray of shape (n_patients,)
            Fields ``event`` (bool) and ``time`` (float).
        """
        return make_y(self.time, self.cause > 0)

    def y_cause(self, name: str) -> NDArray[np.void]:
        """Give the outcome that counts one cause and censors at the others.

        For cause-specific hazards only: one minus the Kaplan-Meier estimate of it is *not* the
        probability of the cause.

        Parameters
        ----------
        name : str
            One of ``names``.

        Returns
        -------
        structured ndarray of shape (n_patients,)
            Fields ``event`` (bool) and ``time`` (float).

        Raises
        ------
        OutcomeError
            If there is no such cause.
        """
        return make_y(self.time, self.cause == self.code(name))


def ending_codes(frame: pd.DataFrame, endpoint: Endpoint) -> Codes:
    """Tell how follow-up ended: 0 censored, 1, 2, ... a cause, -1 unknown, -2 in several ways.

    A missing value never matches a filter, so what else is known may still decide.
    """
    filters = (endpoint.censored, *(cause.event for cause in endpoint.causes.values()))
    ways = np.array([_any(frame, conditions) for conditions in filters])
    n_ways = ways.sum(axis=0)
    codes: Codes = np.where(n_ways == 1, ways.argmax(axis=0), SEVERAL)
    codes[n_ways == 0] = NONE
    return codes


def ending_faults(frame: pd.DataFrame, study: Study) -> Iterator[Violation]:
    """Find patients whose follow-up ended in no way or in several, though all is known."""
    for endpoint in study.endpoints.values():
        names = (*endpoint.status, *endpoint.population)
        if endpoint.kind != "competing" or not set(names) <= set(frame.columns):
            continue
        codes = ending_codes(frame, endpoint)
        inside = matches(frame, endpoint.population)
        known = frame[list(endpoint.status)].notna().all(axis=1).to_numpy()
        column = study.variables[endpoint.status[0]].column
        ways = f"endpoint '{endpoint.name}' ({', '.join(endpoint.causes)}, censored)"
        if rows := rows_of(inside & (codes == SEVERAL)):
            end = "ends" if len(rows) == 1 else "end"
            message = f"{end} in several ways of {ways}; let its filters exclude one another."
            yield Violation(column, message, rows)
        if rows := rows_of(inside & known & (codes == NONE)):
            end = "ends" if len(rows) == 1 else "end"
            message = f"{end} in none of the ways of {ways}; list that status under one of them."
            yield Violation(column, message, rows)


def _any(frame: pd.DataFrame, conditions: Sequence[Filter]) -> NDArray[np.bool_]:
    met = np.zeros(len(frame), dtype=bool)
    for condition in conditions:
        met |= matches(frame, condition)
    return met
