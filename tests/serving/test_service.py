"""The web service: answers, limits, all faults at once, and nothing about patients in its logs."""

from __future__ import annotations

import logging

import pytest

from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.scoring import RiskScorer
from allsurv.serving import make_service

pytestmark = pytest.mark.filterwarnings(
    "ignore:Using `httpx` with `starlette.testclient` is deprecated"
)


@pytest.fixture(scope="module")
def scorer(made_up):
    cohort = made_up(n=80)
    fitted = make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    return RiskScorer(export_model(fitted, cohort, endpoint="os"))


@pytest.fixture(scope="module")
def service(scorer):
    return make_service(scorer, max_rows=5, max_bytes=20_000)


@pytest.fixture
def client(service):
    from fastapi.testclient import TestClient

    return TestClient(service)


@pytest.fixture
def patient(scorer):
    record = scorer.risk_model.example().to_dict("records")[0]
    yes_no = [v.name for v in scorer.risk_model.variables.values() if v.is_yes_no]
    return record | {name: bool(record[name]) for name in yes_no}


def test_it_scores_as_the_scorer(client, scorer, patient):
    answer = client.post("/score", json={"patients": [patient, patient]})
    assert answer.status_code == 200, answer.text
    rows = answer.json()["patients"]
    expected = scorer.score(scorer.risk_model.example())
    assert len(rows) == 2
    assert rows[0]["risk_score"] == pytest.approx(expected["risk_score"].iloc[0], rel=1e-12)
    assert rows[1]["survival_24"] == pytest.approx(expected["survival_24"].iloc[0], rel=1e-12)
    assert rows[0]["survival_24_lower"] is None
    assert answer.json()["statement"] == "Made up for tests."


def test_what_may_be_missing_may_be_left_out(client, patient):
    del patient["tp53_mut"]
    left_out = client.post("/score", json={"patients": [patient]}).json()
    null = client.post("/score", json={"patients": [{**patient, "tp53_mut": None}]}).json()
    assert left_out["patients"] == null["patients"]


def test_horizons_and_explanation(client, patient):
    answer = client.post("/score", json={"patients": [patient], "horizons": [6], "explain": True})
    (row,) = answer.json()["patients"]
    parts = [value for name, value in row.items() if name.startswith("contribution_")]
    assert sum(parts) == pytest.approx(row["risk_score"], abs=1e-9)
    assert "survival_6" in row
    assert "survival_24" not in row


def test_all_faults_at_once_without_a_value(client, patient):
    bad = [{**patient, "age": 141, "sex": "femal"}, {**patient, "wbc": 523000.0, "ecog": None}]
    answer = client.post("/score", json={"patients": bad})
    assert answer.status_code == 422
    faults = {fault["column"]: fault for fault in answer.json()["faults"]}
    assert set(faults) == {"age", "sex", "wbc", "ecog"}
    assert faults["sex"]["rows"] == [1]
    assert "1,000 times too large" in faults["wbc"]["rule"]
    for value in ("141", "femal'", "523000"):
        assert value not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{no json", 400, "no JSON"),
        (b'{"patients": [{"age": NaN}]}', 400, "no JSON"),
        (b"[" * 9000, 400, "no JSON"),
        (b"[]", 422, "no list 'patients'"),
        (b'{"patients": []}', 422, "0 patients; 1 to 5"),
        (b'{"patients": [1]}', 422, "not an object"),
        (b'{"patients": [{"age": 4}], "horizons": [1, 1]}', 422, "different numbers"),
        (b'{"patients": [{"age": 4}], "horizons": [-1], "x": 1}', 422, "beyond those described"),
        (b'{"patients": [{"age": 4}]}', 422, "is missing, but required"),
        (b" " * 20_001, 413, "more than 20000 bytes"),
    ],
)
def test_other_requests_are_refused(client, body, status, says):
    answer = client.post("/score", content=body)
    assert answer.status_code == status
    assert says in answer.text


def test_too_many_patients(client, patient):
    answer = client.post("/score", json={"patients": [patient] * 6})
    assert answer.status_code == 422
    assert "6 patients; 1 to 5" in answer.text


def test_health_and_model(client):
    assert client.get("/health").json()["status"] == "ok"
    about = client.get("/model").json()
    assert about["n_patients"] == 80
    assert about["use"] == "Research use only."


def test_units_and_ranges_are_described(client):
    patient = client.get("/openapi.json").json()["components"]["schemas"]["Patient"]
    wbc = patient["properties"]["wbc"]
    assert (wbc["x-unit"], wbc["minimum"], wbc["maximum"]) == ("10^9/L", 0.01, 1000)
    assert patient["properties"]["sex"]["enum"] == ["male", "female"]
    assert "null" in patient["properties"]["tp53_mut"]["type"]


def test_no_patient_is_logged(client, patient, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        client.post("/score", json={"patients": [{**patient, "wbc": 123.456}]})
        client.post("/score", json={"patients": [{**patient, "wbc": 98765.4}]})
    said = caplog.text + "".join(capfd.readouterr())
    assert "123.456" not in said
    assert "98765" not in said


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_fuzzed_requests_are_answered_as_described(service, mode):
    """Requests made from the description, and requests that break it."""
    import hypothesis
    import schemathesis

    schema = schemathesis.openapi.from_asgi("/openapi.json", service)
    operation = schema["/score"]["POST"]
    kind = schemathesis.GenerationMode(mode)
    seen = []

    @hypothesis.given(case=operation.as_strategy(generation_mode=kind))
    @hypothesis.settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def answered(case):
        answer = case.call()
        seen.append(answer.status_code)
        assert answer.status_code in {200, 400, 413, 422}, answer.text
        operation.validate_response(answer)

    answered()
    assert len(seen) >= 50
    assert mode == "negative" or 200 in seen
