"""Every fault of a study file: file, line, key, what was found, what is allowed."""

from __future__ import annotations

import pytest

from allsurv.errors import StudyError
from allsurv.study import load_study, schema, study_schema

# old text, new text, text whose line is reported, key, message
FAULTS = {
    # names that do not exist
    "endpoint time": (
        "time: os_months",
        "time: os_month",
        "time: os_month",
        "endpoints.os.time",
        "'os_month' is not in the data dictionary. Did you mean 'os_months'?",
    ),
    "filter variable": (
        "event: [{died: true}]",
        "event: [{dead: true}]",
        "event: [{dead",
        "endpoints.os.event[0].dead",
        "'dead' is not in the data dictionary. Did you mean 'died'?",
    ),
    "origin time": (
        "origin: start of treatment",
        "origin: response\n    origin_time: resp_months",
        "origin_time",
        "endpoints.os.origin_time",
        "'resp_months' is not in the data dictionary. Did you mean 'os_months'?",
    ),
    "group": (
        "group: arm",
        "group: armm",
        "group: armm",
        "group",
        "'armm' is not in the data dictionary. Did you mean 'arm'?",
    ),
    "predictor": (
        "predictors: [age, wbc",
        "predictors: [age, wcb",
        "predictors: [age, wcb",
        "prediction.predictors[1]",
        "'wcb' is not in the data dictionary. Did you mean 'wbc'?",
    ),
    "prediction endpoint": (
        "endpoint: os\n  horizons",
        "endpoint: pfs\n  horizons",
        "endpoint: pfs",
        "prediction.endpoint",
        "'pfs' is not in the endpoints. Known: os.",
    ),
    "event of analysis": (
        "\n    time_dependent: [transplant]",
        "\n    time_dependent: [transplantation]",
        "\n    time_dependent",
        "analyses.multivariable.time_dependent[0]",
        "'transplantation' is not in the events. Did you mean 'transplant'?",
    ),
    "analysis of finding": (
        "analysis: multivariable",
        "analysis: multivariate",
        "analysis: multivariate",
        "findings.age.analysis",
        "'multivariate' is not in the analyses. Did you mean 'multivariable'?",
    ),
    "analysis variable": (
        "analysis: multivariable",
        "analysis: multivariable\n    analysis_variable: wbc",
        "analysis_variable",
        "findings.age.analysis_variable",
        "'wbc' is not in the variables of analysis 'multivariable'. Known: age, tp53, arm, "
        "transplant.",
    ),
    "variable not in analysis": (
        "variables: [age, tp53, arm]",
        "variables: [tp53, arm]",
        "    variable: age",
        "findings.age.variable",
        "'age' is not in the variables of analysis 'multivariable'. Known: tp53, arm, transplant.",
    ),
    "contrast of an event": (
        "contrast: {from: false, to: true}",
        "contrast: {from: 0, to: 1}",
        "contrast: {from: 0, to: 1}",
        "findings.transplant.contrast",
        "of an event is from false to true.",
    ),
    "interaction": (
        "\n    time_dependent: [transplant]",
        "\n    time_dependent: [transplant]\n    interactions: [[age, transplantt]]",
        "interactions",
        "analyses.multivariable.interactions[0]",
        "'transplantt' is not in the variables of analysis 'multivariable'. Did you mean "
        "'transplant'?",
    ),
    "interaction of three": (
        "\n    time_dependent: [transplant]",
        "\n    time_dependent: [transplant]\n    interactions: [[age, arm, transplant]]",
        "interactions",
        "analyses.multivariable.interactions[0]",
        "has 3 items; 2 at most.",
    ),
    "variable of a non-finding": (
        "variable: wbc",
        "variable: wcb",
        "variable: wcb",
        "non_findings.wbc.variable",
        "'wcb' is not in the data dictionary or events. Did you mean 'wbc'?",
    ),
    "analysis of a non-finding": (
        "analysis: multivariable\n    basis",
        "analysis: univariable\n    basis",
        "analysis: univariable",
        "non_findings.wbc.analysis",
        "'univariable' is not in the analyses. Did you mean 'multivariable'?",
    ),
    "comparison variable": (
        "endpoint: os, by: arm",
        "endpoint: os, by: arms",
        "by: arms",
        "comparisons.os_arm.by",
        "'arms' is not in the data dictionary. Did you mean 'arm'?",
    ),
    "rule": (
        "then: os_months, says",
        "then: os_moths, says",
        "then: os_moths",
        "rules[0].then",
        "'os_moths' is not in the data dictionary. Did you mean 'os_months'?",
    ),
    "derivation source": (
        "sources: [age]",
        "sources: [aeg]",
        "sources: [aeg]",
        "variables.age_ge60.derivation.sources[0]",
        "'aeg' is not in the data dictionary. Did you mean 'age'?",
    ),
    "only_if": (
        "only_if: {transplanted: true}",
        "only_if: {transplant: true}",
        "only_if",
        "variables.transplant_months.only_if.transplant",
        "'transplant' is not in the data dictionary. Did you mean 'transplanted'?",
    ),
    # values that the dictionary does not allow
    "reference": (
        "reference: standard",
        "reference: old",
        "reference: old",
        "variables.arm.reference",
        "'old' is not a level of 'arm' ('standard', 'new').",
    ),
    "truth value in quotes": (
        "event: [{died: true}]",
        "event: [{died: 'yes'}]",
        "event:",
        "endpoints.os.event[0].died",
        "'yes' is not a value of 'died'; write true or false.",
    ),
    "one for true": (
        "event: [{died: true}]",
        "event: [{died: 1}]",
        "event:",
        "endpoints.os.event[0].died",
        "1 is not a value of 'died'; write true or false.",
    ),
    "number out of range": (
        "threshold: 60",
        "threshold: 600",
        "threshold: 600",
        "variables.age_ge60.derivation.threshold",
        "600 is out of range of 'age' (at least 18, at most 100).",
    ),
    "contrast": (
        "from: 30",
        "from: young",
        "from: young",
        "findings.age.contrast.from",
        "'young' is not a number, which 'age' is.",
    ),
    "contrast without per": (
        ", per: 10",
        "",
        "contrast:",
        "findings.age.contrast.per",
        "is missing; 'age' is a number.",
    ),
    # contradictions
    "post-baseline predictor": (
        "predictors: [age,",
        "predictors: [transplanted,",
        "predictors:",
        "prediction.predictors[0]",
        "'transplanted' is post-baseline, not known at baseline; "
        "a prognostic model may use baseline variables only.",
    ),
    "post-baseline variable in a Cox model": (
        "variables: [age, tp53, arm]",
        "variables: [age, transplanted, arm]",
        "variables: [age, t",
        "analyses.multivariable.variables[1]",
        "'transplanted' is post-baseline, not known at baseline; "
        "make it an event and list it under time_dependent.",
    ),
    "outcome known at baseline": (
        "    unit: months\n    known: outcome",
        "    unit: months",
        "time: os_months",
        "endpoints.os.time",
        "'os_months' is marked as known at baseline; add 'known: outcome' to it.",
    ),
    "time in another unit": (
        "    unit: months\n    known: outcome",
        "    unit: days\n    known: outcome",
        "time: os_months",
        "endpoints.os.time",
        "'os_months' is in days; the study's times are in months.",
    ),
    "time that is none": (
        "time: os_months",
        "time: age",
        "time: age",
        "endpoints.os.time",
        "'age' is integer; a time must be a duration.",
    ),
    "horizons": (
        "horizons: [12, 24]",
        "horizons: [24, 12]",
        "horizons",
        "prediction.horizons[1]",
        "12 does not rise above 24; list times in rising order.",
    ),
    "estimate outside": (
        "estimate: 1.30",
        "estimate: 1.60",
        "estimate",
        "findings.age.estimate",
        "1.6 is not between 1.1 and 1.54.",
    ),
    "minimum above maximum": (
        "minimum: 0.01",
        "minimum: 1001",
        "minimum: 1001",
        "variables.wbc.minimum",
        "1001 is above the maximum 1000.",
    ),
    "log of zero": (
        "minimum: 0.01",
        "minimum: 0",
        "transform: log",
        "variables.wbc.transform",
        "a logarithm needs a minimum above 0.",
    ),
    "derived variable in a file": (
        "derivation: {op: at_least",
        "required: true\n    derivation: {op: at_least",
        "    required: true\n    derivation",
        "variables.age_ge60.required",
        "a derived variable is in no file; leave this out.",
    ),
    "derived kind": (
        "label: Age 60 or more\n    kind: binary",
        "label: Age 60 or more\n    kind: integer",
        "    kind: integer\n    derivation",
        "variables.age_ge60.kind",
        "'at_least' gives a binary or marker variable, not 'integer'.",
    ),
    "circle": (
        "derivation: {op: at_least, sources: [age], threshold: 60}",
        "derivation: {op: known, sources: [age_ge60]}",
        "derivation",
        "variables.age_ge60.derivation.sources",
        "follows from itself: age_ge60 -> age_ge60.",
    ),
    "leak": (
        "derivation: {op: at_least, sources: [age], threshold: 60}",
        "derivation: {op: known, sources: [transplant_months]}",
        "derivation",
        "variables.age_ge60.derivation.sources[0]",
        "'transplant_months' is post-baseline, so what follows from it is not baseline; "
        "add 'known: post-baseline'.",
    ),
    "shared column": (
        "label: White",
        "column: age\n    label: White",
        "column: age",
        "variables.wbc.column",
        "column 'age' already belongs to 'age'.",
    ),
    "level label": (
        "reference: standard",
        "level_labels: {standart: Standard}",
        "level_labels",
        "variables.arm.level_labels.standart",
        "'standart' is not a level of 'arm' ('standard', 'new').",
    ),
    "second identifier": (
        "label: White blood cell count\n    kind: continuous",
        "label: White blood cell count\n    kind: identifier",
        "kind: identifier\n    unit",
        "variables.wbc.kind",
        "is a second identifier beside 'patient'; a study has one.",
    ),
    # the schema
    "unknown key": (
        "label: Age\n",
        "lable: Age\n    label: Age\n",
        "lable",
        "variables.age.lable",
        "'lable' is not a key here. Did you mean 'label'?",
    ),
    "unknown section": (
        "group: arm",
        "endpoint: {}",
        "endpoint: {}",
        "endpoint",
        "'endpoint' is not a key here. Did you mean 'endpoints'?",
    ),
    "missing key": (
        "    label: Age\n",
        "",
        "  age:",
        "variables.age.label",
        "is missing.",
    ),
    "missing section": (
        "citation: {text: Unpublished.}\n",
        "",
        "name:",
        "citation",
        "is missing.",
    ),
    "missing levels": (
        "    levels: [standard, new]\n    reference: standard\n",
        "",
        "  arm:",
        "variables.arm.levels",
        "is missing.",
    ),
    "unit of time": (
        "time: {unit: months, grid: 1}",
        "time: {unit: month, grid: 1}",
        "time:",
        "time.unit",
        "'month' is not one of days, weeks, months, years. Did you mean 'months'?",
    ),
    "yes for true": (
        "required: true\n  age:",
        "required: yes\n  age:",
        "required: yes",
        "variables.arm.required",
        "'yes' is not true or false. Write true or false, without quotes.",
    ),
    "truth value as level": (
        "levels: [standard, new]\n    reference: standard",
        "levels: [true, false]",
        "levels: [true",
        "variables.arm.levels[0]",
        "true is not text or a whole number.",
    ),
    "number as text": (
        "label: Age\n",
        "label: 60\n",
        "label: 60",
        "variables.age.label",
        "60 is not text. Put it in quotes: '60'.",
    ),
    "nothing": (
        "label: Age\n",
        "label:\n",
        "label:\n    kind: integer",
        "variables.age.label",
        "nothing is not text.",
    ),
    "list for mapping": (
        "citation: {text: Unpublished.}",
        "citation: [Unpublished.]",
        "citation",
        "citation",
        "a list is not a mapping of keys to values.",
    ),
    "negative horizon": (
        "horizons: [12, 24]",
        "horizons: [-12, 24]",
        "horizons",
        "prediction.horizons[0]",
        "-12 is not allowed; it must be above 0.",
    ),
    "no horizon": (
        "horizons: [12, 24]",
        "horizons: []",
        "horizons",
        "prediction.horizons",
        "has 0 items; at least 1 needed.",
    ),
    "repeated level": (
        "levels: [standard, new]",
        "levels: [standard, standard]",
        "levels",
        "variables.arm.levels",
        "names something twice.",
    ),
    "name of a variable": (
        "  wbc:\n",
        "  WBC count:\n",
        "  WBC count",
        "variables.WBC count",
        "'WBC count' is not a name. Lower-case letters, digits and underscores, a letter first.",
    ),
    "argument of derivation": (
        ", threshold: 60",
        "",
        "derivation",
        "variables.age_ge60.derivation.threshold",
        "is missing.",
    ),
    "empty text": (
        "origin: start of treatment",
        "origin: ''",
        "origin",
        "endpoints.os.origin",
        "is empty text.",
    ),
    # YAML
    "duplicate key": (
        "  wbc:\n",
        "  age:\n",
        "  age:\n    label: White",
        "variables.age",
        "is given twice, first in line 19; keep one.",
    ),
}

