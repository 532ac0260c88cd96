"""Identifiers of patients in what is about to leave."""

from __future__ import annotations

from allsurv.cohort import Cohort
from allsurv.disclosure.artefacts import Contents
from allsurv.disclosure.chance import Numbers

__all__ = ["Identifiers"]

LONG = 5
"""Characters of an identifier that no other word is by chance."""
MIXED = 3
"""Characters of such an identifier that has letters and digits."""
FEWEST_SHORT = 3


class Identifiers:
    """Identifiers of a cohort: telling ones such as ``P017``, short words, and short numbers."""

    def __init__(self, cohort: Cohort) -> None:
        study, frame = cohort.study, cohort.frame
        names = [name for name in frame.columns if study.variable(name).kind == "identifier"]
        self.names = frozenset({*names, *(study.variable(name).column for name in names)})
        every = {str(value) for name in names for value in frame[name].dropna()}
        self.every = frozenset(every)
        self.telling = frozenset(value for value in every if _is_telling(value))
        short = every - self.telling
        digits = {value for value in short if value.isascii() and value.isdigit()}
        self.numbers = Numbers([float(value) for value in digits], 1.0)
        variables = study.variables.values()
        own = {str(level) for variable in variables for level in variable.levels}
        self.short = frozenset(short - digits - own - set(study.variables))

    def are_in(self, found: Contents) -> bool:
        """Tell whether a file holds one telling identifier, three short words, a column of numbers.

        A field of an identifier's name holds one where its value is a patient's: ``id`` names other
        things too.
        Numbers that nearly every number of their size is, such as 1 to 110 of 110 patients, cannot
        be told from others.
        """
        for record in found.records:
            if any(str(record[name]) in self.every for name in self.names & record.keys()):
                return True
        if not found.words.isdisjoint(self.telling):
            return True
        if len(found.words & self.short) >= min(FEWEST_SHORT, max(len(self.short), 1)):
            return True
        return any(self.numbers.fill(column) for column in found.columns)


def _is_telling(text: str) -> bool:
    """Tell an identifier, such as P001, that is no word or number found anywhere."""
    mixed = any(map(str.isalpha, text)) and any(map(str.isdigit, text))
    return len(text) >= (MIXED if mixed else LONG)
