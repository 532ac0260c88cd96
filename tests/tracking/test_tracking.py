"""MLflow: parent and children, the registry, the model served again."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from allsurv.cohort import load_cohort
from allsurv.errors import RiskModelError
from allsurv.scoring import RiskScorer

pytestmark = [  # of MLflow's own making
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]


WORDS = {"consistent", "inconsistent", "cannot say"}


def test_one_child_run_per_model(tracked, small_result):
    client, run, children, _ = tracked
    assert set(children) == set(small_result.risk_models)
    for name, child_id in children.items():
        child = client.get_run(child_id)
        assert child.info.status == "FINISHED"
        assert child.data.tags["mlflow.parentRunId"] == run.run_id
        assert child.data.tags["allsurv.cohort_source"] == "reconstructed"
        assert child.data.tags["allsurv.disclosure"] == "cms"
        assert child.data.tags["findings.tp53.verdict"] in WORDS
        assert child.data.tags["findings.statement"].startswith("Agreement is by construction")
        table = small_result.tables["performance"]
        rows = table[(table["model"] == name) & (table["measure"] == "ipa")]
        for row in rows.itertuples():
            assert child.data.metrics[f"ipa_{row.horizon:g}"] == pytest.approx(row.estimate)


def test_parent_names_the_data_set_without_patients(tracked):
    client, run, _, _ = tracked
    parent = client.get_run(run.run_id)
    (data,) = parent.inputs.dataset_inputs
    assert data.dataset.name == "rr-all.csv"
    assert "not patients" in json.loads(data.dataset.source)["statement"]
    assert parent.data.params["validation.folds"] == "3"
    files = {f.path for f in client.list_artifacts(run.run_id)}
    assert {"card.html", "results.json", "tables", "figures", "models"} <= files


def test_the_chosen_model_is_registered_and_scores_the_same(tracked, small_result):
    client, run, _, address = tracked
    assert address == "models:/rr-all-os@candidate"
    version = client.get_model_version_by_alias("rr-all-os", "candidate")
    assert version.tags["review_status"] == "not reviewed"
    assert version.tags["study"] == "rr-all"
    assert version.tags["cohort_source"] == "reconstructed"
    assert version.tags["endpoint"] == "os"
    assert len(version.description) < 5000
    for name, variable in small_result.risk_models[small_result.chosen].variables.items():
        (line,) = [x for x in version.description.splitlines() if x.startswith(f"- `{name}`: ")]
        assert variable.label in line
        assert variable.unit in line
    patients = load_cohort("rr-all").X.head(7)
    direct = RiskScorer(small_result.risk_models[small_result.chosen]).score(patients)
    for same in (address, f"models:/rr-all-os/{version.version}", f"runs:/{run.run_id}/risk_model"):
        pd.testing.assert_frame_equal(RiskScorer.load(same).score(patients), direct)


def test_it_loads_with_pickle_forbidden_and_refuses_bad_patients(
    tracked, monkeypatch, small_result
):
    import mlflow
    from mlflow.exceptions import MlflowException

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    _, _, _, address = tracked
    model = mlflow.pyfunc.load_model(address)
    example = small_result.risk_models[small_result.chosen].example()
    scored = model.predict(example)
    assert scored["risk_score"].notna().all()
    with pytest.raises(MlflowException, match="age") as caught:
        model.predict(example.assign(age=140.0))
    assert "140" not in str(caught.value)


def test_the_signature_is_typed_and_its_columns_are_described(tracked):
    import mlflow

    _, _, _, address = tracked
    info = mlflow.models.get_model_info(address)
    columns = info.metadata["columns"]
    assert columns["inputs"]["wbc"] == "White blood cell count, a number, in 10^9/L, 0.01 to 1000."
    assert "24 months" in columns["outputs"]["survival_24_lower"]
    inputs = info.signature.inputs.input_dict()
    assert set(inputs) == set(columns["inputs"])
    assert columns["inputs"]["tp53_mut"].endswith("may be missing.")
    assert set(info.signature.outputs.input_names()) == set(columns["outputs"])
    written = yaml.safe_load((model_files(address) / "MLmodel").read_text())["signature"]
    described = {c["name"]: c["description"] for c in json.loads(written["inputs"])}
    assert described == columns["inputs"]
    needed = (model_files(address) / "requirements.txt").read_text().split()
    assert {line.partition("==")[0] for line in needed} >= {"numpy", "pandas", "mlflow"}
    assert all("==" in line for line in needed)


def model_files(address):
    import mlflow

    return Path(mlflow.artifacts.download_artifacts(address))


def test_no_patient_is_in_the_registered_model(tracked):
    """The example is made up from the dictionary; the cards are the run's own."""
    _, _, _, address = tracked
    files = model_files(address)
    example = json.loads((files / "input_example.json").read_text())
    assert len(example["data"]) == 1
    names = {p.name for p in (files / "artifacts").iterdir()}
    assert {"card.json", "card.html", "card.md"} <= names
    assert not list(files.rglob("*.pkl"))


def test_an_unknown_address_says_what_to_check(tracked):
    with pytest.raises(RiskModelError, match="MLFLOW_TRACKING_URI"):
        RiskScorer.load("models:/rr-all-os@nobody")


def test_mlflow_is_quiet():
    code = (
        "import logging, allsurv.tracking; allsurv.tracking.open_run;"
        "print(logging.getLogger('mlflow').level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= logging.WARNING


def test_the_run_of_a_killed_job_is_marked_so(tracked):
    from allsurv.tracking import mark_killed

    client = tracked[0]
    experiment = client.create_experiment("killed")
    dead, done = (client.create_run(experiment).info.run_id for _ in range(2))
    client.set_terminated(done)
    mark_killed([dead, done, "0" * 32], resumed_by="the-next-one")
    assert client.get_run(dead).info.status == "KILLED"
    assert client.get_run(dead).data.tags["allsurv.resumed_by"] == "the-next-one"
    assert client.get_run(done).info.status == "FINISHED"


def test_each_of_several_endpoints_has_a_run_inside_the_parent(tracked):
    from allsurv.tracking import open_endpoint_run, open_run

    client = tracked[0]
    with open_run("tests", "two") as parent:
        with open_endpoint_run(parent, "") as same:
            assert same is parent
        with open_endpoint_run(parent, "efs") as inside:
            assert inside.run_id != parent.run_id
    run = client.get_run(inside.run_id)
    assert run.info.run_name == "efs"
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert run.info.status == client.get_run(parent.run_id).info.status == "FINISHED"