CONSEQUENCES = {"derived kind", "event of analysis", "second identifier", "truth value as level"}
"""Faults that cannot but bring others with them."""


@pytest.mark.parametrize("case", FAULTS)
def test_one_fault_names_file_line_and_key(case, example, load_text):
    old, new, marker, key, message = FAULTS[case]
    assert old in example
    text = example.replace(old, new, 1)
    line = text.count("\n", 0, text.index(marker) + marker.startswith("\n")) + 1
    with pytest.raises(StudyError) as caught:
        load_text(text)
    reported = str(caught.value).splitlines()
    expected = f"my_study.yaml:{line} {key}: {message}"
    assert expected in [line.strip() for line in reported]
    if case not in CONSEQUENCES:
        assert reported == [expected]


def test_the_line_is_that_of_an_editor(example, load_text):
    text = example.replace("time: os_months", "time: os_month")
    with pytest.raises(StudyError, match=r"^my_study\.yaml:65 endpoints\.os\.time: 'os_month' is"):
        load_text(text)
    assert text.splitlines()[64].strip() == "time: os_month"


def test_all_faults_at_once_in_the_order_of_the_file(example, load_text):
    text = example.replace("time: os_months", "time: os_month").replace("[12, 24]", "[24, 12]")
    with pytest.raises(StudyError) as caught:
        load_text(text.replace("group: arm", "group: harm"))
    lines = str(caught.value).splitlines()
    assert lines[0] == "my_study.yaml has 3 faults:"
    assert [line.split()[1] for line in lines[1:]] == [
        "group:",
        "endpoints.os.time:",
        "prediction.horizons[1]:",
    ]


