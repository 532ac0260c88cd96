"""Tables of counts: twelve patients by hand, the paper's own table, and disclosure attacked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from allsurv.cohort import load_cohort, read_cohort
from allsurv.describe import rate_table, rate_tables, response_table, toxicity_table
from allsurv.errors import ModelError
from allsurv.policy.overlaps import shown_counts
from allsurv.study.spec import TableRow, Tabulation, Variable


@pytest.fixture
def cohort(frame, study):
    rows = (
        TableRow("Response", {"responder": True}),
        TableRow("With TP53 mutated", {"tp53": True}, {"responder": True}, "Responders"),
    )
    tables = {
        "response": Tabulation("response", "Response", by="arm", rows=rows),
        "toxicity": Tabulation("toxicity", "Toxicity", grades="table3"),
    }
    levels = {"levels": (0, 3, 4), "table": "table3", "known": "post-baseline"}
    ae = Variable("ae", "Infection", "ordinal", "ae", **levels)
    rich = replace(study, tables=tables, variables={**study.variables, "ae": ae})
    grades = [0, 0, 3, 3, 3, 4, 0, 0, 0, 0, 3, 4]
    return read_cohort(frame.assign(ae=grades), rich)


def test_counts_and_tests_by_hand(cohort):
    # Follow-up beyond month 2 makes a responder: old 4 of 6, new 5 of 6.
    # TP53 known in responders: old yes at 70, no at 80: 1 of 2; new no, yes, no: 1 of 3.
    table = response_table(cohort, test="chi-squared")
    assert table["group"].tolist() == ["overall", "old", "new"] * 2
    assert table["text"].tolist() == [
        "9 (75)",
        "4 (67)",
        "5 (83)",
        "2/5 (40)",
        "1/2 (50)",
        "1/3 (33)",
    ]
    assert table["n_known"].tolist() == [12, 6, 6, 5, 2, 3]
    # Chi-squared of (4, 2; 5, 1): 12 * (4 * 1 - 2 * 5)^2 / (6 * 6 * 9 * 3) = 4/9, so P = 0.505.
    p_values = table["p_value"]
    assert p_values[0] == pytest.approx(0.5049850750938459, rel=1e-12)
    # (1, 1; 1, 2): 5 * (2 - 1)^2 / (2 * 3 * 2 * 3) = 5/36, P = 0.709.
    assert p_values[3] == pytest.approx(0.7093881150142237, rel=1e-9)
    assert p_values[[1, 2, 4, 5]].isna().all()
    assert table.attrs["source"] == cohort.source.statement


def test_limits_differences_and_fisher_by_hand(cohort):
    table = response_table(cohort)
    # 9 of 12: Clopper and Pearson's limits, as R's binom.test(9, 12).
    assert table.loc[0, ["lower", "upper"]].tolist() == pytest.approx(
        [42.81415, 94.51394], abs=1e-5
    )
    # Of four cells 3 * 6 / 12 = 1.5 is expected: Fisher's test. (2, 4; 1, 5) is its most likely
    # table but for (1, 5; 2, 4), so P = 1.
    assert table.loc[0, "test"] == "Fisher exact test"
    assert table.loc[0, "p_value"] == pytest.approx(1.0)
    assert table.loc[0, "difference"] == pytest.approx(100 * (5 / 6 - 4 / 6))
    assert table.loc[0, "difference_lower"] < 0 < table.loc[0, "difference_upper"]
    assert table["difference"].notna().tolist() == [True, False, False] * 2


def test_no_limits_of_what_is_hidden(cohort):
    table = response_table(cohort, threshold=5)
    hidden = table["n"].isna() | table["n_known"].isna()
    assert hidden.any()
    assert table.loc[hidden, ["lower", "upper"]].isna().all(axis=None)


def test_other_columns_on_request(cohort):
    table = response_table(cohort, by="cns")
    assert table["group"].tolist() == ["overall", "false", "true"] * 2
    assert table["text"].tolist()[:3] == ["9 (75)", "7 (78)", "2 (67)"]


def test_grades_come_from_the_dictionary(cohort):
    table = toxicity_table(cohort)
    assert table["level"].tolist() == ["3", "4"]
    assert table["text"].tolist() == ["4 (33)", "2 (17)"]
    assert table["label"].unique().tolist() == ["Infection"]
    by_arm = toxicity_table(cohort, by="arm")
    assert by_arm["text"].tolist() == ["4 (33)", "3 (50)", "1 (17)", "2 (17)", "1 (17)", "1 (17)"]


def test_what_a_study_or_cohort_lacks_is_said(cohort, frame, study):
    with pytest.raises(ModelError, match=r"no table 'respons'.* Did you mean 'response'"):
        rate_table(cohort, "respons")
    with pytest.raises(ModelError, match="has no table 'toxicity'"):
        toxicity_table(read_cohort(frame, study))
    lacking = replace(cohort, frame=cohort.frame.drop(columns=["tp53", "ae"]))
    with pytest.raises(ModelError, match="no column 'tp53'"):
        response_table(lacking)
    with pytest.raises(ModelError, match="none of its toxicities"):
        toxicity_table(lacking)


def test_the_embedded_cohort_gives_table_2():
    # Kantarjian 2023, Table 2; where the table contradicts itself, its totals.
    table = response_table(load_cohort("rr-all"))
    shown = table.pivot(index="row", columns="group", values="text")
    assert shown["overall"].tolist() == [
        "69 (63)", "19 (17)", "3 (3)", "91 (83)", "12 (11)", "7 (6)", "47/87 (54)", "75/89 (84)",
        "41/70 (59)", "63/71 (89)", "6/17 (35)", "12/18 (67)",
    ]  # fmt: skip
    assert shown.loc[0:3, "before"].tolist() == ["40 (60)", "10 (15)", "1 (1)", "51 (76)"]
    p_values = table.groupby("row")["p_value"].first().round(2)
    assert p_values.tolist()[:8] == [0.41, 0.42, 0.32, 0.02, 0.29, 0.03, 0.51, 0.51]


def test_the_embedded_cohort_gives_sos_by_schedule():
    table = rate_table(load_cohort("rr-all"), "sos").set_index(["row", "group"])
    assert table.loc[(0, "before"), "text"] == "9 (13)"
    assert table.loc[(0, "after"), "text"] == "1 (2)"
    assert table.loc[(0, "overall"), "p_value"] == pytest.approx(0.048, abs=0.0005)
    assert table.loc[(1, "overall"), "text"] == "7/53 (13)"
    assert table.loc[(2, "overall"), "text"] == "3/57 (5)"


def test_safe_tables_show_no_small_count_together():
    cohort = load_cohort("rr-all")
    tables = rate_tables(cohort, list(cohort.study.tables), threshold=11)
    both = pd.concat(tables.values())
    for name in ("n", "n_known", "n_group"):
        assert not both[name].between(1, 10).any()
    rest = (both["n_known"].astype(float) - both["n"].astype(float)).dropna()
    assert not rest.between(1, 10).any()
    hidden = both["n"].isna()
    assert set(both.loc[hidden, "text"]) == {"<11", "suppressed"}
    assert both.loc[hidden, "percent"].isna().all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_small_count_is_pinned_by_the_shown_ones(seed):
    # Attack by linear programming: among all numbers of patients per pattern of membership that
    # agree with what is shown, a hidden small count must be able to vary.
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 60))
    cells = [np.ones(n, dtype=bool), *(rng.random((4, n)) < rng.uniform(0.1, 0.9, (4, 1)))]
    cells.append(cells[1] | cells[2])
    shown = shown_counts(cells, 6)
    patterns, atoms = np.unique(np.array(cells).T, axis=0, return_counts=True)
    published = patterns[:, shown].T.astype(float)
    values = published @ atoms
    for cell, is_shown in zip(patterns.T.astype(float), shown, strict=True):
        count = cell @ atoms
        assert not (is_shown and 0 < count < 6)
        if 0 < count < 6:
            ends = [
                sign * linprog(sign * cell, A_eq=published, b_eq=values, bounds=(0, None)).fun
                for sign in (1, -1)
            ]
            assert ends[1] - ends[0] > 1e-6


def test_without_a_threshold_everything_is_shown():
    assert shown_counts([np.array([True, False])], 1) == [True]
    assert shown_counts([], 11) == []
