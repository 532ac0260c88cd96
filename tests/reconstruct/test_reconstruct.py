"""The embedded cohort: reproducible, and in agreement with the paper by construction."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.cohort import load_cohort, make_cohort
from allsurv.dictionary.filters import matches
from allsurv.journal import round_half_up
from allsurv.reconstruct.rr_all.write import as_text, digest, finish, lay_out_patients
from allsurv.reconstruct.search.draws import choose, numbers_with, place_below, shuffled
from allsurv.study import load_ledger, load_study


@pytest.fixture(scope="module")
def study():
    return load_study("rr-all")


@pytest.fixture(scope="module")
def cohort(study):
    return load_cohort(study)


@pytest.fixture(scope="module")
def shipped(root):
    """Header, rows and table of the embedded file."""
    content = (root / "src" / "allsurv" / "cohort" / "data" / "rr-all.csv").read_bytes()
    head, rows = content[: content.index(b"patient_no")], content[content.index(b"patient_no") :]
    return head.decode().splitlines(), rows


def test_the_file_says_what_it_is_and_that_nobody_changed_it(shipped, study):
    head, rows = shipped
    assert head[0] == f"# {study.cohort.statement}"
    assert head[1].startswith("# Study rr-all, seed ")
    assert head[1].endswith(digest(rows))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_before_the_search_all_counts_hold_whatever_the_seed(seed, study, cohort):
    rng = np.random.default_rng(seed)
    ledger = load_ledger(study)
    people = lay_out_patients(rng, ledger)
    finish(rng, people, ledger)
    other = make_cohort(as_text(people, study), study)
    for column in ("karyotype", "response", "sct", "sos", "tp53_mut", "mrd_best_neg"):
        counts, shipped = (
            c.frame.groupby("arm", observed=False)[column].value_counts(dropna=False).to_dict()
            for c in (other, cohort)
        )
        assert counts == shipped
    assert (other.frame["alive"].sum(), other.frame["age"].median()) == (41, 37)
    assert_plausible(other.frame)


# Table 1, before and after the amendment
TABLE_1 = [
    ({}, 67, 43),
    ({"sex": "male"}, 31, 21),
    ({"ecog_ge2": True}, 11, 8),
    ({"wbc_ge50": True}, 2, 2),
    ({"bm_blasts_ge50": True}, 47, 22),
    ({"karyotype": "diploid"}, 14, 14),
    ({"karyotype": "other"}, 17, 9),
    ({"karyotype": "complex"}, 10, 3),
    ({"karyotype": "kmt2a"}, 8, 2),
    ({"karyotype": "ho_tr"}, 4, 8),
    ({"karyotype": "heh"}, 3, 0),
    ({"karyotype": "tt"}, 1, 1),
    ({"karyotype": "im_nd"}, 10, 6),
    ({"high_risk_cyto": True}, 12, 10),
    ({"ph_like": True}, 7, 13),
    ({"crlf2_tested": True}, 34, 37),
    ({"crlf2_pos": True}, 6, 6),
    ({"tp53_tested": True}, 24, 36),
    ({"tp53_mut": True}, 9, 10),
    ({"cd20_ge20": True}, 12, 16),
    ({"prior_asct": True}, 19, 2),
    ({"salvage": 1}, 38, 41),
    ({"s1_subtype": "primary_refractory"}, 5, 10),
    ({"s1_subtype": "crd1_lt12"}, 17, 9),
    ({"s1_subtype": "crd1_ge12"}, 16, 22),
    ({"salvage": 2}, 15, 2),
    ({"salvage": 3}, 14, 0),
]


@pytest.mark.parametrize(("who", "before", "after"), TABLE_1)
def test_table_1_by_arm(who, before, after, cohort):
    assert cohort.where({**who, "arm": "before"}).n == before
    assert cohort.where({**who, "arm": "after"}).n == after


@pytest.mark.parametrize(
    ("name", "arm", "lowest", "median", "highest"),
    [
        ("age", "before", 17, 34, 87),
        ("age", "after", 18, 42, 79),
        ("wbc", "before", 0.1, 3.7, 194.7),
        ("wbc", "after", 0.8, 3.1, 129.9),
        ("pb_blasts", "before", 0, 3, 93),
        ("pb_blasts", "after", 0, 2, 97),
        ("bm_blasts", "before", 8, 72, 98),
        ("bm_blasts", "after", 6, 50, 96),
        ("cd22", "before", 20, 95.6, 100),
        ("cd19", "after", 10.5, 99.9, 100),
    ],
)
def test_medians_and_ranges_by_arm(name, arm, lowest, median, highest, cohort):
    values = cohort.where({"arm": arm}).frame[name]
    assert (values.min(), values.median(), values.max()) == (lowest, median, highest)


# Survival as R computes it (tests/reference/reconstruction.R)


@pytest.fixture(scope="module")
def r(reference):
    return reference("reconstruction")


CURVES = {
    "all": "res_os36_rate",
    "before": "res_os36_before_rate",
    "after": "res_os36_after_rate",
    "salvage_1": "res_os36_s1_rate",
    "salvage_2": "res_os36_s2p_rate",
    "mrd_negative": "res_os36_mrdneg_rate",
    "mrd_positive": "res_os36_mrdpos_rate",
    "sct": "res_lm4_os36_sct_rate",
    "no_sct": "res_lm4_os36_nosct_rate",
    "landmark": "abs_lm4_os36_rate",
    "blinatumomab": "res_lm2_s1_after_rate",
    "no_blinatumomab": "res_lm2_s1_before_rate",
    "tp53_wild_type": "res_os36_tp53wt_rate",
    "tp53_mutated": "res_os36_tp53mut_rate",
    "cyto_low": "res_os36_cytolow_rate",
    "cyto_high": "res_os36_cytohigh_rate",
    "rfs": "res_rfs36_rate",
    "rfs_sct": "res_lm4_rfs36_sct_rate",
    "rfs_no_sct": "res_lm4_rfs36_nosct_rate",
}
LIMITS = {"survival": "_rate", "lower": "_ci_low", "upper": "_ci_high"}


def test_r_saw_the_shipped_file(r, shipped):
    assert r["sha256"] == digest(shipped[1])


@pytest.fixture(scope="module")
def ours(cohort):
    from allsurv.reproduction import ledger_table

    return ledger_table(cohort).set_index("id")


@pytest.mark.parametrize("name", CURVES)
def test_r_recomputes_the_published_curves_as_we_do(name, r, ours):
    for part, ending in LIMITS.items():
        entry = CURVES[name].removesuffix("_rate") + ending
        if entry in ours.index:
            found = 100 * r["curves"][name][part]
            assert found == pytest.approx(ours.loc[entry, "estimate"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("arm", "abs_os_arm_p"),
        ("salvage", "res_os_salvage_p"),
        ("mrd", "res_os_mrd_p"),
        ("sct", "res_lm4_os_p"),
        ("blinatumomab", "res_lm2_s1_p"),
        ("tp53", "res_os_tp53_p"),
        ("cyto", "res_os_cyto_p"),
        ("rfs_sct", "res_lm4_rfs_p"),
    ],
)
def test_r_recomputes_the_published_log_rank_tests_as_we_do(name, entry, r, ours):
    assert r["tests"][name] == pytest.approx(ours.loc[entry, "estimate"], rel=1e-6)


def test_at_least_99_of_100_numbers_that_can_hold_together_do(ours):
    joint = ours[ours["status"].isin(["ok", "reading", "rounding"]) & ours["match"].notna()]
    assert len(joint) > 830
    assert joint["match"].astype(bool).mean() >= 0.99
    must = joint["kind"].isin(["count", "denominator", "percent", "hazard_ratio", "wald_p"])
    must |= joint["kind"].str.startswith("hr_ci")
    assert joint.loc[must, "match"].all()


def test_r_prints_the_published_medians(r):
    found = [r["curves"][n]["median"] for n in ("all", "rfs", "sct", "no_sct")]
    assert [round_half_up(x, 0) for x in found] == [17, 13, 47, 37]


def test_r_prints_the_published_rank_tests(r, study):
    entries = load_ledger(study).entries.values()
    published = {e.variable: e.value for e in entries if e.kind == "mannwhitney_p"}
    assert {k: round_half_up(v, 2) for k, v in r["ranks"].items()} == published


def test_r_prints_the_published_model(r, study):
    model = r["model"]
    findings = ("pb_blasts", "high_risk_cyto", "tp53", "arm")
    for k, name in enumerate(findings):
        published = study.findings[name]
        found = [model[part][k] for part in ("hazard_ratio", "lower", "upper")]
        expected = [published.estimate, published.lower, published.upper]
        assert [round_half_up(x, 3) for x in found] == expected
        p = model["p_value"][k]
        assert (
            p < 0.001 if published.p_relation == "<" else round_half_up(p, 3) == published.p_value
        )


def test_deaths_and_follow_up(cohort):
    y = cohort.y("os")
    assert (y["event"].sum(), y["time"].min(), round(y["time"].max())) == (69, 0.13, 115)


def test_patients_are_plausible(cohort):
    assert_plausible(cohort.frame)
    # The longest follow-up belongs to those who came in first.
    living = cohort.frame[cohort.frame["alive"].astype(bool)]
    entered = living["patient_no"].astype(float)
    assert living["os_months"].corr(entered, method="spearman") < -0.4


def assert_plausible(f):
    """Order of events, and what goes with what."""
    early = matches(f, {"response": "ED"})
    assert f.loc[early, "arm"].eq("before").all()
    assert f.loc[early, "os_months"].between(4 / 30.4375 - 0.005, 26 / 30.4375 + 0.005).all()
    assert f.loc[early, "salvage"].astype(int).gt(1).sum() == 6
    responder = matches(f, {"response": ("CR", "CRp", "CRi")})
    assert f.loc[~responder, ["mrd_best_neg", "mrd_resp_neg", "rfs_months"]].isna().all().all()
    assert not f.loc[~responder, "sct"].astype(bool).any()
    response = f["time_to_response_days"] / 30.4375
    relapse = response + f["rfs_months"]
    assert (relapse <= f["os_months"] + 0.01)[responder].all()
    assert (response < f["time_to_sct_months"])[matches(f, {"sct": True})].all()
    after_transplant = matches(f, {"sct": True, "relapse": True})
    assert (relapse > f["time_to_sct_months"])[after_transplant].all()
    treated = matches(f, {"blina_received": True})
    assert (f["time_to_blina_months"] >= 0.9)[treated].all()
    assert (f["time_to_blina_months"] < f["os_months"])[treated].all()
    refractory = matches(f, {"s1_subtype": "primary_refractory"})
    assert not f.loc[refractory, "prior_asct"].astype(bool).any()
    assert f.loc[f["salvage"].astype(int) > 1, "s1_subtype"].isna().all()
    # Accrual until July 2021, data of June 2022: who came last was followed for 9 to 12 months.
    assert f["os_months"].max() < 115.5
    assert f["os_months"].iloc[-1] < 11.5
    # Low hypodiploidy goes with TP53 mutation, as far as the counts allow.
    hypodiploid = matches(f, {"karyotype": "ho_tr"})
    assert f.loc[hypodiploid, "tp53_mut"].sum() == 11
    # Blasts in blood, blasts in marrow and white cells go together.
    ranks = f[["pb_blasts", "bm_blasts", "wbc"]].rank().corr()
    assert ranks.loc["pb_blasts", "bm_blasts"] > 0.3
    assert ranks.loc["pb_blasts", "wbc"] > 0.3
    assert (f["ino_courses"] <= f["n_courses"]).all()
    assert (f["sos_after_courses"] <= f["n_courses"])[matches(f, {"sos": True})].all()
    grades = f.filter(regex=r"^ae_.*_grade$").astype(float)
    assert not (grades.eq(5).any(axis=1) & f["alive"].astype(bool)).any()
    assert grades.eq(5).sum(axis=1).max() == 1


# The draws


def test_draws_meet_their_counts():
    rng = np.random.default_rng(1)
    assert sorted(shuffled(rng, [3, 1, 2])) == [1, 2, 3]
    allowed = np.array([True, False, True, True])
    assert choose(rng, allowed, 3).tolist() == [0, 2, 3]
    picked = choose(rng, np.ones(9, dtype=bool), 1, prefer=np.arange(9), sharpness=1e6)
    assert picked.tolist() == [8]
    with pytest.raises(ValueError, match="4 patients wanted, 3 may be chosen"):
        choose(rng, allowed, 4)
    with pytest.raises(ValueError, match="even number of patients has no middle one"):
        numbers_with(rng, 4, lambda p: p, low=0, median=1, high=2)
    with pytest.raises(ValueError, match="a limit leaves no value"):
        place_below(rng, [5.0], [4.0])
