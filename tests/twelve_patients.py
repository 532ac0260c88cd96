"""Twelve patients whose tables can be worked out by hand, and the study they belong to."""

from __future__ import annotations

import pandas as pd
import pytest

from allsurv.cohort import Cohort, read_cohort
from allsurv.study.spec import (
    Analysis,
    Comparison,
    Endpoint,
    Event,
    Prediction,
    Study,
    TimeScale,
    Variable,
)


def variables() -> dict[str, Variable]:
    late = {"known": "post-baseline", "missing": "allowed"}
    lines = [
        Variable("arm", "Regimen", "nominal", "arm", levels=("old", "new"), reference="old"),
        Variable("age", "Age", "integer", "age", unit="years", minimum=0, maximum=120),
        Variable("wbc", "White cells", "continuous", "wbc", unit="10⁹/L", missing="allowed"),
        Variable("cns", "CNS disease", "binary", "cns"),
        Variable("tp53", "TP53 mutation", "marker", "tp53", missing="allowed"),
        Variable("salvage", "Salvage", "ordinal", "salvage", levels=(1, 2, 3), reference=1),
        Variable("responder", "Response", "binary", "responder", known="post-baseline"),
        Variable("response_months", "To response", "duration", "response_months", "months", **late),
        Variable("sct", "Transplant", "binary", "sct", known="post-baseline"),
        Variable("sct_months", "Time to transplant", "duration", "sct_months", "months", **late),
        Variable("dead", "Dead", "binary", "dead", known="outcome"),
        Variable("months", "Follow-up", "duration", "months", "months", known="outcome"),
        Variable("rfs_months", "Relapse-free", "duration", "rfs_months", "months", **late),
    ]
    return {variable.name: variable for variable in lines}


@pytest.fixture(scope="session")
def study() -> Study:
    ever = Comparison("ever", "By transplant, ever", "os", by="sct", note="As printed.")
    at_three = Comparison("at_three", "By transplant", "os", by_event="sct", landmark=3.0)
    crude = Analysis("crude", "Transplant as if at baseline", "os", ("age", "sct"))
    switch = Analysis("switch", "Transplant as it happens", "os", ("age",), ("sct",))
    return Study(
        name="twelve",
        title="Twelve patients",
        citation={},
        time=TimeScale("months", 1.0),
        variables=variables(),
        endpoints={
            "os": Endpoint("os", "Overall survival", "months", ({"dead": True},), "treatment"),
            "rfs": Endpoint(
                "rfs",
                "Relapse-free survival",
                "rfs_months",
                ({"dead": True},),
                "response",
                origin_time="response_months",
                population={"responder": True},
            ),
        },
        prediction=Prediction("treatment", "os", (6.0, 12.0), ("age", "cns")),
        group="arm",
        events={"sct": Event("sct", "Transplant", "sct_months", {"sct": True})},
        comparisons={"ever": ever, "at_three": at_three},
        analyses={"crude": crude, "switch": switch},
    )


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "arm": ["old"] * 6 + ["new"] * 6,
            "age": [30, 40, 50, 60, 70, 80, 25, 35, 45, 55, 65, 75],
            "wbc": [1.5, 2.5, None, 10.25, 8, 9, 1, 2, 3, 4, 5, 6],
            "cns": [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
            "tp53": [1, 0, None, None, 1, 0, None, None, None, 0, 1, 0],
            "salvage": [1, 1, 2, 2, 3, 1, 1, 1, 1, 1, 2, 1],
            "sct": [0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0],
            "sct_months": [None, None, 2, None, None, 5, None, 3, 1, None, None, None],
            "dead": [1, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1],
            "months": [1.0, 2, 4, 4, 6, 8, 2, 5, 14, 7, 9, 10],
        }
    )
    table["responder"] = (table["months"] > 2).astype(int)
    table["response_months"] = (table["responder"] == 1).map({True: 1.0, False: None})
    table["rfs_months"] = (table["months"] - 1).where(table["responder"] == 1)
    return table


@pytest.fixture
def cohort(frame: pd.DataFrame, study: Study) -> Cohort:
    return read_cohort(frame, study)
