"""The exceptions of allsurv.

Every class is an :class:`AllsurvError` and a built-in, so that both ``except AllsurvError`` and
``except ValueError`` do what a reader expects::

    AllsurvError
    |-- StudyError       (ValueError)    a study file breaks its own rules
    |-- ConfigError      (ValueError)    an experiment's configuration cannot be carried out
    |-- CohortError      (ValueError)    patient data break the study's data dictionary
    |-- OutcomeError     (ValueError)    times and events cannot bear the question asked of them
    |-- ModelError       (ValueError)    a model cannot be built, fitted or used as asked
    |   |-- MonotoneError               a likelihood rises without bound: no finite estimate
    |   `-- NotFittedError (AttributeError)  a model is used before it was fitted
    |-- RiskModelError   (ValueError)    an exported risk model is missing, damaged or altered
    |-- DisclosureError  (ValueError)    an artefact would disclose patients
    `-- CheckFailed      (AssertionError)  a check ran to its end and found a fault

A message reads *where: what was found; what is allowed; what to do*. It names rows by number, at
most five of them, and never repeats an identifier or free text: messages reach logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "AllsurvError",
    "CheckFailed",
    "CohortError",
    "ConfigError",
    "DisclosureError",
    "ModelError",
    "MonotoneError",
    "NotFittedError",
    "OutcomeError",
    "RiskModelError",
    "StudyError",
    "Violation",
    "first_line",
]


class AllsurvError(Exception):
    """Anything allsurv refuses; the message says what to do."""


class StudyError(AllsurvError, ValueError):
    """A study file breaks its own rules; the message names file, line and key."""


class ConfigError(AllsurvError, ValueError):
    """An experiment's configuration cannot be carried out."""


@dataclass(frozen=True)
class Violation:
    """One rule of the data dictionary that patient data break.

    Parameters
    ----------
    column : str
        Column, or columns, concerned.
    rule : str
        What is broken, in words that end the sentence ``<column>: <n> rows (...) <rule>``.
    rows : tuple of int
        All data rows concerned, the first being 1; empty where the whole column is at fault.
    """

    column: str
    rule: str
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        """One line: column, how many rows, the first five of them, the rule."""
        if not self.rows:
            return f"{self.column}: {self.rule}"
        shown = ", ".join(map(str, self.rows[:5])) + (", ..." if len(self.rows) > 5 else "")
        noun = "row" if len(self.rows) == 1 else "rows"
        return f"{self.column}: {len(self.rows)} {noun} ({shown}) {self.rule}"


class CohortError(AllsurvError, ValueError):
    """Patient data break the study's data dictionary.

    Parameters
    ----------
    where : str
        File, or what the user would call the data.
    study : str
        Name of the study.
    violations : sequence of Violation
        Everything that was found, in one pass.
    """

    def __init__(self, where: str, study: str, violations: Sequence[Violation]) -> None:
        self.where = where
        self.study = study
        self.violations = tuple(violations)
        noun = "rule" if len(self.violations) == 1 else "rules"
        lines = [f"{where} breaks {len(self.violations)} {noun} of study '{study}':"]
        super().__init__("\n".join([*lines, *(f"  {v}" for v in self.violations)]))

    def __reduce__(self) -> tuple[type[CohortError], tuple[str, str, tuple[Violation, ...]]]:
        """Cross to another process whole."""
        return type(self), (self.where, self.study, self.violations)


class OutcomeError(AllsurvError, ValueError):
    """Times and events cannot bear the question asked of them."""


class ModelError(AllsurvError, ValueError):
    """A model cannot be built, fitted or used as asked."""


class MonotoneError(ModelError):
    """A likelihood rises without bound, so that an estimate would be infinite."""


class NotFittedError(ModelError, AttributeError):
    """A model is used before it was fitted."""


class RiskModelError(AllsurvError, ValueError):
    """An exported risk model is missing, damaged or altered."""


class DisclosureError(AllsurvError, ValueError):
    """An artefact would disclose patients."""


class CheckFailed(AllsurvError, AssertionError):
    """A check ran to its end and found a fault; the report says which."""


def first_line(error: Exception) -> str:
    """Give the first line of an error's message; its class where there is no message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
