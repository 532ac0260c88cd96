"""Agreement with published findings at the command line: of a run, and fitted now."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from allsurv.cli.agreement import AgreementOrder, agreement_command
from allsurv.cli.app import app
from allsurv.errors import ConfigError
from allsurv.findings.agreement.rows import COLUMNS


def test_models_fitted_now_are_held_against_each_finding(tmp_path, capsys):
    order = AgreementOrder(families="cox", refits=10, out=str(tmp_path))
    agreement_command("rr-all", order)
    said = capsys.readouterr().out
    assert "agreement with the paper is by construction" in said
    assert "TP53 mutation, mutated against not: published 2.35 (1.32 to 4.20)" in said
    assert "Cox regression" in said
    table = pd.read_csv(tmp_path / "findings.csv")
    assert set(COLUMNS) <= set(table.columns)
    assert table.groupby("finding")["model"].agg(list).loc["tp53"] == ["published protocol", "cox"]
    assert table["verdict"].isin(["consistent", "inconsistent", "cannot say"]).all()
    assert table["source"].str.contains("not patients").all()
    names = {f"findings{part}.csv" for part in ("", "_horizons", "_importance")}
    assert {f.name for f in tmp_path.iterdir()} == names | {"findings.png", "findings.svg"}


def test_a_run_tells_how_its_models_agreed(small_folder, small_result, capsys):
    agreement_command("", AgreementOrder(run=str(small_folder)))
    said = capsys.readouterr().out
    verdicts = small_result.tables["findings"]["verdict"]
    assert sum(said.count(f" {word}: ") for word in verdicts.unique()) == len(verdicts)


def test_a_study_without_findings_says_so(monkeypatch, toy_cohort):
    from allsurv.cli import agreement

    cohort = toy_cohort(40, 0)
    monkeypatch.setattr(agreement, "load_study", lambda _: cohort.study)
    monkeypatch.setattr(agreement, "load_cohort", lambda _: cohort)
    with pytest.raises(ConfigError, match="no published finding"):
        agreement_command("toy", AgreementOrder(refits=10))


def test_what_to_do_must_be_said():
    found = CliRunner().invoke(app, ["findings"])
    assert isinstance(found.exception, ConfigError)
    assert "--check, --power, --compare or --run" in str(found.exception)
