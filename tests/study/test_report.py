"""Tables, screening and other readings in a study file: what they hold, and every fault."""

from __future__ import annotations

import pytest

from allsurv.errors import StudyError
from allsurv.study import Screening, TableRow, load_study

# old text, new text, key, message
FAULTS = {
    "row event": (
        "event: {transplanted: true}}",
        "event: {transplant: true}}",
        "tables.response.rows[0].event.transplant",
        "'transplant' is not in the data dictionary. Did you mean 'transplanted'?",
    ),
    "row population": (
        "population: {age_ge60: true}",
        "population: {age_ge60: 'yes'}",
        "tables.response.rows[1].population.age_ge60",
        "'yes' is not a value of 'age_ge60'; write true or false.",
    ),
    "everybody counted": (
        "label: All patients, event: {transplanted: true}}",
        "label: All patients, event: {}}",
        "tables.response.rows[0].event",
        "an empty filter counts everybody; name a variable.",
    ),
    "columns": (
        "    by: arm\n    rows",
        "    by: age\n    rows",
        "tables.response.by",
        "'age' is a number; columns need levels.",
    ),
    "rows and grades": (
        "    by: arm\n    rows",
        "    grades: table3\n    rows",
        "tables.response",
        "needs either rows or grades, not both and not none.",
    ),
    "screened endpoint": (
        "multivariable model\n  endpoint: os",
        "multivariable model\n  endpoint: rfs",
        "screening.endpoint",
        "'rfs' is not in the endpoints. Known: os.",
    ),
    "screened variable known later": (
        "variables: [age, age_ge60, wbc, tp53, arm]",
        "variables: [age, age_ge60, wbc, tp53, transplanted]",
        "screening.variables[4]",
        "'transplanted' is not known at baseline; list it under landmarks, or its event under "
        "time_dependent.",
    ),
    "univariable only": (
        "univariable_only: [age_ge60]",
        "univariable_only: [patient]",
        "screening.univariable_only[0]",
        "'patient' is not in the variables of the screening. Known: age, age_ge60, wbc, tp53, arm.",
    ),
    "kept event": (
        "kept: [transplant]",
        "kept: [transplanted]",
        "screening.kept[0]",
        "'transplanted' is not in the events. Did you mean 'transplant'?",
    ),
    "landmark": (
        "  p_value: 0.05",
        "  landmarks: {responce: 4}",
        "screening.landmarks.responce",
        "'responce' is not in the data dictionary.",
    ),
    "instead of": (
        "  os_arm: {label: Overall survival by treatment, endpoint: os, by: arm}",
        "  os_arm: {label: a, endpoint: os, by: arm}\n"
        "  other: {label: b, endpoint: os, instead_of: os_arms, reading: correct}",
        "comparisons.other.instead_of",
        "'os_arms' is not in the comparisons. Did you mean 'os_arm'?",
    ),
    "reading of a reading": (
        "  os_arm: {label: Overall survival by treatment, endpoint: os, by: arm}",
        "  os_arm: {label: a, endpoint: os, by: arm}\n"
        "  other: {label: b, endpoint: os, instead_of: os_arm, reading: correct}\n"
        "  third: {label: c, endpoint: os, instead_of: other, reading: another}",
        "comparisons.third.instead_of",
        "'other' is itself another reading; name the published one.",
    ),
    "reading left out": (
        "  os_arm: {label: Overall survival by treatment, endpoint: os, by: arm}",
        "  os_arm: {label: a, endpoint: os, by: arm}\n"
        "  other: {label: b, endpoint: os, instead_of: os_arm}",
        "comparisons.other.reading",
        "is missing; 'instead_of' needs it.",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_names_line_and_key(case, example, load_text):
    old, new, key, message = FAULTS[case]
    assert example.count(old) == 1
    with pytest.raises(StudyError) as caught:
        load_text(example.replace(old, new))
    (line,) = str(caught.value).splitlines()
    place, _, said = line.partition(" ")
    assert place.startswith("my_study.yaml:")
    assert said == f"{key}: {message}"


def test_grades_need_variables_of_that_table(example, load_text):
    start, end = example.index("tables:"), example.index("screening:")
    text = example[:start] + "tables:\n  toxicity: {label: T, grades: table3}\n" + example[end:]
    with pytest.raises(StudyError, match=r"no ordinal variable .* assigned to 'table3'"):
        load_text(text)


def test_what_is_left_out_is_filled_in(example, load_text):
    study = load_text(example)
    table = study.tables["response"]
    assert table.rows[0] == TableRow("All patients", {"transplanted": True}, {}, "Transplantation")
    assert (table.by, table.grades, table.paper) == ("arm", "", "")
    assert study.screening == Screening(
        endpoint="os",
        variables=("age", "age_ge60", "wbc", "tp53", "arm"),
        univariable_only=("age_ge60",),
        time_dependent=("transplant",),
        kept=("transplant",),
    )


def test_an_event_may_be_timed_in_another_unit_than_the_study():
    study = load_study("rr-all")
    assert study.events["responded"].time == "time_to_response_days"


def test_each_other_reading_of_the_paper_says_whose_it_is():
    comparisons = load_study("rr-all").comparisons
    readings = {c.name: (c.instead_of, c.reading) for c in comparisons.values() if c.reading}
    assert readings["os_sct_by_landmark"] == ("os_sct_landmark", "correct")
    assert readings["os_cytogenetics_table1"] == ("os_cytogenetics", "correct")
    assert readings["os_blinatumomab_landmark_arm"] == ("os_blinatumomab_landmark", "another")
