"""What the words of a column's header say: unit, time, event, identifier."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

__all__ = [
    "AGE",
    "ARMS",
    "BIRTHS",
    "CENSORED",
    "CENTRES",
    "DEATHS",
    "ENDPOINTS",
    "EVENTS",
    "GRADES",
    "GROUPS",
    "IDENTIFIERS",
    "LATER",
    "NUMBERS",
    "PERSONAL",
    "ROW_NUMBERS",
    "TIMES",
    "UNITS",
    "clean_name",
    "has_word",
    "is_later",
    "is_time",
    "readable",
    "time_unit",
    "unit_of",
    "words_of",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CENTRES = _words("inst institution site center centre hospital ward clinic")
ROW_NUMBERS = _words("rownames index unnamed")
IDENTIFIERS = _words(
    "id pid obs seqno patid patient patno patnr patientid subject subjid usubjid record recordid "
    "case caseid pseudonym studyid participant"
)
PERSONAL = _words(
    "name firstname lastname surname forename vorname nachname initials email mail phone "
    "telephone tel mobile fax address street city zip zipcode postcode plz mrn ssn nhs "
    "insurance passport hospitalnumber npi ip url photo"
)
BIRTHS = _words("dob birth birthdate birthday born geburtsdatum brthdtc brthdt")
TIMES = _words(
    "os pfs efs rfs dfs ttp ttd tte ttr lfs css time futime fu followup survival surv stime "
    "days weeks months years rfstime prtime survtime lenfol dtime rtime"
)
UNITS = _words("days weeks months years")
NUMBERS = _words("education educlvl school smoking pack packs age alter")
"""Words of headers whose weeks and years are no follow-up."""

ENDPOINTS = _words("os pfs efs rfs dfs ttp tte lfs css")
DEATHS = _words("died dead death deceased dth exitus verstorben tod mort mortality fstat dthfl")
EVENTS = DEATHS | _words(
    "event status stat fail failure relapse recurrence progression progressed vital alive cens "
    "censor censored censoring cnsr delta outcome"
)
CENSORED = _words("cens censor censored censoring alive living lebt lost")
ARMS = _words("arm trt treat treatment rx group therapy regimen randomized randomised")
GROUPS = ARMS | _words(
    "sex gender race ethnic ethnicity site center centre institution country region type "
    "histology cell celltype cause donor"
)
GRADES = _words("stage grade ecog ps performance class risk score nyha asa who ecogps")
LATER = _words(
    "relapse relapsed recurrence progression progressed response responded remission cr "
    "transplant transplanted transplantation sct hsct toxicity last discharge cause withdrawn "
    "discontinued completed gvhd agvhd cgvhd recovery"
)
ABBREVIATIONS = _words("ecog os pfs efs rfs bmi asct sct bsa ast alt crp cns hb id")
EARLIER = _words("prior previous history before baseline bl pre first")
AGE = _words("age alter")
_LETTERS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_TIME_UNITS = {
    "days": "day days d tage dy",
    "weeks": "week weeks wk wks",
    "months": "month months mo mos mths monate m",
    "years": "year years yr yrs jahre y",
}
_BRACKETS = re.compile(r"[\[(]\s*([^\])]{1,20}?)\s*[\])]\s*$")
_ENDINGS = {
    "mgdl": "mg/dL",
    "gdl": "g/dL",
    "gl": "g/L",
    "mmoll": "mmol/L",
    "umoll": "umol/L",
    "ul": "U/L",
    "pct": "%",
    "percent": "%",
    "kg": "kg",
    "cm": "cm",
    "mm": "mm",
    "mg": "mg",
}


def words_of(header: str) -> list[str]:
    """Cut a header into lower-case words.

    Examples
    --------
    >>> words_of("OS_months"), words_of("dateOfBirth"), words_of("WBC [10^9/L]")
    (['os', 'months'], ['date', 'of', 'birth'], ['wbc', '10', '9', 'l'])
    """
    return [part.lower() for part in _LETTERS.findall(header)]


def has_word(header: str, among: Iterable[str]) -> bool:
    """Tell whether a word of the header, or all of it run together, is among those.

    Examples
    --------
    >>> has_word("Patient_ID", IDENTIFIERS), has_word("first name", PERSONAL)
    (True, True)
    """
    words = words_of(header)
    joined = {"".join(words), *("".join(pair) for pair in pairwise(words))}
    return not (set(words) | joined).isdisjoint(among)


def is_time(header: str) -> bool:
    """Tell whether a header names a duration.

    Examples
    --------
    >>> is_time("futime"), is_time("crtime"), is_time("t_stage")
    (True, True, False)
    """
    if has_word(header, NUMBERS):
        return False
    ends = any(word.endswith("time") or word in {"tstop", "tstart"} for word in words_of(header))
    return ends or has_word(header, TIMES)


def is_later(header: str) -> bool:
    """Tell whether a header names what is known after the start.

    Examples
    --------
    As ``pstat`` and ``relstat`` are called beside ``ptime`` and ``reltime``, too.

    >>> is_later("relapse"), is_later("prior_sct"), is_later("pstat"), is_later("stat")
    (True, False, True, False)
    """
    ends_so = header.lower().endswith("stat") and len(header) > len("stat")
    return (ends_so or has_word(header, LATER)) and not has_word(header, EARLIER)


def time_unit(header: str) -> str:
    """Find a unit of time in a header.

    Examples
    --------
    >>> time_unit("os_months"), time_unit("Follow-up (days)"), time_unit("futime")
    ('months', 'days', '')
    """
    words = words_of(header)
    for unit, names in _TIME_UNITS.items():
        long = [name for name in names.split() if len(name) > 1]
        if not set(words).isdisjoint(long):
            return unit
    last = words[-1] if len(words) > 1 else ""
    return next((unit for unit, names in _TIME_UNITS.items() if last in names.split()), "")


def unit_of(header: str) -> str:
    """Find a unit in a header: in brackets at its end, or as its last word.

    Examples
    --------
    >>> unit_of("WBC [10^9/L]"), unit_of("creatinine_mgdl"), unit_of("stage")
    ('10^9/L', 'mg/dL', '')
    """
    found = _BRACKETS.search(header)
    if found:
        return found[1]
    if has_word(header, AGE):
        return time_unit(header) or "years"
    words = header.lower().replace("-", "_").split("_")
    return _ENDINGS.get(words[-1], "") if len(words) > 1 else ""


def clean_name(header: str, taken: Iterable[str]) -> str:
    """Make a name of a header: lower-case letters, digits and underscores, not yet taken.

    Examples
    --------
    >>> clean_name("WBC [10^9/L]", []), clean_name("2nd line", []), clean_name("Age", ["age"])
    ('wbc', 'v_2nd_line', 'age_2')
    """
    text = _BRACKETS.sub("", header).lower()
    for letter, plain in {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e"}.items():
        text = text.replace(letter, plain)
    name = re.sub(r"[^a-z0-9]+", "_", text).strip("_") or "column"
    name = name if name[0].isalpha() else f"v_{name}"
    unique, k = name, 2
    while unique in set(taken):
        unique, k = f"{name}_{k}", k + 1
    return unique


def readable(header: str) -> str:
    """Make a label of a header.

    Examples
    --------
    >>> readable("prior_asct"), readable("WBC [10^9/L]"), readable("ECOG")
    ('Prior ASCT', 'WBC', 'ECOG')
    >>> readable("tp53"), readable("wbc")
    ('TP53', 'WBC')
    """
    parts = re.sub(r"[_\s.]+", " ", _BRACKETS.sub("", header)).split() or ["column"]
    text = " ".join(part.upper() if _is_abbreviation(part) else part for part in parts)
    return text[:1].upper() + text[1:]


def _is_abbreviation(part: str) -> bool:
    """Tell tp53, wbc and ecog from words of the language."""
    if part != part.lower():
        return False
    has_digit = any(c.isdigit() for c in part) and part[0].isalpha()
    without_vowel = part.isalpha() and not set(part) & set("aeiouy") and len(part) > 1
    return has_digit or without_vowel or part in ABBREVIATIONS
