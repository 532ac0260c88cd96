"""The arithmetic of published numbers: what passes, what fails, and what rounding leaves open."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from allsurv.dictionary.readonly import FrozenDict
from allsurv.findings import check_findings
from allsurv.findings.selfcheck import rates
from allsurv.findings.selfcheck.rounding import as_printed
from allsurv.study import Ledger, LedgerEntry, load_study
from allsurv.study.spec import Contrast, Finding, Study


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study("rr-all")


@pytest.fixture(scope="module")
def table(study: Study) -> pd.DataFrame:
    return check_findings(study).set_index(["item", "check"])


def made(study: Study, **numbers: object) -> pd.DataFrame:
    """Checks of one finding that is the paper's for TP53 but for some numbers."""
    finding = replace(study.findings["tp53"], **numbers)
    only = replace(study, findings=FrozenDict({"tp53": finding}), ledger=None)
    return check_findings(only).set_index("check")


def test_the_four_multivariable_findings_pass_to_rounding(study: Study, table: pd.DataFrame):
    for name in study.findings:
        passes = table.loc[name]["passes"]
        assert passes.drop("std_error").map(bool).all(), name
        assert len(passes) == 4


def test_implied_errors_z_and_p_as_derived_by_hand(table: pd.DataFrame):
    # log(4.202 / 1.318) / (2 * 1.959964) = 0.29578; log 2.354 / 0.29578 = 2.894; P = 0.0038.
    assert table.loc[("tp53", "std_error"), "computed"] == pytest.approx(0.29578, abs=5e-6)
    assert table.loc[("tp53", "p_value"), "computed"] == pytest.approx(0.0038, abs=5e-5)
    # 4 / 0.29578^2 = 45.7 deaths at least; 4 / 0.26001^2 = 59.2 for the regimen.
    assert table.loc[("tp53", "n_events"), "computed"] == pytest.approx(45.7, abs=0.05)
    assert table.loc[("arm", "n_events"), "computed"] == pytest.approx(59.2, abs=0.05)
    # 1 / (0.00403 * sqrt 69) = 29.9 percentage points.
    assert table.loc[("pb_blasts", "spread"), "computed"] == pytest.approx(29.9, abs=0.05)


def test_rounding_alone_explains_the_p_of_blasts(table: pd.DataFrame):
    row = table.loc[("pb_blasts", "p_value")]
    # z from 0.0005 wider or narrower limits: log(1.0135) / 0.00426 to log(1.0145) / 0.00377.
    assert row["lowest"] == pytest.approx(1.4e-4, rel=0.05)
    assert row["highest"] == pytest.approx(1.7e-3, rel=0.05)
    assert row["printed"] == "0.001"


@pytest.mark.parametrize(
    ("numbers", "failing"),
    [
        ({"estimate": 2.37}, {"symmetry"}),
        ({"p_value": 0.04}, {"p_value"}),
        ({"p_value": 0.003, "p_relation": "<"}, {"p_value"}),
        ({"p_value": 0.05, "p_relation": "<"}, set()),
        ({"n_events": 40}, {"n_events"}),
        ({"n_events": None}, set()),
        ({"p_value": None}, set()),
    ],
)
def test_a_number_that_cannot_be_is_found(study: Study, numbers: dict, failing: set[str]):
    found = made(study, **numbers)
    assert {name for name, passes in found["passes"].items() if passes is False} == failing


def test_a_number_cannot_vary_more_than_its_range_allows(study: Study):
    # Limits so narrow that blasts, 0 to 100, would need a standard deviation above 50.
    narrow = Finding(
        "pb", "Blasts", "pb_blasts", Contrast(0, 50, 1), 1.014, 1.0105, 1.0175, "multivariable",
        "os", decimals=4, n=110, n_events=69,
    )  # fmt: skip
    only = replace(study, findings=FrozenDict({"pb": narrow}), ledger=None)
    row = check_findings(only).set_index("check").loc["spread"]
    assert row["computed"] == pytest.approx(1 / (math.log(1.0175 / 1.0105) / 3.92 * 69**0.5), 1e-3)
    assert row["passes"] is False


def test_every_published_survival_rate_has_log_log_limits(study: Study, table: pd.DataFrame):
    notes = table.xs("limits", level="check")["note"]
    assert len(notes) == 15
    assert notes.str.contains("log-log").all()
    # Only the log-log scale puts 18% in the middle of 7% and 33%.
    assert notes["res_os36_s2p_rate"] == "symmetrical on scale: log-log"


def test_effective_size_of_a_rate_by_hand(study: Study, monkeypatch: pytest.MonkeyPatch):
    # Plain limits 0.5 -/+ 1.96 * 0.05: variance 0.0025, so 0.25 / 0.0025 = 100 patients; the
    # log-log scale does not fit.
    parts = {"km_rate": 50.0, "km_rate_ci_low": 40.2, "km_rate_ci_high": 59.8}
    entries = [
        LedgerEntry(
            kind, "text", "Half", kind, "os_months", value, f"{value}", "Text", "half",
            endpoint="os", time=12, decimals=1,
        )
        for kind, value in parts.items()
    ]  # fmt: skip
    entries.append(LedgerEntry("n", "text", "All", "denominator", "sex", 90, "90", "Text", "half"))
    half = Ledger("rr-all", FrozenDict({entry.id: entry for entry in entries}))
    monkeypatch.setattr(rates, "load_ledger", lambda _: half)
    size = {check.check: check for check in rates.rate_checks(study)}["n_effective"]
    assert size.computed.value == pytest.approx(100, abs=0.1)
    assert size.note.endswith("(plain)")
    assert size.passes is False


def test_percents_and_group_sizes_of_the_ledger(study: Study, table: pd.DataFrame):
    row = table.loc[("percents", "percent")]
    assert row["passes"] is True
    assert row["computed"] == float(row["printed"]) > 200
    # The paper prints 36 patients, and elsewhere 38, with a first remission of 12 months or more.
    sizes = table.xs("group_size", level="check")
    assert sizes["printed"].tolist() == ["36, 38"]
    assert sizes["passes"].tolist() == [False]
    assert sizes["issue"].tolist() == ["C02"]
    assert set(table.loc[table["passes"].ne(False), "issue"]) == {""}


def test_a_wrong_percent_is_found(study: Study, monkeypatch: pytest.MonkeyPatch):
    from allsurv.findings.selfcheck import percents
    from allsurv.study import load_ledger

    ledger = load_ledger(study)
    wrong = replace(ledger.entries["t1_karyo_diploid_all_pct"], value=27, printed="27")
    changed = replace(ledger, entries=FrozenDict({**ledger.entries, wrong.id: wrong}))
    monkeypatch.setattr(percents, "load_ledger", lambda _: changed)
    found = check_findings(study).set_index("item")
    assert found.loc[wrong.id, "printed"] == "27%: 28 of 110"
    assert found.loc[wrong.id, "computed"] == pytest.approx(100 * 28 / 110)
    assert found.loc["percents", "passes"] is False
    assert found.loc["percents", "issue"] == ""
    explained = replace(wrong, status="conflict", issue="C01")
    changed = replace(ledger, entries=FrozenDict({**ledger.entries, wrong.id: explained}))
    found = check_findings(study).set_index("item")
    assert found.loc[[wrong.id, "percents"], "issue"].tolist() == ["C01", "C01"]


def test_a_study_that_printed_nothing(study: Study):
    empty = replace(study, findings=FrozenDict(), ledger=None)
    assert check_findings(empty).empty


def test_what_prints_as_a_number():
    assert (as_printed(17, 0).low, as_printed(17, 0).high) == (16.5, 17.5)
