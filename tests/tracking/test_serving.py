"""The registered model as MLflow serves it: answers, and refusals without a value or a trace."""

from __future__ import annotations

import json

import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient` is deprecated"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
]


@pytest.fixture(scope="module")
def client(tracked, monkeypatch_module):
    import mlflow
    from fastapi.testclient import TestClient
    from mlflow.pyfunc import scoring_server

    monkeypatch_module.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    _, _, _, address = tracked
    return TestClient(scoring_server.init(mlflow.pyfunc.load_model(address)))


def ask(client, patients):
    body = {"dataframe_split": {k: v for k, v in patients.to_dict("split").items() if k != "index"}}
    return client.post(
        "/invocations", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )


@pytest.fixture
def patient(small_result):
    return small_result.risk_models[small_result.chosen].example()


def test_a_good_patient_is_scored(client, patient):
    answer = ask(client, patient)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["predictions"]
    assert 0 <= row["survival_24_lower"] <= row["survival_24"] <= row["survival_24_upper"] <= 1
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("change", "says", "never"),
    [
        ({"age": 141.0}, "age: 1 row (1) is not allowed; allowed 15 to 100", "141"),
        ({"sex": "femal"}, "sex: 1 row (1) is not allowed; allowed male, female", "femal'"),
        ({"wbc": float("nan")}, "wbc: 1 row (1) is missing", "nan"),
        ({"wbc": 5230.0}, "1,000 times too large", "5230"),
    ],
)
def test_a_bad_patient_is_refused_with_our_message(client, patient, change, says, never):
    body = {"dataframe_records": patient.assign(**change).to_dict("records")}
    answer = client.post(
        "/invocations",
        content=json.dumps(body).replace("NaN", "null"),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert says in answer.text
    assert never not in answer.text
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
