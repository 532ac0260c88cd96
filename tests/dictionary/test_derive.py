"""Derived variables, one operation at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from allsurv.dictionary.derive import derive, derived_order
from allsurv.study.spec import Derivation, Variable

KARYOTYPE = pd.Categorical(
    ["ho_tr", "diploid", None, "im_nd"], categories=["diploid", "ho_tr", "im_nd"]
)
FRAME = pd.DataFrame(
    {
        "karyotype": KARYOTYPE,
        "ecog": pd.Categorical([0, 2, 3, None], categories=[0, 1, 2, 3], ordered=True),
        "mutated": pd.array([True, False, None, True], dtype="boolean"),
        "low": pd.array([False, False, None, None], dtype="boolean"),
        "first": [3.0, np.nan, 9.0, np.nan],
        "second": [5.0, 4.0, 2.0, np.nan],
    }
)
NA = None


def values(op: str, sources: tuple[str, ...], kind: str = "binary", **rule) -> list:
    extra = {key: rule.pop(key) for key in ("levels_of", "only_if") if key in rule}
    variable = Variable(
        "new",
        "New",
        kind,
        "new",
        levels=extra.get("levels_of", ()),
        only_if=extra.get("only_if", {}),
        derivation=Derivation(op, sources, **rule),
    )
    return derive(FRAME, variable).astype(object).where(lambda s: s.notna(), None).tolist()


def test_is_in():
    assert values("is_in", ("karyotype",), values=("ho_tr",)) == [True, False, NA, False]
    assert values("is_in", ("mutated",), values=(True,), missing_as=False) == [
        *(True, False, False, True),
    ]


def test_at_least():
    assert values("at_least", ("ecog",), threshold=2) == [False, True, True, NA]
    assert values("at_least", ("first",), threshold=3) == [True, NA, True, NA]


def test_known():
    assert values("known", ("mutated",)) == [True, True, False, True]
    assert values("known", ("first", "second")) == [True, False, True, False]


def test_any_of_needs_one_yes_or_all_noes():
    assert values("any_of", ("mutated", "low")) == [True, False, NA, True]
    assert values("any_of", ("mutated", "low"), missing_as=False) == [True, False, False, True]
    assert values("any_of", ("low",)) == [False, False, NA, NA]


def test_recode_leaves_what_has_no_level_missing():
    levels = {"low": ("diploid",), "high": ("ho_tr",)}
    found = values(
        "recode", ("karyotype",), kind="ordinal", levels=levels, levels_of=("low", "high")
    )
    assert found == ["high", "low", NA, NA]


def test_cases_take_the_first_that_fits():
    cases = {"a": {"mutated": True}, "b": {"mutated": (True, False)}}
    found = values("cases", ("mutated",), kind="nominal", cases=cases, levels_of=("a", "b"))
    assert found == ["a", "b", NA, "a"]


def test_earliest():
    assert values("earliest", ("first", "second"), kind="duration") == [3, 4, 2, NA]


def test_a_derived_variable_is_missing_where_it_does_not_apply():
    found = values("known", ("first",), only_if={"mutated": True})
    assert found == [True, NA, True, False]


def test_order_of_derivation_and_what_cannot_be_derived():
    def derived(name: str, *sources: str) -> Variable:
        return Variable(name, name, "binary", name, derivation=Derivation("any_of", sources))

    dictionary = {v.name: v for v in (derived("c", "b"), derived("b", "a"), derived("d", "z"))}
    assert derived_order(dictionary, {"a"}) == ("b", "c")


def test_a_plain_variable_has_nothing_to_derive():
    with pytest.raises(ValueError, match="'age' has no derivation"):
        derive(FRAME, Variable("age", "Age", "integer", "age"))
