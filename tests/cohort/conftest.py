"""A small study, made by hand, that has one variable of every kind."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from allsurv.study.spec import (
    Derivation,
    Endpoint,
    Event,
    Prediction,
    Rule,
    Study,
    TimeScale,
    Variable,
)

RESPONDED = {"response": ("CR", "CRi")}


def small_variables() -> dict[str, Variable]:
    lines = [
        Variable("patient", "Patient", "identifier", "id", required=True),
        Variable("age", "Age", "integer", "age", minimum=17, maximum=100, required=True),
        Variable(
            "wbc",
            "White cells",
            "continuous",
            "wbc",
            minimum=0,
            maximum=1000,
            transform="log",
            missing="allowed",
        ),
        Variable("sex", "Sex", "nominal", "sex", levels=("male", "female"), reference="male"),
        Variable("salvage", "Salvage", "ordinal", "salvage", levels=(1, 2, 3), reference=1),
        Variable("ecog", "ECOG", "integer", "ecog", minimum=0, maximum=4, missing="allowed"),
        Variable("tp53", "TP53 mutation", "marker", "tp53"),
        Variable(
            "poor",
            "ECOG 2 or more",
            "binary",
            "poor",
            missing="allowed",
            derivation=Derivation("at_least", ("ecog",), threshold=2),
        ),
        Variable(
            "tested", "TP53 tested", "binary", "tested", derivation=Derivation("known", ("tp53",))
        ),
        Variable(
            "line",
            "Line",
            "nominal",
            "line",
            levels=("first", "later"),
            derivation=Derivation("recode", ("salvage",), levels={"first": (1,), "later": (2, 3)}),
        ),
        Variable(
            "any_risk",
            "Any risk",
            "binary",
            "any_risk",
            missing="allowed",
            derivation=Derivation("any_of", ("poor", "tp53")),
        ),
        Variable(
            "response",
            "Response",
            "nominal",
            "response",
            levels=("CR", "CRi", "NR"),
            known="post-baseline",
            required=True,
        ),
        Variable(
            "days_to_response",
            "Time to response",
            "duration",
            "days_to_response",
            unit="days",
            known="post-baseline",
            only_if=RESPONDED,
        ),
        Variable("sct", "Transplant", "binary", "sct", known="post-baseline"),
        Variable(
            "sct_months",
            "Time to transplant",
            "duration",
            "sct_months",
            unit="months",
            known="post-baseline",
            only_if={"sct": True},
        ),
        Variable("alive", "Alive", "binary", "alive", known="outcome", required=True),
        Variable(
            "os_months",
            "Survival",
            "duration",
            "os_months",
            unit="months",
            maximum=600,
            known="outcome",
            required=True,
        ),
        Variable(
            "rfs_months",
            "Relapse-free survival",
            "duration",
            "rfs_months",
            unit="months",
            known="outcome",
            only_if=RESPONDED,
        ),
        Variable("relapse", "Relapse", "binary", "relapse", known="outcome", only_if=RESPONDED),
    ]
    return {v.name: v for v in lines}


def small_study() -> Study:
    return Study(
        name="small",
        title="A small study",
        citation={},
        time=TimeScale("months", 1.0),
        variables=small_variables(),
        endpoints={
            "os": Endpoint("os", "Survival", "os_months", ({"alive": False},), "treatment"),
            "rfs": Endpoint(
                "rfs",
                "Relapse-free survival",
                "rfs_months",
                ({"relapse": True}, {"alive": False}),
                "response",
                origin_time="days_to_response",
                population=RESPONDED,
            ),
        },
        prediction=Prediction("start", "os", (12.0,), ("age", "wbc", "sex")),
        events={"sct": Event("sct", "Transplant", "sct_months", {"sct": True})},
        rules=(
            Rule("sct_months", "os_months", "lie after death or last contact"),
            Rule(
                "days_to_response",
                "os_months",
                "make response and relapse later than death or last contact",
                plus="rfs_months",
                tolerance=0.05,
            ),
        ),
    )


def small_frame() -> pd.DataFrame:
    """Four patients: transplanted, dead without response, censored, relapsed."""
    return pd.DataFrame(
        {
            "id": ["P1", "P2", "P3", "P4"],
            "age": [34, 60, 42, 18],
            "wbc": [3.4, None, 129.9, 0.1],
            "sex": ["male", "female", "female", "male"],
            "salvage": [1, 3, 2, 1],
            "ecog": [0, 2, None, 1],
            "tp53": ["yes", None, "no", None],
            "response": ["CR", "NR", "CRi", "CR"],
            "days_to_response": [30.4375, None, 21, 60],
            "sct": ["yes", "no", "no", "no"],
            "sct_months": [4.0, None, None, None],
            "alive": ["yes", "no", "yes", "no"],
            "os_months": [48.0, 2.5, 30.0, 17.0],
            "rfs_months": [47.0, None, 29.3, 10.0],
            "relapse": ["no", None, "no", "yes"],
        }
    )


@pytest.fixture(scope="session")
def study() -> Study:
    return small_study()


@pytest.fixture(scope="session")
def make_frame() -> Callable[[], pd.DataFrame]:
    return small_frame


@pytest.fixture
def frame() -> pd.DataFrame:
    return small_frame()
