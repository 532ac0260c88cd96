"""Commands of the simulations: what is written and said."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from allsurv.cli.findings import PowerOrder, check_command, power_command
from allsurv.cli.simulate import read_effects, simulate_command
from allsurv.cohort import read_cohort
from allsurv.errors import CheckFailed, ConfigError
from allsurv.study import load_study

OWN = """
name: own
title: A study of one's own
citation: {text: Unpublished.}
time: {unit: months, grid: 1}
variables:
  patient: {label: Patient, kind: identifier, required: true}
  age: {label: Age, kind: integer, unit: years, minimum: 18, maximum: 99, required: true}
  arm: {label: Treatment, kind: nominal, levels: [a, b], required: true}
  months: {label: Survival, kind: duration, unit: months, known: outcome, required: true}
  died: {label: Death, kind: binary, known: outcome, required: true}
endpoints:
  os: {label: Overall survival, time: months, event: [{died: true}], origin: diagnosis}
prediction: {moment: at diagnosis, endpoint: os, horizons: [12], predictors: [age, arm]}
"""


def test_simulate_writes_patients_and_says_what_they_are(tmp_path, capsys):
    out = tmp_path / "simulated.csv"
    simulate_command("rr-all", 200, 1, "sct=-0.3, arm=after=-0.5", out)
    said = capsys.readouterr().out
    assert "200 simulated patients" in said
    assert "not patients" in said
    assert "sct -0.3, arm=after -0.5" in said
    assert read_cohort(out, load_study("rr-all")).n == 200


def test_simulate_resembles_the_patients_of_ones_own_study(tmp_path, capsys):
    study = tmp_path / "own.yaml"
    study.write_text(OWN)
    out, patients = tmp_path / "simulated.csv", tmp_path / "patients.csv"
    with pytest.raises(ConfigError, match="give yours by --cohort"):
        simulate_command(str(study), 50, 1, "", out)
    rows = [f"p{k},{30 + k % 40},{'ab'[k % 2]},{1 + k % 29},{k % 3 > 0:d}" for k in range(60)]
    patients.write_text("\n".join(["patient,age,arm,months,died", *rows]))
    simulate_command(str(study), 400, 1, "age=0.1", out, str(patients))
    drawn = read_cohort(out, load_study(study))
    assert drawn.n == 400
    assert drawn.source.kind == "simulated"
    assert 30 <= drawn.frame["age"].min() < drawn.frame["age"].max() <= 69
    assert "age 0.1" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["sct", "sct=", "=0.3", "sct=x", "sct=0.3,,age=1"])
def test_effects_that_cannot_be_read_are_refused(text):
    with pytest.raises(ConfigError, match="write pb_blasts"):
        read_effects(text)


def test_findings_of_the_paper_agree_with_each_other(capsys):
    check_command("rr-all")
    said = capsys.readouterr().out
    assert "TP53 mutation" in said
    assert "std_error" in said
    assert "(known contradiction C02)" in said
    assert "Known contradictions of the publication:\n  C01 (6 numbers): Table 2" in said


def test_a_contradiction_that_nobody_explains_fails_the_check(monkeypatch, capsys):
    from allsurv.dictionary.readonly import FrozenDict
    from allsurv.findings.selfcheck import percents
    from allsurv.study import load_ledger

    ledger = load_ledger(load_study("rr-all"))
    wrong = replace(ledger.entries["t1_karyo_diploid_all_pct"], value=27, printed="27")
    changed = replace(ledger, entries=FrozenDict({**ledger.entries, wrong.id: wrong}))
    monkeypatch.setattr(percents, "load_ledger", lambda _: changed)
    with pytest.raises(CheckFailed, match="Karyotype: Diploid"):
        check_command("rr-all")
    assert "printed 27%: 28 of 110 (not explained)" in capsys.readouterr().out


def test_power_is_printed_written_and_drawn(tmp_path, capsys):
    power_command("rr-all", PowerOrder("60", 20, "cox", 0, 1, str(tmp_path / "power")))
    said = capsys.readouterr().out
    assert "60 patients" in said
    assert "model after screening (20 cohorts)" in said
    assert "No effect, yet found" in said
    assert {f.name for f in (tmp_path / "power").iterdir()} == {
        "power.csv", "power.png", "power.svg",
    }  # fmt: skip
    table = pd.read_csv(tmp_path / "power" / "power.csv")
    assert table["source"].str.contains("not patients").all()
    with pytest.raises(ConfigError, match="whole numbers by comma"):
        power_command("rr-all", PowerOrder("sixty", 20, "cox", 0, 1, ""))
