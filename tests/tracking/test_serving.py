"""The registered model as MLflow serves it: answers, and refusals without a value or a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from allsurv.scoring import RiskScorer

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


@pytest.fixture(scope="module")
def served(tracked):
    """Address of the command, on a port of its own."""
    import mlflow

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", tracked[3]]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        command,
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(),
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"],
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/ping", process)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait_for(address, process):
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(address):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the server does not answer")


def post(address, records):
    request = urllib.request.Request(
        address,
        data=json.dumps({"dataframe_records": records}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_the_command_answers_and_refuses(served, small_result):
    model = small_result.risk_models[small_result.chosen]
    (record,) = model.example().to_dict("records")
    status, text = post(f"{served}/invocations", [record])
    assert status == 200
    (row,) = json.loads(text)["predictions"]
    expected = RiskScorer(model).score(model.example())["risk_score"].iloc[0]
    assert row["risk_score"] == pytest.approx(expected, rel=1e-12)
    status, text = post(f"{served}/invocations", [{**record, "age": 141.0}])
    assert status == 400
    assert "age: 1 row (1) is not allowed; allowed 15 to 100" in text
    assert "141" not in text
    assert "Traceback" not in text
