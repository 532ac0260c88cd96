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
        ({"wbc": None}, "wbc: 1 row (1) is missing", "500"),
        ({"wbc": "secret77"}, "wbc: 1 row (1) is not a number", "secret77"),
        ({"wbc": [1, 777]}, "wbc: 1 row (1) is not a number", "777"),
        ({"wbc": {"a": 777}}, "wbc: 1 row (1) is not a number", "777"),
        ({"wbc": ...}, "wbc: is missing, but required", "57"),
        ({"tp53_mut": "positive"}, "tp53_mut: 1 row (1) is none of the allowed levels", "positive"),
        ({"wbc": 5230.0}, "1,000 times too large", "5230"),
    ],
)
def test_a_bad_patient_is_refused_with_our_message(client, patient, change, says, never):
    record = {**patient.to_dict("records")[0], **change}
    record = {name: value for name, value in record.items() if value is not ...}
    answer = client.post(
        "/invocations",
        content=json.dumps({"dataframe_records": [record]}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400
    assert says in answer.text
    assert never not in answer.text
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
