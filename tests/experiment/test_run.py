"""The one flow: what a result holds, and what it must not hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, load_cohort
from allsurv.errors import ConfigError, ModelError
from allsurv.experiment import read_result, run_experiment
from allsurv.study import load_study

TABLES = {
    "table_one", "missing", "survival", "curves", "cox", "performance", "differences", "over_time",
    "calibration", "censoring", "net_benefit", "risk_groups", "risk_group_curves", "subgroups",
    "instability", "instability_bands", "classification",
    "findings", "findings_horizons", "findings_importance", "non_findings", "published_equation",
    "importance", "directions", "coefficients", "models", "points", "nomogram", "points_survival",
    "points_loss", "incidence", "incidence_curves", "competing",
}  # fmt: skip


def test_a_result_holds_every_table_and_says_where_it_comes_from(small_result):
    assert set(small_result.tables) == TABLES
    assert small_result.chosen in {"coxnet", "gbs"}
    assert small_result.provenance.is_synthetic
    assert (small_result.provenance.n, small_result.provenance.n_events) == (110, 69)
    assert "not patients" in small_result.statements["source"]
    assert "is not evidence for the findings" in small_result.statements["findings"]
    assert "support 1.7 model parameters" in small_result.statements["sample_size"]


def test_each_finding_is_asked_of_each_model_and_of_the_protocol(small_result):
    table = small_result.tables["findings"]
    asked = set(zip(table["finding"], table["model"], strict=True))
    findings = ("pb_blasts", "high_risk_cyto", "tp53", "arm")
    assert asked == {(f, m) for f in findings for m in ("published protocol", "coxnet", "gbs")}
    assert set(table["verdict"]) <= {"consistent", "inconsistent", "cannot say"}


def test_the_null_reference_is_always_there(small_result):
    table = small_result.tables["performance"]
    null = table[(table["model"] == "kaplan_meier") & (table["measure"] == "harrell_c")]
    assert null["estimate"].tolist() == [0.5]


def test_the_same_configuration_gives_the_same_numbers(small_config, small_result):
    again = run_experiment(replace(small_config, jobs=2))
    for name, table in small_result.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table, check_exact=True)


def test_progress_ends_every_stage(small_config):
    seen = {}

    def progress(stage, done, total):
        assert done >= seen.get(stage, (0, 0))[0]
        seen[stage] = (done, total)

    run_experiment(replace(small_config, models={"coxnet": {}}), progress=progress)
    assert set(seen) == {"describe", "validate", "fit", "instability", "findings", "explain"}
    assert all(done == total for done, total in seen.values())


def test_written_and_read_back(small_folder, small_result):
    again = read_result(small_folder, load_study("rr-all"))
    assert again.provenance == small_result.provenance
    assert again.statements == dict(small_result.statements)
    for name, table in small_result.tables.items():
        if table.empty:  # as what a policy hides whole
            assert again.tables[name].empty
            continue
        numbers = table.select_dtypes(float).columns
        np.testing.assert_allclose(
            again.tables[name][numbers].astype(float), table[numbers], rtol=1e-12
        )


def test_a_results_file_of_another_study_is_refused(small_folder, tmp_path):
    with pytest.raises(ConfigError, match="another version of study 'rr-all'"):
        read_result(small_folder, load_study("ebmt-all"))
    with pytest.raises(ConfigError, match="no such results file"):
        read_result(tmp_path, load_study("rr-all"))
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(ConfigError, match="not a results file"):
        read_result(tmp_path, load_study("rr-all"))


def numbers_in(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if not key.startswith("rank"):  # quantiles of ranks end in 05 by themselves
                yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, float) and not isinstance(value, bool):
        yield value


def test_no_exact_time_and_no_small_count_leaves_the_job(small_folder):
    """Everything written is searched for the patients' own times, which are not on the grid."""
    cohort = load_cohort("rr-all")
    times = cohort.frame[["os_months", "rfs_months", "time_to_sct_months"]].to_numpy(float).ravel()
    exact = {t for t in times.tolist() if t > 2 and t != round(t, 1)}
    assert len(exact) > 80
    for file in small_folder.rglob("*.json"):
        assert (exact & set(numbers_in(json.loads(file.read_text()))), file) == (set(), file)
    for file in small_folder.rglob("*.npz"):
        with np.load(file, allow_pickle=False) as arrays:
            for array in arrays.values():
                if np.issubdtype(array.dtype, np.floating):
                    assert not np.isin(array, list(exact)).any(), file
    for file in small_folder.rglob("*.csv"):
        table = pd.read_csv(file, dtype=str)
        text = table[[c for c in table if not c.startswith("rank")]].to_csv()
        cells = set(re.findall(r"(?<![\d.])\d+\.\d+(?![\d.])", text))
        assert not exact & {float(cell) for cell in cells}, file


@pytest.mark.parametrize("table", ["table_one", "survival", "curves"])
def test_counts_under_the_threshold_are_not_shown(small_result, table):
    shown = small_result.tables[table]
    for column in ("n", "n_events", "n_at_risk"):
        if column in shown:
            counts = shown[column].dropna().astype(float)
            assert not ((counts > 0) & (counts < 11)).any(), column


def test_a_horizon_beyond_follow_up_is_refused_before_anything_is_done(small_config):
    """Within a second, with the last follow-up on the grid; 500 months lie beyond it."""
    told = []
    for horizons, says in (
        ((12.0, 500.0), r"horizons: 500 months is not before the end of follow-up \(\d+ months\)"),
        ((0.05,), "nobody had the event 'os' by 0.05 months"),
    ):
        with pytest.raises(ConfigError, match=says):
            run_experiment(
                replace(small_config, horizons=horizons), progress=lambda *x: told.append(x)
            )
    assert not told


def test_a_model_that_cannot_be_fitted_is_left_out_and_the_rest_goes_on(small_config):
    """A rare level without events: no finite estimate for Cox regression; trees need none."""
    cohort = load_cohort("rr-all")
    frame = cohort.frame.copy()
    rare = np.flatnonzero(~cohort.y("os")["event"])[:4]
    frame["prior_asct"] = False
    frame.loc[frame.index[rare], "prior_asct"] = True
    patients = Cohort(cohort.study, frame, cohort.source)
    config = replace(
        small_config,
        models={"cox": {}, "gbs": {"n_estimators": 20}},
        horizons=(12.0,),
        predictors=("age", "arm", "prior_asct"),
    )
    result = run_experiment(config, cohort=patients)
    assert set(result.risk_models) == {"gbs"}
    said = result.statements["left_out"]
    assert said.startswith("Model cox was left out: fit_cox: 'prior_asct' has no event among its")
    assert "<11 rows" in said
    assert "ridge: 1" in said
    for table in result.tables.values():
        for name in {"reason", "failures", "note"} & set(table):
            texts = table[name].dropna().astype(str)
            assert not texts.str.contains(r"\b(?:[1-9]|10) rows\b").any()


def test_without_a_model_that_can_be_fitted_there_is_one_error(small_config):
    cohort = load_cohort("rr-all")
    alive = pd.array(~cohort.y("os")["event"], dtype="boolean")
    alone = Cohort(cohort.study, cohort.frame.assign(prior_asct=alive), cohort.source)
    config = replace(small_config, models={"cox": {}}, horizons=(12.0,), predictors=("prior_asct",))
    with pytest.raises(ModelError, match=r"no model can be fitted\. Model cox was left out"):
        run_experiment(config, cohort=alone)