def test_circle_of_three_is_told_once(example, load_text):
    circle = "".join(
        f"  {one}:\n    label: {one}\n    kind: binary\n"
        f"    derivation: {{op: any_of, sources: [{other}]}}\n"
        for one, other in (("a", "b"), ("b", "c"), ("c", "a"))
    )
    with pytest.raises(StudyError) as caught:
        load_text(example.replace("\nendpoints:", f"{circle}\nendpoints:"))
    assert str(caught.value).endswith(
        "variables.a.derivation.sources: follows from itself: a -> b -> c -> a."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "my_study.yaml:1: the file is empty."),
        (b"---\n# nothing\n", "my_study.yaml:1: the file is empty."),
        (b"- a\n- b\n", "my_study.yaml:1: a list is not a mapping of keys to values."),
        (b"just text\n", "my_study.yaml:1: 'just text' is not a mapping of keys to values."),
        (
            b"name: a\ntitle: caf\xe9\n",
            "my_study.yaml:2: the file is not UTF-8 text; save it with the encoding UTF-8.",
        ),
        (
            b"name: a\n\ttitle: b\n",
            "my_study.yaml:2: a tab stands where YAML allows blanks only; indent with blanks.",
        ),
        (
            b"name: a\ntitle:\n\tb\n",
            "my_study.yaml:3: a tab, or a sign such as @ or `, starts a value; "
            "indent with blanks, quote the text.",
        ),
        (
            b"name: a: b\n",
            "my_study.yaml:1: not YAML: mapping values are not allowed in this context.",
        ),
        (
            b"name: a\n---\nname: b\n",
            "my_study.yaml:2: a second document starts here; write one per file.",
        ),
        (b"name: *other\n", "my_study.yaml:1: '*other' stands for nothing defined before."),
    ],
)
def test_files_that_are_no_study(content, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_study.yaml").write_bytes(content)
    with pytest.raises(StudyError) as caught:
        load_study("my_study.yaml")
    assert str(caught.value) == message


def test_unknown_study():
    with pytest.raises(StudyError) as caught:
        load_study("ebmt_all")
    assert str(caught.value) == (
        "'ebmt_all' is neither a bundled study (ebmt-all, rr-all, rr-all-inotuzumab) nor a file. "
        "Did you mean 'ebmt-all'?"
    )


def test_missing_file(tmp_path):
    path = tmp_path / "absent.yaml"
    with pytest.raises(StudyError, match=r"absent\.yaml' is neither a bundled study .* nor a file"):
        load_study(path)


def test_folder(tmp_path):
    with pytest.raises(StudyError, match=r"the file cannot be read \(Is a directory\)"):
        load_study(tmp_path)


def test_every_keyword_of_the_schema_has_a_sentence():
    """No verdict of the schema falls back on words that do not say what is allowed."""
    structure = {"$schema", "$ref", "$defs", "title", "description", "properties", "items"}
    structure |= {"allOf", "if", "then", "else", "not", "const", "propertyNames"}
    said_apart = {"additionalProperties", "required", "dependentRequired"}

    def keywords(node, *, names=False):
        if isinstance(node, dict):
            for key, child in node.items():
                if not names:
                    yield key
                is_names = not names and key in {"properties", "$defs", "dependentRequired"}
                yield from keywords(child, names=is_names)
        elif isinstance(node, list):
            for child in node:
                yield from keywords(child)

    used = set(keywords(study_schema()))
    assert used - structure - said_apart <= set(schema._SENTENCES)
