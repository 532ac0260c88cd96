"""Search everything that is about to leave for what must not: ids, times, rows, small cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from allsurv.cohort import Cohort
from allsurv.disclosure.artefacts import Record, as_number, open_artefact
from allsurv.disclosure.identifiers import Identifiers
from allsurv.disclosure.rows import Rows
from allsurv.disclosure.times import Times
from allsurv.errors import DisclosureError
from allsurv.policy.columns import counts_patients
from allsurv.policy.rules import CMS, DisclosurePolicy

__all__ = ["Scanner", "check_artefacts"]


class Scanner:
    """Searches files for what must not be seen of a cohort.

    Parameters
    ----------
    cohort : Cohort
        Patients that are to be protected.
    policy : DisclosurePolicy, default=CMS
        What may be shown.

    Notes
    -----
    A file is stopped if it holds

    - a record with a field of an identifier's name; an identifier of five characters or more, or
      of three with letters and digits; three shorter words; or a column of which more are
      patients' numbers than by chance;
    - a follow-up or event time with three decimals or more; a column with five or more of the
      patients' times off the study's grid, making up most of it, unless as many could be theirs by
      chance (binomial P at least 1e-6, as where nearly every day is some patient's); ten patients'
      times in their order, or everybody's in any order, on the grid too;
    - a record or a row of an array with three or more continuous baseline values that fewer than
      11 patients share, or a record with four or more where whole numbers are among them;
    - a count under the policy's threshold, other than 0. Every column or key ``n``, ``n_*``,
      ``*_n`` or ``count`` is one, but for the study's variables and ``NOT_PATIENTS``.

    Where the policy is not coarse it looks for no times, under ``off`` for identifiers alone. A
    search finds what it looks for: it is the last net, not the rule.
    """

    def __init__(self, cohort: Cohort, policy: DisclosurePolicy = CMS) -> None:
        self.policy = policy
        self.variables = frozenset(cohort.study.variables)
        self.identifiers, self.times, self.rows = Identifiers(cohort), Times(cohort), Rows(cohort)

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
        if self.identifiers.are_in(found):
            yield "an identifier of a patient"
        if self.policy.is_coarse:
            if self.times.one_is_in(found):
                yield "an exact time of a patient"
            elif self.times.fill_a_column(found):
                yield "a column of patients' times"
        if self.policy.hides_rows and self.rows.are_in(found):
            yield "a patient's row"
        small = sorted({key for record in found.records for key in self._small(record)})
        if small:
            yield f"counts under {self.policy.threshold} ({', '.join(small)})"

    def _small(self, record: Record) -> Iterator[str]:
        for key, held in record.items():
            if isinstance(key, str) and counts_patients(key) and key not in self.variables:
                value = as_number(held)
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
