"""The bundled study rr-all against the paper's ledger of published numbers."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from allsurv.errors import StudyError
from allsurv.study import load_study, study_schema
from allsurv.study.schema import schema_faults
from allsurv.study.yamlfile import read_yaml

STUDY = load_study("rr-all")


@pytest.fixture(scope="module")
def published(shared):
    path = shared / "paper" / "published.yaml"
    return yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@pytest.fixture(scope="module")
def entries(published):
    return {entry["id"]: entry for entry in published["entries"]}


@pytest.mark.parametrize("name", ["rr-all", "ebmt-all"])
def test_bundled_files_hold_against_the_schema(name):
    path = Path(load_study(name).path)
    assert list(schema_faults(read_yaml(path, error=StudyError).value)) == []
    first_line = path.read_text(encoding="utf-8").splitlines()[0]
    assert first_line == "# yaml-language-server: $schema=../study.schema.json"
    assert (path.parent / "../study.schema.json").is_file()
    assert load_study(path) == load_study(name)


# Filters of the ledger, the study with which it is compared, and calendar dates
NOT_VARIABLES = {"cohort", "start_date", "landmark_month", "event_free_at_month", "any_of"}


def test_every_published_variable_is_in_the_dictionary(published):
    assert set(published["variables"]) - set(STUDY.variables) == NOT_VARIABLES


def test_kinds_levels_and_ranges_hold_the_published_ones(published):
    for name, line in published["variables"].items():
        if name in NOT_VARIABLES or name == "patient_no":
            continue
        variable = STUDY.variables[name]
        assert variable.is_yes_no == (line["type"] == "bool"), name
        if "levels" in line:
            assert list(variable.levels) == line["levels"], name
        if "range" in line and variable.is_number:
            low, high = line["range"]
            assert variable.minimum <= low, name
            assert variable.maximum >= high, name
        if variable.has_levels and "range" in line:
            assert list(variable.levels) == list(range(line["range"][0], line["range"][1] + 1))
        if line["missing"] == "none":
            assert (
                variable.derivation
                or variable.only_if
                or name in {"frontline", "rituximab"}
                or (variable.missing == "refused")
            ), name
        if line["missing"].startswith("null unless") and variable.derivation is None:
            assert variable.only_if, name
        if line["description"].startswith("derived"):
            assert variable.derivation is not None, name


def test_tables_hold_the_rows_of_the_paper(published):
    rows = {"table1": set(), "table2": set(), "table3": set()}
    for entry in published["entries"]:
        table = entry["section"]
        if table in rows and entry["variable"] not in ("patient_no", None):
            rows[table].add(entry["variable"])
    for table, names in rows.items():
        here = {name for name, variable in STUDY.variables.items() if variable.table == table}
        names = {name.split("+")[0] for name in names}
        assert names - here <= {"ae_sos_timing", "mrd_resp_tested", "mrd_best_tested", "salvage"}
        assert here - names <= {"responder", "karyotype", "response", "s1_subtype", "sex"}
    assert sum(variable.table == "table3" for variable in STUDY.variables.values()) == 26


# Finding to the prefix of its entries in the ledger
FINDINGS = {"pb_blasts": "mv_pb", "high_risk_cyto": "mv_cyto", "tp53": "mv_tp53", "arm": "mv_arm"}


def test_there_are_four_findings():
    assert set(STUDY.findings) == set(FINDINGS)


@pytest.mark.parametrize("name", FINDINGS)
def test_findings_equal_the_ledger(name, entries):
    finding, prefix = STUDY.findings[name], FINDINGS[name]
    assert finding.estimate == entries[f"{prefix}_hr"]["value"]
    assert finding.lower == entries[f"{prefix}_ci_low"]["value"]
    assert finding.upper == entries[f"{prefix}_ci_high"]["value"]
    assert finding.p_value == entries[f"{prefix}_p"]["value"]
    assert finding.p_relation == entries[f"{prefix}_p"]["relation"]
    assert finding.variable == entries[f"{prefix}_p"]["compare"]["variable"]
    assert finding.decimals == entries[f"{prefix}_hr"]["decimals"]
    assert (finding.n, finding.n_events, finding.endpoint) == (110, 69, "os")


@pytest.mark.parametrize("name", FINDINGS)
def test_limits_enclose_the_estimate_evenly_on_the_log_scale(name):
    """Each hazard ratio is the geometric mean of its limits, as far as three decimals tell."""
    finding = STUDY.findings[name]
    half = 0.5e-3
    least = math.sqrt((finding.lower - half) * (finding.upper - half))
    most = math.sqrt((finding.lower + half) * (finding.upper + half))
    assert least - half <= finding.estimate <= most + half


# SE(log HR) = log(upper / lower) / (2 * 1.959964), from consistency.md D and by hand:
# log(1.022/1.006)/3.919928 = 0.0040; log(4.761/1.606)/3.919928 = 0.2772;
# log(4.202/1.318)/3.919928 = 0.2958; log(0.956/0.345)/3.919928 = 0.2600
@pytest.mark.parametrize(
    ("name", "standard_error"),
    [("pb_blasts", 0.0040), ("high_risk_cyto", 0.2772), ("tp53", 0.2958), ("arm", 0.2600)],
)
def test_standard_errors_that_the_limits_imply(name, standard_error):
    finding = STUDY.findings[name]
    implied = math.log(finding.upper / finding.lower) / (2 * 1.959964)
    assert implied == pytest.approx(standard_error, abs=5e-5)


def test_readings_that_differ_are_both_there():
    comparisons, variables = STUDY.comparisons, STUDY.variables
    assert variables["high_risk_cyto"].derivation.values == ("kmt2a", "ho_tr")
    assert variables["cyto_risk"].derivation.levels["high"] == ("kmt2a", "ho_tr", "complex")
    assert comparisons["os_cytogenetics"].by == "cyto_risk"
    assert comparisons["os_cytogenetics_table1"].by == "high_risk_cyto"
    assert comparisons["os_sct_landmark"].by == "sct"
    assert comparisons["os_sct_by_landmark"].by_event == "sct"
    assert comparisons["os_blinatumomab_landmark"].by == "regimen_received"
    assert comparisons["os_blinatumomab_landmark_arm"].by == "arm"
    assert "tp53_mutated" in STUDY.analyses["multivariable"].variables
    assert STUDY.analyses["multivariable_tested"].population == {"tp53_tested": True}
    for name in ("os_cytogenetics", "os_sct_landmark", "os_blinatumomab_landmark"):
        assert comparisons[name].note


def test_no_predictor_is_known_after_baseline():
    assert set(STUDY.prediction.predictors) <= set(STUDY.baseline())
    later = {"response", "mrd_best_neg", "sct", "blina_received", "n_courses", "os_months"}
    assert not later & set(STUDY.baseline())


def test_only_what_every_analysis_needs_is_required():
    sources = {
        name
        for predictor in STUDY.prediction.predictors
        for name in (
            STUDY.variables[predictor].derivation.sources
            if STUDY.variables[predictor].derivation
            else (predictor,)
        )
    }
    required = {name for name, variable in STUDY.variables.items() if variable.required}
    assert required == sources | {"patient_no", "os_months", "alive"}


def test_loading_is_quick_and_light():
    code = (
        "import sys, time\n"
        "from allsurv.study import load_study\n"
        "load_study('ebmt-all')\n"
        "start = time.process_time()\n"
        "load_study('rr-all')\n"
        "print(time.process_time() - start)\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'sklearn', 'sksurv', 'jsonschema', 'mlflow'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, heavy = done.stdout.splitlines()
    assert float(seconds) < 0.15
    assert heavy == "[]"


def test_schema_is_valid_and_described():
    from jsonschema import Draft202012Validator

    schema = study_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    def bare(node, path):
        """Objects that allow any key, and keys without a description."""
        if not isinstance(node, dict):
            return
        if "properties" in node and node.get("type") == "object":
            if node.get("additionalProperties") is not False:
                yield (*path, "additionalProperties")
            for key, entry in node["properties"].items():
                target = entry
                if "$ref" in entry:
                    target = {**schema["$defs"][entry["$ref"].rsplit("/", 1)[1]], **entry}
                if not target.get("description"):
                    yield (*path, key)
        for key, child in node.items():
            yield from bare(child, (*path, key))

    assert list(bare(schema, ())) == []
