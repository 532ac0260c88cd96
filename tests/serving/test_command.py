"""The service as the command starts it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from allsurv.cli.serve import serve_command
from allsurv.errors import ConfigError
from allsurv.models import make_model
from allsurv.models.export import export_model
from allsurv.scoring import RiskScorer


@pytest.fixture(scope="module")
def folder(made_up, tmp_path_factory):
    cohort, folder = made_up(n=80), tmp_path_factory.mktemp("model")
    fitted = make_model("cox", cohort.study, ridge=1.0).fit(cohort.X, cohort.y("os"))
    export_model(fitted, cohort, endpoint="os").write(folder)
    return folder


def test_the_command_serves_a_model(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "allsurv", "serve", "--model", str(folder)]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        assert ask(f"{address}/health", process)["status"] == "ok"
        scorer = RiskScorer.load(folder)
        example = scorer.risk_model.example()
        record = json.loads(example.to_json(orient="records"))[0]
        body = json.dumps({"patients": [{**record, "wbc": 6.1875}]}).encode()
        (row,) = ask(f"{address}/score", process, body)["patients"]
        expected = scorer.score(example.assign(wbc=6.1875))["risk_score"].iloc[0]
        assert row["risk_score"] == pytest.approx(expected, rel=1e-12)
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert "Research use only" in said
    assert "6.1875" not in said


def test_beyond_this_machine_a_token_is_asked_for(folder, monkeypatch):
    started = []
    monkeypatch.setattr("uvicorn.run", lambda service, **options: started.append(options))
    limits = {"port": 8000, "max_rows": 10, "max_bytes": 1000}
    monkeypatch.delenv("ALLSURV_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="ALLSURV_TOKEN"):
        serve_command(str(folder), host="0.0.0.0", without_token=False, **limits)
    assert not started
    serve_command(str(folder), host="127.0.0.1", without_token=False, **limits)
    serve_command(str(folder), host="0.0.0.0", without_token=True, **limits)
    monkeypatch.setenv("ALLSURV_TOKEN", "s3cret")
    serve_command(str(folder), host="0.0.0.0", without_token=False, **limits)
    assert len(started) == 3


def ask(address, process, body=None):
    request = urllib.request.Request(address, data=body)
    for _ in range(300):
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert process.poll() is None, "the service ended"
            time.sleep(0.1)
    return pytest.fail("the service does not answer")
