"""From variables to columns: kinds, names, missing values, refusals."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from allsurv.errors import ModelError, NotFittedError, StudyError
from allsurv.features import FeatureEncoder, check_predictors, make_features
from allsurv.riskmodel.encoding import encode
from allsurv.study import load_study
from allsurv.study.spec import Derivation, Variable

AGE = Variable("age", "Age", "integer", "age", unit="years", minimum=15, maximum=100)
WBC = Variable("wbc", "White cells", "continuous", "wbc", transform="log", missing="allowed")
SEX = Variable("sex", "Sex", "nominal", "sex", levels=("male", "female"), reference="male")
RACE = Variable("race", "Race", "nominal", "race", levels=("a", "b", "c"), reference="b")
ECOG = Variable("ecog", "ECOG", "ordinal", "ecog", levels=(0, 1, 2), missing="allowed")
CNS = Variable("cns", "CNS disease", "binary", "cns", missing="allowed")
TP53 = Variable("tp53", "TP53", "marker", "tp53", missing="allowed")
ALL = (AGE, WBC, SEX, RACE, ECOG, CNS, TP53)


@pytest.fixture
def patients():
    return pd.DataFrame(
        {
            "age": [20, 40, 60, 80],
            "wbc": [1.0, 10.0, 100.0, None],
            "sex": ["male", "female", "female", "male"],
            "race": ["a", "b", "c", "b"],
            "ecog": pd.Categorical([0, 2, 2, None], [0, 1, 2], ordered=True),
            "cns": pd.array([False, None, False, True], dtype="boolean"),
            "tp53": pd.array([True, False, None, True], dtype="boolean"),
            "patient": ["x", "y", "z", "w"],
        },
        index=[7, 5, 3, 1],
    )


def test_every_kind_by_hand(patients):
    """Age: mean 50, SD sqrt(500). log10 WBC 0, 1, 2: mean 1, SD sqrt(2/3); missing = 10, so 0.

    ECOG and CNS are filled with 2 and no, their most frequent values.
    """
    found = FeatureEncoder(ALL).fit_transform(patients)
    assert list(found) == [
        "age",
        "log wbc",
        "sex=female",
        "race=a",
        "race=c",
        "ecog",
        "cns",
        "tp53 tested",
        "tp53 positive",
    ]
    assert found.index.tolist() == [7, 5, 3, 1]
    np.testing.assert_allclose(found["age"], np.array([-30, -10, 10, 30]) / 500**0.5)
    np.testing.assert_allclose(found["log wbc"], np.array([-1, 0, 1, 0]) / (2 / 3) ** 0.5)
    assert found["sex=female"].tolist() == [0, 1, 1, 0]
    assert found["race=a"].tolist() == [1, 0, 0, 0]
    assert found["race=c"].tolist() == [0, 0, 1, 0]
    assert found["ecog"].tolist() == [0, 2, 2, 2]
    assert found["cns"].tolist() == [0, 0, 0, 1]
    assert found["tp53 tested"].tolist() == [1, 1, 0, 1]
    assert found["tp53 positive"].tolist() == [1, 0, 0, 1]


def test_what_was_filled_in_is_counted(patients):
    encoder = FeatureEncoder(ALL).fit(patients)
    assert encoder.imputed_ == {
        "age": 0,
        "wbc": 1,
        "sex": 0,
        "race": 0,
        "ecog": 1,
        "cns": 1,
    }
    fills = {t.variable: t.fill for t in encoder.terms_ if t.fill is not None}
    assert fills == {"wbc": 10.0, "ecog": 2, "cns": False}


def test_it_is_a_transformer_of_scikit_learn(patients):
    encoder = FeatureEncoder(ALL)
    copy = clone(encoder)
    assert copy is not encoder
    assert copy.get_params() == encoder.get_params()
    shown = encoder.fit_transform(patients)
    assert shown.columns.tolist() == encoder.get_feature_names_out().tolist()
    assert shown.index.equals(patients.index)
    for kind in ("pandas", "default"):
        again = clone(encoder).set_output(transform=kind).fit_transform(patients)
        pd.testing.assert_frame_equal(again, shown)
    with pytest.raises(NotFittedError, match="call fit first"):
        copy.transform(patients)


def test_a_clone_keeps_what_set_output_asked_for_and_nothing_that_was_learned(patients):
    encoder = FeatureEncoder(ALL, missing="impute").set_output(transform="polars")
    copy = clone(encoder.fit(patients))
    assert copy._sklearn_output_config == {"transform": "polars"}
    assert not hasattr(copy, "terms_")
    assert copy.get_params() == encoder.get_params()
    copy.set_output(transform="pandas")
    assert encoder._sklearn_output_config == {"transform": "polars"}


def test_a_pipeline_with_it_is_cloned_pickled_and_shows_its_columns(patients):
    steps = [("encode", FeatureEncoder(ALL)), ("scale", StandardScaler())]
    pipeline = clone(Pipeline(steps)).set_output(transform="pandas")
    shown = pipeline.fit_transform(patients)
    assert shown.columns.tolist() == pipeline.get_feature_names_out().tolist()
    assert shown.index.equals(patients.index)
    again = pickle.loads(pickle.dumps(pipeline)).transform(patients)
    pd.testing.assert_frame_equal(again, shown)


def test_it_is_a_step_of_a_pipeline(patients):
    pipeline = make_pipeline(FeatureEncoder(ALL), StandardScaler())
    scaled = pipeline.fit_transform(patients)
    names = FeatureEncoder(ALL).fit(patients).get_feature_names_out()
    assert pipeline.get_feature_names_out().tolist() == names.tolist()
    np.testing.assert_allclose(np.asarray(scaled).mean(axis=0), 0, atol=1e-12)
    moved = pipeline.set_params(featureencoder__missing="refuse")
    assert moved[0].missing == "refuse"


def test_terms_alone_encode_the_same(made_up):
    cohort = made_up(n=80)
    encoder = make_features(cohort.study).fit(cohort.X)
    new = made_up(n=50, seed=1).X
    np.testing.assert_allclose(encode(new, encoder.terms_), encoder.transform(new), rtol=1e-12)


def test_learned_in_development_and_kept(patients):
    encoder = FeatureEncoder((AGE, WBC)).fit(patients)
    later = encoder.transform(pd.DataFrame({"age": [50.0], "wbc": [10.0]}))
    np.testing.assert_allclose(later, [[0, 0]], atol=1e-15)
    one = pd.DataFrame({"age": [90.0], "wbc": [np.nan]})
    np.testing.assert_allclose(encoder.transform(one), [[40 / 500**0.5, 0]], atol=1e-15)


def test_refusing_policy_names_the_rows(patients):
    with pytest.raises(ModelError, match=r"wbc: 1 row \(4\) is missing; this model needs a value"):
        FeatureEncoder((AGE, WBC), missing="refuse").fit(patients)
    with pytest.raises(ModelError, match="'drop' is no policy; allowed are 'complete cases'"):
        FeatureEncoder((AGE,), missing="drop").fit(patients)


def test_what_the_dictionary_refuses_is_refused_by_either_policy(patients):
    patients["age"] = patients["age"].astype(float)
    patients.iloc[[1, 2], 0] = np.nan
    with pytest.raises(ModelError, match=r"age: 2 rows \(2, 3\) are missing"):
        FeatureEncoder((AGE,)).fit(patients)


def test_a_derived_variable_is_missing_where_its_source_is(patients):
    rule = Derivation("at_least", ("ecog",), threshold=2)
    poor = Variable("poor", "ECOG >= 2", "binary", "poor", derivation=rule)
    patients["poor"] = pd.array([False, True, True, None], dtype="boolean")
    encoder = FeatureEncoder((poor,)).fit(patients)
    assert encoder.transform(patients)["poor"].tolist() == [0, 1, 1, 1]
    assert encoder.imputed_ == {"poor": 1}


def test_every_fault_at_predict_time_in_one_message(patients):
    encoder = FeatureEncoder(ALL).fit(patients)
    bad = patients.rename(columns={"cns": "cs"}).astype({"age": float})
    bad["sex"] = ["male", "femal", "female", "male"]
    bad.iloc[0, 0] = 140
    bad["tp53"] = ["yes", "no", "perhaps", None]
    with pytest.raises(ModelError) as caught:
        encoder.transform(bad)
    assert str(caught.value).splitlines() == [
        "FeatureEncoder.transform: the data break 4 rules of the data dictionary:",
        "  age: 1 row (1) is 140; allowed 15 to 100.",
        "  sex: 1 row (2) is 'femal'; allowed male, female. Did you mean 'female'?",
        "  cns: the column is missing; the model needs it. Did you mean 'cs'?",
        "  tp53: 1 row (3) is none of the allowed levels; allowed yes or no "
        "(also true, false, 1, 0).",
    ]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("age", ["20", "40", "60", "80"]),
        ("age", pd.array([20, 40, 60, 80], dtype="Int64")),
        ("cns", ["no", "", "no", "yes"]),
        ("cns", [0.0, np.nan, 0.0, 1.0]),
        ("tp53", [1, 0, None, 1]),
        ("ecog", ["0", "2", "2", "NA"]),
        ("ecog", [0, 2, 2, np.nan]),
        ("race", pd.Categorical(["a", "b", "c", "b"], ["c", "b", "a"])),
    ],
)
def test_the_same_values_in_other_types_give_the_same_columns(patients, column, values):
    encoder = FeatureEncoder(ALL).fit(patients)
    other = patients.assign(**{column: values})
    pd.testing.assert_frame_equal(encoder.transform(other), encoder.transform(patients))
    pd.testing.assert_frame_equal(
        FeatureEncoder(ALL).fit_transform(other), encoder.transform(other)
    )


def test_the_logarithm_of_zero_is_refused(patients):
    patients["wbc"] = [1.0, 10.0, 0.0, -1.0]
    with pytest.raises(ModelError, match=r"wbc: 2 rows \(3, 4\) are not above zero; its logarithm"):
        FeatureEncoder((WBC,)).fit(patients)
    encoder = FeatureEncoder((WBC,)).fit(patients.assign(wbc=[0.1, 0.2, 0.4, 100.0]))
    assert np.isfinite(encoder.transform(patients.assign(wbc=0.1))).all(axis=None)


def test_a_constant_number_is_centred_and_not_divided_by_zero(patients):
    found = FeatureEncoder((AGE,)).fit_transform(patients.assign(age=40))
    assert found["age"].tolist() == [0, 0, 0, 0]


def test_a_variable_without_any_value_is_refused(patients):
    with pytest.raises(ModelError, match="'wbc' has no value in any of 4 patients"):
        FeatureEncoder((WBC,)).fit(patients.assign(wbc=np.nan))


def test_a_level_nobody_has_keeps_its_column(patients):
    found = FeatureEncoder((RACE,)).fit_transform(patients.assign(race="b"))
    assert list(found) == ["race=a", "race=c"]
    assert not found.to_numpy().any()


def test_yes_as_reference_turns_the_column_round(patients):
    turned = Variable("cns", "CNS", "binary", "cns", reference=True, missing="allowed")
    found = FeatureEncoder((turned,)).fit_transform(patients)
    assert found["cns=no"].tolist() == [1, 1, 1, 0]


def test_no_table_and_no_fit(patients):
    with pytest.raises(ModelError, match="a ndarray was given; give a DataFrame"):
        FeatureEncoder((AGE,)).fit(patients[["age"]].to_numpy())
    with pytest.raises(NotFittedError, match="not fitted"):
        FeatureEncoder((AGE,)).transform(patients)


def test_without_variables_there_are_no_columns(patients):
    found = FeatureEncoder(()).fit_transform(patients)
    assert found.shape == (4, 0)


def test_it_shows_its_variables_briefly():
    assert repr(FeatureEncoder((AGE, SEX))) == "FeatureEncoder('age', 'sex', missing='impute')"


def test_clone_parameters_and_pickle(patients):
    encoder = FeatureEncoder(ALL, missing="refuse")
    copy = clone(encoder).set_params(missing="impute")
    assert (encoder.missing, copy.missing, copy.variables) == ("refuse", "impute", ALL)
    fitted = copy.fit(patients)
    again = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(again.transform(patients), fitted.transform(patients))


# Who may enter.

STUDY = load_study("rr-all")


@pytest.mark.parametrize(
    "name", ["response", "mrd_best_neg", "sct", "time_to_sct_months", "blina_received", "relapse"]
)
def test_what_happens_after_treatment_started_is_no_baseline_predictor(name):
    with pytest.raises(ModelError, match=f"'{name}' is (not known at|part of an outcome)"):
        make_features(STUDY, ["age", name])


@pytest.mark.parametrize("name", ["response", "mrd_resp_neg", "sct"])
def test_the_reason_is_immortal_time(name):
    with pytest.raises(ModelError, match=r"immortal time\)\. Use it as a time-dependent variable"):
        check_predictors(STUDY, [name], "os")


@pytest.mark.parametrize("name", ["os_months", "alive"])
def test_the_outcome_does_not_predict_itself(name):
    with pytest.raises(ModelError, match=f"'{name}' is part of an outcome"):
        check_predictors(STUDY, ["age", name], "os")


def test_unknown_and_repeated_predictors():
    with pytest.raises(StudyError, match="Did you mean 'age'"):
        make_features(STUDY, ["agee"])
    with pytest.raises(ModelError, match="'age' is named twice"):
        make_features(STUDY, ["age", "sex", "age"])


def test_every_baseline_variable_may_enter(made_up):
    cohort = made_up(n=60)
    names = [n for n in STUDY.baseline() if n in cohort.X]
    found = make_features(STUDY, names).fit_transform(cohort.X)
    assert found.notna().all(axis=None)
    assert found.columns.is_unique


def test_not_known_as_a_level_of_its_own_by_hand(patients):
    """A last column says whether the value is known; the others hold a constant where it is not.

    WBC: the median 10, so 0 after centring. Race with none missing has no column more. ECOG: its
    usual level 2; CNS: no, which is no level's column.
    """
    found = FeatureEncoder(ALL, missing="level").fit_transform(patients)
    assert list(found) == [
        "age",
        "log wbc",
        "wbc known",
        "sex=female",
        "race=a",
        "race=c",
        "ecog",
        "ecog known",
        "cns",
        "cns known",
        "tp53 tested",
        "tp53 positive",
    ]
    assert found["wbc known"].tolist() == [1, 1, 1, 0]
    np.testing.assert_allclose(found["log wbc"], np.array([-1, 0, 1, 0]) / (2 / 3) ** 0.5)
    assert found["ecog"].tolist() == [0, 2, 2, 2]
    assert found["ecog known"].tolist() == [1, 1, 1, 0]
    assert found["cns"].tolist() == [0, 0, 0, 1]
    assert found["cns known"].tolist() == [1, 0, 1, 1]


def test_a_nominal_level_not_known_is_in_no_column(patients):
    race = replace(RACE, missing="allowed")
    patients.loc[[5, 3], "race"] = [None, "a"]
    encoder = FeatureEncoder((race,), missing="level").fit(patients)
    found = encoder.transform(patients)
    assert found.loc[5].tolist() == [0, 0, 0]
    assert found["race known"].tolist() == [1, 0, 1, 1]
    assert encoder.imputed_ == {}  # its own column says so; nothing is made up
