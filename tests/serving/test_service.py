"""The web service: answers, limits, all faults at once, and nothing about patients in its logs."""

from __future__ import annotations

import asyncio
import json
import logging
import threading

import pytest

from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.scoring import RiskScorer
from allsurv.serving import make_service
from allsurv.serving.requests import fault_answer

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


@pytest.mark.parametrize(
    "hostile",
    [
        b'{"patients": [{"age": 20, "sex": "\\ud800"}]}',
        b'{"patients": [{"age": 20, "\\udfff": 1}]}',
        b'{"patients": [{"age": 1' + b"0" * 400 + b"}]}",
        b'{"patients": [{"age": 20, "wbc": 1e999}]}',
        b'{"patients": [{"age": 20}], "horizons": [1' + b"0" * 400 + b"]}",
        b'{"patients": [{"age": ' + b"9" * 9000 + b"}]}",
        b'{"patients": [{"age": 20}]}\xff',
        b'\xef\xbb\xbf{"patients": []}',
    ],
    ids=["surrogate", "surrogate key", "400 digits", "1e999", "horizon", "9000", "utf-8", "bom"],
)
def test_hostile_numbers_and_characters_are_no_json(client, hostile):
    answer = client.post("/score", content=hostile)
    assert answer.status_code == 400
    assert answer.json()["faults"][0]["rule"] == "the request is no JSON"


def test_a_whole_surrogate_pair_is_a_character(client, patient):
    body = json.dumps({"patients": [{**patient, "sex": "\U0001f600"}]})
    assert "\\ud83d" in body
    answer = client.post("/score", content=body)
    assert answer.status_code == 422
    assert [f["column"] for f in answer.json()["faults"]] == ["sex"]


def test_a_misspelt_variable_is_refused_with_the_near_miss(client, patient):
    wrong = {("TP53_mut" if k == "tp53_mut" else k): v for k, v in patient.items()}
    answer = client.post("/score", json={"patients": [patient, wrong]})
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault["column"] == "TP53_mut"
    assert "not in the data dictionary" in fault["rule"]


def test_many_unknown_keys_are_answered_at_once_and_briefly(client, patient):
    crowd = {f"k{i}": 1 for i in range(1200)}
    answer = client.post("/score", json={"patients": [{**patient, **crowd}]})
    assert answer.status_code == 422
    assert len(answer.json()["faults"]) <= 11
    assert any("more are not in the data dictionary" in f["rule"] for f in answer.json()["faults"])


def test_horizons_that_would_share_a_column_are_refused(client, patient):
    for pair in ([12, 12.0], [12, 12.0000001]):
        answer = client.post("/score", json={"patients": [patient], "horizons": pair})
        assert answer.status_code == 422
        assert "different numbers" in answer.text


def test_a_token_is_asked_of_everything_but_health(scorer, patient):
    from fastapi.testclient import TestClient

    client = TestClient(make_service(scorer, token="s3cret"))
    assert client.get("/health").status_code == 200
    for path in ("/", "/docs", "/model", "/openapi.json"):
        assert client.get(path).status_code == 401
    asked = {"patients": [patient]}
    assert client.post("/score", json=asked).status_code == 401
    wrong = {"Authorization": "Bearer s3cres"}
    assert client.post("/score", json=asked, headers=wrong).status_code == 401
    right = {"Authorization": "Bearer s3cret"}
    assert client.post("/score", json=asked, headers=right).status_code == 200


def test_answers_carry_safe_headers(client):
    for path in ("/", "/docs", "/health", "/openapi.json", "/nothing"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_page_for_people_needs_no_network(client, scorer):
    page = client.get("/docs").text
    assert all(v.name in page for v in scorer.risk_model.variables.values())
    assert "0.01 to 1000 10^9/L" in page
    for outside in ("http:", "https:", "src=", "<script"):
        assert outside not in page


def test_the_calculator_is_at_the_root(scorer):
    from fastapi.testclient import TestClient

    client = TestClient(make_service(scorer, calculator="<p>calculator</p>"))
    assert client.get("/").text == "<p>calculator</p>"


def test_a_body_that_does_not_arrive_is_given_up(scorer):
    async def asked() -> list[dict]:
        sent = []
        parts = [{"type": "http.request", "body": b"{", "more_body": True}]

        async def receive():
            if parts:
                return parts.pop()
            return await asyncio.sleep(60)

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/score", "raw_path": b"/score",
            "query_string": b"", "headers": [], "http_version": "1.1", "scheme": "http",
            "server": ("test", 80), "client": ("test", 1),
        }  # fmt: skip
        await make_service(scorer, body_timeout=0.05)(scope, receive, send)
        return sent

    start = asyncio.run(asked())[0]
    assert start["status"] == 408


def test_scoring_leaves_the_event_loop_free(service, patient, monkeypatch):
    """While one request is being scored, another is answered."""
    import httpx

    scoring, go_on = threading.Event(), threading.Event()

    def slow(*_args):
        scoring.set()
        go_on.wait(10)
        return fault_answer(422, "slow")

    monkeypatch.setattr("allsurv.serving.service.answer_request", slow)

    async def both() -> tuple[int, int]:
        transport = httpx.ASGITransport(service)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            waiting = asyncio.create_task(client.post("/score", json={"patients": [patient]}))
            while not scoring.is_set():
                await asyncio.sleep(0.01)
            health = await client.get("/health")
            go_on.set()
            return health.status_code, (await waiting).status_code

    assert asyncio.run(both()) == (200, 422)


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
