"""Each fault that a data dictionary can have, alone: where it is, and all of what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allsurv.dictionary.variable import Derivation, Variable
from allsurv.study.dictionary_faults import dictionary_faults
from allsurv.study.faults import Fault

AGE = Variable("age", "Age", "continuous", "age", unit="years", minimum=0, maximum=120)
ECOG = Variable("ecog", "ECOG", "ordinal", "ecog", levels=(0, 1, 2))
SEX = Variable("sex", "Sex", "nominal", "sex", levels=("female", "male"))
DEAD = Variable("dead", "Dead", "binary", "dead", known="outcome")
OS = Variable("os", "Follow-up", "duration", "os", unit="months", known="outcome")
RFS = Variable("rfs", "Relapse", "duration", "rfs", unit="months", known="outcome")
PATIENT = Variable("patient", "Patient", "identifier", "patient")
GIVEN = {v.name: v for v in (AGE, ECOG, SEX, DEAD, OS, RFS, PATIENT)}


def derived(kind, op, *sources, known="baseline", **arguments):
    levels = {k: arguments.pop(k) for k in ("unit", "required", "only_if") if k in arguments}
    shown = arguments.pop("shown", ())
    rule = Derivation(op, sources, **arguments)
    made = Variable("new", "New", kind, "", derivation=rule, known=known, levels=shown)
    return replace(made, **levels)


def recode(**groups):
    return derived("nominal", "recode", "sex", levels=groups, shown=tuple(groups))


def cases(*sources, **who):
    return derived("nominal", "cases", *sources, cases=who, shown=tuple(who))


RULE = ("variables", "new", "derivation")
CASES = {
    "second identifier": (
        Variable("id", "Id", "identifier", "id"),
        ("variables", "id", "kind"),
        "is a second identifier beside 'patient'; a study has one.",
    ),
    "shared column": (
        Variable("years", "Years", "continuous", "age"),
        ("variables", "years", "column"),
        "column 'age' already belongs to 'age'.",
    ),
    "minimum of no number": (
        replace(SEX, minimum=0),
        ("variables", "sex", "minimum"),
        "is for numbers; 'nominal' is none.",
    ),
    "maximum of no number": (
        replace(SEX, maximum=0),
        ("variables", "sex", "maximum"),
        "is for numbers; 'nominal' is none.",
    ),
    "minimum above maximum": (
        replace(AGE, minimum=121),
        ("variables", "age", "minimum"),
        "121 is above the maximum 120.",
    ),
    "logarithm from 0": (
        replace(AGE, transform="log"),
        ("variables", "age", "transform"),
        "a logarithm needs a minimum above 0.",
    ),
    "logarithm without a minimum": (
        replace(AGE, transform="log", minimum=None),
        ("variables", "age", "transform"),
        "a logarithm needs a minimum above 0.",
    ),
    "levels of a number": (
        replace(AGE, levels=(1, 2)),
        ("variables", "age", "levels"),
        "is for nominal and ordinal; 'continuous' is none.",
    ),
    "reference of a number": (
        replace(AGE, reference=1),
        ("variables", "age", "reference"),
        "is for nominal and ordinal; 'continuous' is none.",
    ),
    "reference that is no level": (
        replace(SEX, reference="man"),
        ("variables", "sex", "reference"),
        "'man' is not a level of 'sex' ('female', 'male').",
    ),
    "label of no level": (
        replace(ECOG, level_labels={True: "Well"}),
        ("variables", "ecog", "level_labels", "True"),
        "'True' is not a level of 'ecog' (0, 1, 2).",
    ),
    "column unit of no number": (
        replace(SEX, column="gender", column_unit="sexes", factor=2.0),
        ("variables", "sex", "column_unit"),
        "is for numbers; 'nominal' is none.",
    ),
    "column unit under the same name": (
        replace(AGE, column_unit="months"),
        ("variables", "age", "column_unit"),
        "is in months, 'age' in years: name the file's column by 'column' and give the variable "
        "another name.",
    ),
    "factor of two units of time": (
        replace(OS, column="os_days", column_unit="days", factor=30.0),
        ("variables", "os", "factor"),
        "is not needed; both units are units of time.",
    ),
    "no factor": (
        replace(AGE, column="age_x", column_unit="stones"),
        ("variables", "age", "factor"),
        "is missing; say how many years one of the column is.",
    ),
    "zero of no duration": (
        replace(AGE, zero_as=0.5),
        ("variables", "age", "zero_as"),
        "is for durations; 'continuous' is none.",
    ),
    "missing code of a derived variable": (
        replace(derived("binary", "at_least", "age", threshold=60), missing_codes=(9,)),
        ("variables", "new", "missing_codes"),
        "is for columns of files; a derived variable is in none.",
    ),
    "missing code that is a level": (
        replace(ECOG, missing_codes=("1.0",)),
        ("variables", "ecog", "missing_codes"),
        "'1' is a level too; keep one.",
    ),
    "depends on itself": (
        replace(SEX, only_if={"sex": "male"}),
        ("variables", "sex", "only_if", "sex"),
        "a variable cannot depend on itself.",
    ),
    "depends on an identifier": (
        replace(SEX, only_if={"patient": "a"}),
        ("variables", "sex", "only_if", "patient"),
        "an identifier cannot select patients.",
    ),
    "kind of a derivation": (
        derived("nominal", "at_least", "age", threshold=60),
        ("variables", "new", "kind"),
        "'at_least' gives a binary or marker variable, not 'nominal'.",
    ),
    "required, but derived": (
        derived("binary", "at_least", "age", threshold=60, required=True),
        ("variables", "new", "required"),
        "a derived variable is in no file; leave this out.",
    ),
    "argument of another operation": (
        derived("binary", "any_of", "dead", known="outcome", threshold=60),
        (*RULE, "threshold"),
        "has no meaning for 'any_of'.",
    ),
    "values of another operation": (
        derived("binary", "at_least", "age", threshold=60, values=(1,)),
        (*RULE, "values"),
        "has no meaning for 'at_least'.",
    ),
    "missing_as of another operation": (
        derived("binary", "known", "age", missing_as=False),
        (*RULE, "missing_as"),
        "has no meaning for 'known'.",
    ),
    "two sources of one": (
        derived("binary", "known", "age", "sex"),
        (*RULE, "sources"),
        "'known' takes one source.",
    ),
    "no source": (
        derived("binary", "known"),
        (*RULE, "sources"),
        "'known' takes one source.",
    ),
    "unknown source": (
        derived("binary", "known", "agee"),
        (*RULE, "sources", 0),
        "'agee' is not in the data dictionary. Did you mean 'age'?",
    ),
    "known too early": (
        derived("binary", "known", "os"),
        (*RULE, "sources", 0),
        "'os' is outcome, so what follows from it is not baseline; add 'known: outcome'.",
    ),
    "value of is_in": (
        derived("binary", "is_in", "sex", values=("male", "man")),
        (*RULE, "values", 1),
        "'man' is not a level of 'sex' ('female', 'male').",
    ),
    "threshold out of range": (
        derived("binary", "above", "age", threshold=130),
        (*RULE, "threshold"),
        "130 is out of range of 'age' (at least 0, at most 120).",
    ),
    "threshold that is no level": (
        derived("binary", "below", "ecog", threshold=3),
        (*RULE, "threshold"),
        "3 is not a level of 'ecog'.",
    ),
    "threshold without an order": (
        derived("binary", "at_least", "sex", threshold=1),
        (*RULE, "sources", 0),
        "'sex' has no order; take a number or an ordinal variable.",
    ),
    "any_of a number": (
        derived("binary", "any_of", "age"),
        (*RULE, "sources", 0),
        "'age' is not a yes/no variable.",
    ),
    "earliest of no duration": (
        derived("duration", "earliest", "os", "age", known="outcome", unit="months"),
        (*RULE, "sources", 1),
        "'age' is not a duration in months.",
    ),
    "earliest in another unit": (
        derived("duration", "earliest", "rfs", known="outcome"),
        (*RULE, "sources", 0),
        "'rfs' is not a duration in this unit.",
    ),
    "recode of a number": (
        derived("nominal", "recode", "age", levels={"old": (70,)}, shown=("old",)),
        (*RULE, "levels", "old", 0),
        "'age' has no levels to group.",
    ),
    "recode of no level": (
        recode(all=("female", "man")),
        (*RULE, "levels", "all", 1),
        "'man' is not a level of 'sex' ('female', 'male').",
    ),
    "recode of one level twice": (
        recode(one=("female", "male"), two=("male",)),
        (*RULE, "levels", "two", 0),
        "'male' already belongs to 'one'.",
    ),
    "case that names no source": (
        cases("sex", old={"sex": "male", "ecog": 2}),
        (*RULE, "sources"),
        "'ecog', which the cases name, is missing.",
    ),
    "source that no case names": (
        cases("sex", "ecog", men={"sex": "male"}),
        (*RULE, "sources", 1),
        "no case names 'ecog'.",
    ),
    "levels beside those of the derivation": (
        derived("nominal", "recode", "sex", levels={"all": ("male",)}, shown=("every",)),
        ("variables", "new", "levels"),
        "differ from those of the derivation; leave them out.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_one_fault_is_the_only_one(case):
    variable, path, message = CASES[case]
    faults = list(dictionary_faults({**GIVEN, variable.name: variable}))
    assert faults == [Fault(path, message)]


def test_what_depends_on_a_derived_variable_is_told_what_to_name():
    old = replace(derived("binary", "at_least", "age", threshold=60), name="old")
    late = replace(SEX, only_if={"old": True})
    assert list(dictionary_faults({**GIVEN, "old": old, "sex": late})) == [
        Fault(
            ("variables", "sex", "only_if", "old"),
            "'old' is derived; name the given variables it follows from.",
        )
    ]


def test_a_circle_is_named_once():
    one = replace(derived("binary", "any_of", "two"), name="one")
    two = replace(derived("binary", "any_of", "one"), name="two")
    assert list(dictionary_faults({"one": one, "two": two})) == [
        Fault(
            ("variables", "one", "derivation", "sources"),
            "follows from itself: one -> two -> one.",
        )
    ]


def test_a_sound_dictionary_has_no_fault():
    sound = [
        derived("binary", "at_least", "age", threshold=60),
        derived("binary", "above", "age", threshold=120),  # a bound is inside
        derived("binary", "is_in", "sex", values=("male",), missing_as=False),
        derived("duration", "earliest", "os", "rfs", known="outcome", unit="months"),
        recode(all=("female", "male")),
        cases("sex", men={"sex": "male"}),
    ]
    for variable in sound:
        assert list(dictionary_faults({**GIVEN, "new": variable})) == []
    assert list(dictionary_faults({**GIVEN, "age": replace(AGE, minimum=120)})) == []
    years = replace(OS, column="os_days", column_unit="days")
    assert list(dictionary_faults({**GIVEN, "os": years})) == []
