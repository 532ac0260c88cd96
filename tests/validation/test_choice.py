"""The rule by which a model is recommended."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.errors import ModelError
from allsurv.validation import choose


def table(**ipa: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"model": model, "measure": measure, "horizon": 12.0 * (k + 1), "estimate": x}
            for model, values in ipa.items()
            for k, value in enumerate(values)
            for measure, x in (("ipa", value), ("brier", 0.2))
        ]
    )


def test_the_highest_mean_wins():
    choice = choose(table(cox=(0.1, 0.1), rsf=(0.05, 0.2), kaplan_meier=(0.9, 0.9)))
    assert choice.model == "rsf"
    assert choice.statement.startswith(
        "Chosen: rsf, mean IPA 0.125 over horizons 12 and 24, the highest of 2 models."
    )
    assert "on the same resamples" in choice.statement


def test_a_tie_goes_to_the_simplest():
    choice = choose(table(rsf=(0.103,), gbs=(0.104,), coxnet=(0.101,), cox=(0.09,)))
    assert choice.model == "coxnet"
    assert "the simplest of rsf, gbs and coxnet, which lie within 0.005 of the best" in (
        choice.statement
    )
    assert choose(table(rsf=(0.104,), coxnet=(0.101,)), margin=0.001).model == "rsf"


def test_a_model_of_another_name_is_of_the_family_that_is_said():
    both = table(mine=(0.1,), rsf=(0.1,))
    with pytest.raises(ModelError, match="'mine' is no family of models; allowed are cox,"):
        choose(both)
    assert choose(both, families={"mine": "cox"}).model == "mine"
    assert choose(both, families={"mine": "rsf"}).model == "mine"
    assert choose(table(rsf=(0.1,), mine=(0.1,)), families={"mine": "rsf"}).model == "rsf"


def test_a_challenger_is_named_and_not_chosen():
    path = "sksurv.svm.FastSurvivalSVM"
    choice = choose(table(**{"cox": (0.05,), path: (0.2,)}))
    assert choice.model == "cox"
    assert "not exported and not considered; the best of them, FastSurvivalSVM (sksurv)" in (
        choice.statement
    )
    assert "mean IPA 0.200" in choice.statement
    with pytest.raises(ModelError, match="no model has an IPA"):
        choose(table(**{path: (0.2,)}))


def test_a_model_without_every_horizon_is_named_and_not_chosen():
    choice = choose(table(cox=(0.1, 0.1), rsf=(0.9, np.nan)))
    assert choice.model == "cox"
    assert "not considered: rsf" in choice.statement


def test_a_useless_best_is_called_useless():
    assert "better than giving every patient the average" in choose(table(cox=(-0.1,))).statement


def test_nothing_to_choose_from():
    with pytest.raises(ModelError, match="no model has an IPA"):
        choose(table(cox=(np.nan,), kaplan_meier=(0.0,)))
