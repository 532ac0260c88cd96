"""Patients of a study: one checked table, the study it answers to, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from allsurv.cohort.causes import CompetingOutcome, ending_codes
from allsurv.cohort.intervals import Intervals, make_intervals
from allsurv.dictionary.filters import matches
from allsurv.dictionary.units import unit_ratio
from allsurv.dictionary.values import rows_of
from allsurv.errors import OutcomeError, StudyError
from allsurv.nearest import did_you_mean
from allsurv.stats.outcome import entry_of, make_y
from allsurv.study.spec import Endpoint, Event, Filter, Study

__all__ = ["SIMULATED", "Cohort", "Source"]

SIMULATED = "simulated "
"""How every identifier of a simulated patient begins, in files too."""


@dataclass(frozen=True)
class Source:
    """Where patients came from; it travels into every table, figure and card.

    Parameters
    ----------
    kind : {"file", "reconstructed", "simulated"}
        ``file``: somebody's data. ``reconstructed``: fitted to published numbers. ``simulated``:
        drawn from a model.
    name : str
        File, or what the data are called.
    digest : str
        SHA-256 of the file's bytes, or of the table where there was no file.
    statement : str
        The one plain sentence a reader of any result must see.
    ignored : tuple of str
        Columns of the data that the study says are no part of it.
    understood : tuple of str
        How the file was read, where it is not plain CSV in UTF-8.
    """

    kind: Literal["file", "reconstructed", "simulated"]
    name: str
    digest: str
    statement: str
    ignored: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()

    @property
    def is_synthetic(self) -> bool:
        """Whether these are not patients."""
        return self.kind != "file"


@dataclass(frozen=True, eq=False)
class Cohort:
    """Patients who keep every rule of their study.

    Made by ``read_cohort`` and ``load_cohort``; not changed afterwards.

    Parameters
    ----------
    study : Study
        Data dictionary, endpoints and events.
    frame : DataFrame of shape (n_patients, n_variables)
        One row per patient, index from 0; one column per study variable that is present, derived
        ones included. Numbers and durations float64 with NaN where missing; binary and marker
        ``boolean``; nominal and ordinal Categorical over the study's levels; identifiers
        ``string``.
    source : Source
        Where the patients came from.
    """

    study: Study
    frame: pd.DataFrame
    source: Source

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.frame)

    @property
    def X(self) -> pd.DataFrame:
        """Baseline variables that are present: what models take; no identifiers."""
        return self.frame[[v for v in self.study.baseline() if v in self.frame.columns]].copy()

    def __len__(self) -> int:
        """Count the patients."""
        return self.n

    def __repr__(self) -> str:
        """Say what it is, without showing a patient."""
        return (
            f"Cohort(study='{self.study.name}', n={self.n}, "
            f"source='{self.source.kind}: {self.source.name}')"
        )

    def y(self, endpoint: str) -> NDArray[np.void]:
        """Give the outcome of every patient.

        Parameters
        ----------
        endpoint : str
            Name of an endpoint of the study.

        Returns
        -------
        structured ndarray of shape (n_patients,)
            Fields ``event`` (bool) and ``time`` (float, the study's unit).

        Raises
        ------
        OutcomeError
            If patients outside the endpoint's population are among them, or a time or status is
            missing.
        StudyError
            If the study has no such endpoint, or several events compete in it.

        Notes
        -----
        An endpoint with delayed entry is refused here, so that nothing takes patients for observed
        before they were; :meth:`follow_up` gives it.
        """
        definition = self.study.endpoint(endpoint)
        if definition.entry is not None:
            raise OutcomeError(
                f"endpoint '{endpoint}' has delayed entry ('{definition.entry}'), which survival "
                "curves, log-rank tests and Cox analyses take; prognostic models, their validation "
                "and simulation do not. Choose an endpoint without 'entry'."
            )
        return self.follow_up(endpoint)

    def follow_up(self, endpoint: str) -> NDArray[np.void]:
        """Give the outcome of every patient, with the time of entry where that is delayed.

        Parameters
        ----------
        endpoint : str
            Name of an endpoint of the study.

        Returns
        -------
        structured ndarray of shape (n_patients,)
            Fields ``event`` (bool) and ``time`` (float, the study's unit), and ``entry`` (float,
            the same unit and clock) if the endpoint has delayed entry: a patient is at risk in
            ``(entry, time]``.

        Raises
        ------
        OutcomeError
            As :meth:`y`; or if a time of entry is missing.
        StudyError
            If the study has no such endpoint, or several events compete in it.
        """
        definition = self.study.endpoint(endpoint)
        if definition.kind == "competing":
            raise StudyError(
                f"study '{self.study.name}': endpoint '{endpoint}' has several events that compete "
                f"({', '.join(definition.causes)}); take cohort.competing('{endpoint}'), or an "
                "endpoint of one event."
            )
        if definition.kind == "states":
            raise StudyError(
                f"study '{self.study.name}': endpoint '{endpoint}' has states "
                f"({', '.join(definition.states)}); take state_table or transition_table, or an "
                "endpoint of one event."
            )
        times = self._times(definition)
        event = np.zeros(self.n, dtype=bool)
        for condition in definition.event:
            event |= matches(self.frame, condition)
        status = self.frame[list(definition.status)].isna().any(axis=1).to_numpy()
        self._refuse(status & ~event, f"endpoint '{endpoint}'", "a missing status")
        return make_y(times, event, entry=self._entry(definition))

    def _entry(self, endpoint: Endpoint) -> NDArray[np.float64] | None:
        if endpoint.entry is None:
            return None
        what, name = f"endpoint '{endpoint.name}'", endpoint.entry
        self._require(name, what=what)
        entry: NDArray[np.float64] = self.frame[name].to_numpy(dtype=float) * self._in_study_units(
            name
        )
        self._refuse(np.isnan(entry), what, f"a missing '{name}'")
        return entry

    def competing(self, endpoint: str) -> CompetingOutcome:
        """Give the outcome of every patient where several events compete.

        Parameters
        ----------
        endpoint : str
            Name of an endpoint of the study, of kind ``competing``.

        Returns
        -------
        CompetingOutcome
            Time, code of the cause (0 where censored), names and labels of the causes.

        Raises
        ------
        OutcomeError
            If patients outside the endpoint's population are among them, or a time or status is
            missing.
        StudyError
            If the study has no such endpoint, or it is of another kind.
        """
        definition = self.study.endpoint(endpoint)
        if definition.kind != "competing":
            raise StudyError(
                f"study '{self.study.name}': endpoint '{endpoint}' has no events that compete; "
                f"take cohort.y('{endpoint}'), or write kind: competing, causes and censored."
            )
        times = self._times(definition)
        codes = ending_codes(self.frame, definition)
        self._refuse(codes < 0, f"endpoint '{endpoint}'", "a missing status")
        causes = definition.causes.values()
        return CompetingOutcome(
            times, codes, tuple(c.name for c in causes), tuple(c.label for c in causes)
        )

    def y_any(self, endpoint: str) -> NDArray[np.void]:
        """Give the outcome that counts the event, or any of the events that compete.

        Parameters
        ----------
        endpoint : str
            Name of an endpoint of the study, of any kind.

        Returns
        -------
        structured ndarray of shape (n_patients,)
            As of :meth:`follow_up`, entry included where it is delayed.

        Raises
        ------
        OutcomeError
            As :meth:`follow_up` and :meth:`competing`.
        StudyError
            If the study has no such endpoint.
        """
        if self.study.endpoint(endpoint).kind == "competing":
            return self.competing(endpoint).y_any()
        return self.follow_up(endpoint)

    def _times(self, endpoint: Endpoint) -> NDArray[np.float64]:
        what = f"endpoint '{endpoint.name}'"
        self._check_population(endpoint)
        self._require(endpoint.time, *endpoint.status, what=what)
        times: NDArray[np.float64] = self.frame[endpoint.time].to_numpy(dtype=float)
        self._refuse(np.isnan(times), what, "a missing time")
        return times

    def eligible(self, endpoint: str) -> Cohort:
        """Keep the patients an endpoint is defined for.

        Parameters
        ----------
        endpoint : str
            Name of an endpoint of the study.

        Returns
        -------
        Cohort
            The endpoint's population; the same source.

        Raises
        ------
        StudyError
            If the study has no such endpoint.
        OutcomeError
            If a variable that defines the population is not among the columns.
        """
        return self.where(self.study.endpoint(endpoint).population)

    def where(self, condition: Filter) -> Cohort:
        """Keep the patients who meet a filter.

        Parameters
        ----------
        condition : mapping
            Variable to the value, or the values, it may have; missing never matches.

        Returns
        -------
        Cohort
            Those patients, in the same order; the same source.

        Raises
        ------
        StudyError
            If a variable is not in the data dictionary.
        OutcomeError
            If a variable is not among the columns of these data.
        """
        self._require(*condition, what="filter")
        return self.take(np.flatnonzero(matches(self.frame, condition)))

    def known(self, names: Sequence[str]) -> Cohort:
        """Keep the patients of whom every one of some variables is known.

        Parameters
        ----------
        names : sequence of str
            Variables.

        Returns
        -------
        Cohort
            Those patients, in the same order; the same source.

        Raises
        ------
        OutcomeError
            If a variable is not among the columns of these data.
        """
        self._require(*names, what="complete cases")
        return self.take(np.flatnonzero(self.frame[list(names)].notna().all(axis=1)))

    def take(self, indices: ArrayLike | Sequence[int]) -> Cohort:
        """Pick patients by position.

        Parameters
        ----------
        indices : array-like of int
            Positions from 0, in the order wanted; a position may occur repeatedly.

        Returns
        -------
        Cohort
            Those patients; the same source.
        """
        picked = self.frame.iloc[np.asarray(indices, dtype=np.intp)].reset_index(drop=True)
        return Cohort(self.study, picked, self.source)

    def intervals(self, endpoint: str, events: Sequence[str] | None = None) -> Intervals:
        """Cut follow-up into ``(start, stop]`` rows where time-dependent events switch on.

        Parameters
        ----------
        endpoint : str
            Name of an endpoint of the study, of any kind; its clock is the clock of the rows, and
            each of the events that compete ends them.
        events : sequence of str, optional
            Names of events of the study; all of them where not given.

        Returns
        -------
        Intervals
            Rows with baseline variables and one 0/1 column per event, under the event's name.

        Raises
        ------
        OutcomeError
            As :meth:`y`; or if an event happened at an unknown time.
        StudyError
            If the study has no such endpoint or event.
        """
        y = self.y_any(endpoint)
        origin = np.zeros(self.n)
        name = self.study.endpoint(endpoint).origin_time
        if name is not None:
            self._require(name, what=f"endpoint '{endpoint}'")
            origin = self.frame[name].to_numpy(dtype=float) * self._in_study_units(name)
            self._refuse(np.isnan(origin), f"endpoint '{endpoint}'", f"a missing '{name}'")
        wanted = tuple(self.study.events) if events is None else tuple(events)
        switches = {e: self.event_times(e) - origin for e in wanted}
        return make_intervals(y["time"], y["event"], switches, self.X, start=entry_of(y))

    def _in_study_units(self, name: str) -> float:
        return unit_ratio(self.study.variable(name).unit, self.study.time.unit)

    def has_event(self, name: str) -> bool:
        """Tell whether an event of the study can be told from these columns.

        Parameters
        ----------
        name : str
            Name of an event of the study.

        Returns
        -------
        bool
            Whether its time and what says that it occurred are there.
        """
        event = self._event(name)
        return {event.time, *event.occurred} <= set(self.frame.columns)

    def event_times(self, name: str) -> NDArray[np.float64]:
        """Give the time of an event after baseline.

        Parameters
        ----------
        name : str
            Name of an event of the study.

        Returns
        -------
        ndarray of shape (n_patients,)
            From treatment start, in the study's unit; infinite where it did not happen.

        Raises
        ------
        OutcomeError
            If it happened at an unknown time, or it is not known whether it happened.
        StudyError
            If the study has no such event.
        """
        event = self._event(name)
        self._require(event.time, *event.occurred, what=f"event '{name}'")
        known = ~self.frame[list(event.occurred)].isna().any(axis=1).to_numpy()
        self._refuse(~known, f"event '{name}'", "no word on whether it happened")
        happened = matches(self.frame, event.occurred)
        time = self.frame[event.time].to_numpy(dtype=float) * self._in_study_units(event.time)
        self._refuse(happened & np.isnan(time), f"event '{name}'", "a missing time")
        return np.where(happened, time, np.inf)

    def _event(self, name: str) -> Event:
        if name not in self.study.events:
            hint = did_you_mean(name, self.study.events)
            raise StudyError(f"study '{self.study.name}': '{name}' is not in the events.{hint}")
        return self.study.events[name]

    def _check_population(self, endpoint: Endpoint) -> None:
        self._require(*endpoint.population, what=f"endpoint '{endpoint.name}'")
        outside = ~matches(self.frame, endpoint.population)
        if outside.any():
            raise OutcomeError(
                f"endpoint '{endpoint.name}': {int(outside.sum())} of {self.n} patients are "
                "outside its population; "
                f"take cohort.eligible('{endpoint.name}') first."
            )

    def _require(self, *names: str, what: str) -> None:
        for name in names:
            self.study.variable(name)
            if name not in self.frame.columns:
                raise OutcomeError(
                    f"{what}: the column of '{name}' is not in {self.source.name}; add it."
                )

    def _refuse(self, mask: NDArray[np.bool_], what: str, has: str) -> None:
        if mask.any():
            rows = rows_of(mask)
            shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
            raise OutcomeError(
                f"{what}: {len(rows)} patients (rows {shown}) have {has}; "
                "complete or leave out those patients yourself, nothing is dropped silently."
            )
