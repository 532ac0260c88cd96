"""Fixtures shared by all tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allsurv.cohort import Cohort, load_cohort
from allsurv.cohort.table import Source
from allsurv.describe import analysis_table, comparison_curves, comparison_summary, table_one
from allsurv.dictionary.checks import check_frame
from allsurv.reproduction.items import CORRECT, PROTOCOL, PUBLISHED, Item, Reproduction
from allsurv.study import load_study
from allsurv.study.spec import (
    Analysis,
    Endpoint,
    Finding,
    Prediction,
    Study,
    TimeScale,
    Variable,
)

ROOT = Path(__file__).resolve().parents[1]
STATISTICS = ROOT / "docs" / "statistics.md"
STATISTICS_HEAD = """# Statistics: what each number is checked against

Written by the tests (`make statistics`). Each row is a function of `allsurv`, the function of R
or of scikit-survival it is checked against, the largest relative difference that any test saw,
and how many tests compared. The R scripts that made the values are `tests/reference/*.R`; the JSON
beside each holds the values with the versions of R and its packages.

| function | checked against | largest relative difference | tests |
|---|---|---|---|
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-statistics", action="store_true", help="write docs/statistics.md")
    parser.addoption(
        "--no-needless-skips", action="store_true", help="fail where a test is skipped needlessly"
    )
    parser.addoption("--whole-zoo", action="store_true", help="every cohort of the zoo, whole")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--write-statistics", default=False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_StatisticsPage(), "statistics-page")
    if config.getoption("--no-needless-skips", default=False) and not hasattr(
        config, "workerinput"
    ):
        config.pluginmanager.register(_NoNeedlessSkips(), "no-needless-skips")


class _NoNeedlessSkips:
    """Fails a session in which a test was skipped for another reason than those below."""

    allowed = (
        "(../shared)",
        "the paper's numbers are not on this machine",
        "the paper's text is not on this machine",
        "folders have no owners' rights elsewhere",
        "needs process groups",
    )

    def __init__(self) -> None:
        self.needless: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._look(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._look(report)

    def _look(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if not any(words in str(reason) for words in self.allowed):
            self.needless.append(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.needless and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.needless:
            terminalreporter.write_line(f"NEEDLESSLY SKIPPED {line}", red=True)


class _StatisticsPage:
    """Gathers what :func:`record_difference` noted, from worker processes too; writes the page."""

    def __init__(self) -> None:
        self.notes: dict[tuple[str, str], tuple[float, int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or not report.passed:
            return
        for name, value in report.user_properties:
            if name == "difference":
                function, reference, difference = json.loads(value)
                largest, n = self.notes.get((function, reference), (0.0, 0))
                self.notes[function, reference] = (max(largest, difference), n + 1)

    def pytest_sessionfinish(self) -> None:
        rows = [
            f"| `{function}` | {reference} | {difference:.1e} | {n} |"
            for (function, reference), (difference, n) in sorted(self.notes.items())
        ]
        STATISTICS.write_text(STATISTICS_HEAD + "\n".join(rows) + "\n")


@pytest.fixture(scope="session")
def root() -> Path:
    """Top folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real cohorts and of the paper's text beside the project; skips where absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("reference cohorts (../shared) are not on this machine")
    return folder


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict]:
    """Read one file of values made by R, by its topic."""

    def read(topic: str) -> dict:
        return json.loads((ROOT / "tests" / "reference" / f"{topic}.json").read_text())

    return read


@pytest.fixture
def record_difference(record_property) -> Callable[[str, str, float], None]:
    """Note the largest relative difference to R that a test saw.

    ``make statistics`` writes docs/statistics.md from these notes.
    """

    def record(function: str, reference: str, difference: float) -> None:
        record_property("difference", json.dumps([function, reference, float(difference)]))

    return record


def _toy_study(findings: Mapping[str, Finding], unit: float) -> Study:
    variables = (
        Variable("age", "Age", "continuous", "age"),
        Variable("blasts", "Blasts", "continuous", "blasts", minimum=0, maximum=100),
        Variable("tp53", "TP53 mutation", "marker", "tp53", missing="allowed"),
        Variable("arm", "Arm", "nominal", "arm", levels=("before", "after"), reference="before"),
        Variable("time", "Follow-up", "duration", "time", known="outcome", required=True),
        Variable("dead", "Dead", "binary", "dead", known="outcome", required=True),
    )
    endpoint = Endpoint("os", "Overall survival", "time", ({"dead": True},), "treatment start")
    return Study(
        name="toy",
        title="Toy",
        citation={},
        time=TimeScale("months" if unit == 1 else "days", unit),
        variables={v.name: v for v in variables},
        endpoints={"os": endpoint},
        prediction=Prediction(
            "treatment start",
            "os",
            (12 * unit, 24 * unit),
            ("age", "blasts", "tp53", "arm"),
        ),
        analyses={"all": Analysis("all", "All", "os", ("age", "blasts", "arm"))},
        findings=findings,
    )


@pytest.fixture(scope="session")
def toy_cohort() -> Callable[..., Cohort]:
    """Draw a simulated cohort with known log hazard ratios, proportional hazards, censoring."""

    def draw(
        n: int = 110,
        seed: int = 0,
        *,
        effects: Mapping[str, float] | None = None,
        findings: Mapping[str, Finding] | None = None,
        unit: float = 1.0,
    ) -> Cohort:
        rng = np.random.default_rng(seed)
        effects = {"age": 0.5, "blasts": 0.02, "tp53": 0.8} if effects is None else effects
        age, blasts = rng.normal(size=n), np.round(rng.uniform(0, 100, n))
        mutated, tested = rng.random(n) < 0.3, rng.random(n) < 0.6
        after = rng.random(n) < 0.4
        known = {"age": age, "blasts": blasts, "tp53": mutated, "arm": after}
        score = sum(effects.get(name, 0.0) * values for name, values in known.items())
        death = rng.exponential(20 * np.exp(-(score - np.mean(score))))
        censored = rng.uniform(20, 80, n)
        frame = pd.DataFrame(
            {
                "age": age,
                "blasts": blasts,
                "tp53": pd.Series(np.where(tested, mutated, None), dtype="boolean"),
                "arm": pd.Categorical(np.where(after, "after", "before"), ["before", "after"]),
                "time": np.maximum(np.minimum(death, censored), 0.01) * unit,
                "dead": pd.Series(death <= censored, dtype="boolean"),
            }
        )
        return Cohort(
            _toy_study(findings or {}, unit), frame, Source("simulated", "toy", "", "Simulated.")
        )

    return draw


@pytest.fixture(scope="session")
def made_up() -> Callable[..., Cohort]:
    """Draw patients of the bundled study from its data dictionary alone; age and arm matter."""

    def draw(n: int = 110, seed: int = 0) -> Cohort:
        study = load_study("rr-all")
        rng = np.random.default_rng(seed)
        columns: dict[str, object] = {}
        for v in study.variables.values():
            if v.known != "baseline" or v.kind == "identifier" or v.derivation is not None:
                continue
            if v.is_number:
                low, high = v.minimum or 0, v.maximum or 100
                values = np.round(rng.uniform(low, high, n), 0 if v.kind == "integer" else 3)
            elif v.is_yes_no:
                values = rng.random(n) < 0.4
            else:
                values = rng.choice(np.array(v.levels, dtype=object), n)
            untested = (rng.random(n) < 0.3) & (v.missing == "allowed")
            columns[v.name] = np.where(untested, None, values)
        frame, _ = check_frame(pd.DataFrame(columns), study.variables)
        score = 0.02 * frame["age"].to_numpy() - 0.6 * (frame["arm"] == "after").to_numpy()
        death = rng.exponential(30 * np.exp(-(score - score.mean())))
        censored = rng.uniform(20, 100, n)
        frame["os_months"] = np.maximum(np.minimum(death, censored), 0.07)
        frame["alive"] = pd.array(death > censored, dtype="boolean")
        return Cohort(study, frame, Source("simulated", "made up", "0" * 64, "Made up for tests."))

    return draw


@pytest.fixture(scope="session")
def small_config(root):
    """The main job cut down to seconds: two models, few resamples."""
    from dataclasses import replace

    from allsurv.experiment import read_config
    from allsurv.experiment.config import FindingsPlan
    from allsurv.validation import Plan

    config = read_config(
        root / "experiments" / "001-paper" / "config.yaml", {"models": "coxnet,gbs"}
    )
    return replace(config, validation=Plan(1, 3), findings=FindingsPlan(3, simulated=0), jobs=1)


@pytest.fixture(scope="session")
def small_result(small_config):
    """Result of the cut-down job on the embedded cohort."""
    from allsurv.experiment import run_experiment

    return run_experiment(small_config)


@pytest.fixture(scope="session")
def small_folder(small_result, tmp_path_factory):
    """Folder to which the cut-down job was written, figures and card included."""
    from allsurv.cli.run import write_outputs

    folder = tmp_path_factory.mktemp("small")
    write_outputs(small_result, folder)
    return folder


@pytest.fixture(scope="session")
def reproduction() -> Reproduction:
    """Make a paper's items of every kind from few patients; one reading beside another."""
    cohort = load_cohort("rr-all")
    study = cohort.study
    items = [_characteristics(cohort)]
    for name, label in (
        ("os_sct_landmark", PUBLISHED),
        ("os_sct_by_landmark", CORRECT),
        ("os_overall", ""),
    ):
        asked = study.comparisons[name]
        summary = comparison_summary(cohort, asked)
        extra = {"summary": summary}
        items.append(
            Item(
                f"figure-{name.replace('_', '-')}",
                asked.label,
                label,
                "curves",
                comparison_curves(cohort, asked),
                notes=tuple(filter(None, [asked.note])),
                extra=extra,
            )
        )
    cox = analysis_table(cohort, study.analyses["multivariable"])
    text = pd.DataFrame({"": cox["label"], "HR": cox["hazard_ratio"].round(2).astype(str)})
    items.append(Item("cox", "Multivariable", PROTOCOL, "forest", cox, text))
    points = pd.DataFrame(
        {"term": "a", "label": "A & B", "time": [1.0, 2.0], "residual": [0.1, -1.0]}
    )
    items.append(Item("residuals", "Proportional hazards", "", "residuals", points))
    bars = pd.DataFrame(
        {"patient": [1, 2], "group": "a", "time": [3.0, 9.5], "event": [True, False]}
    )
    items.append(Item("swimmer", "Courses", "", "swimmer", bars, local_only=True))
    items.append(Item("ledger", "Printed against recomputed", "", "ledger", _ledger()))
    return Reproduction(
        study, cohort.source, "journal", tuple(items), cohort.source.statement, {"allsurv": "0.1.0"}
    )


def _characteristics(cohort: Cohort) -> Item:
    table = table_one(cohort, by="arm", variables=["age", "sex"])
    text = pd.DataFrame(
        [
            ("Age, years", "37 (17–87)", "0.35"),
            ("Sex", "", ""),
            ("  Male & <50%", "52 (47)", "<0.001"),
            ("  [Other] *", "58 (53)", ""),
        ],
        columns=["", "Overall", "P"],
    )
    return Item("table-1", "Table 1. Characteristics", "", "table", table, text, ("n (%).",))


def _ledger() -> pd.DataFrame:
    rows = [
        ("a1", "table1", "Patients", "110", "110", True, "", ""),
        ("a2", "table1", "Male (count)", "52", "53", False, "", "Printed 52, recomputed 53."),
        ("a3", "sos", "SOS", "10", "", None, "C05", "Not in the cohort."),
    ]
    names = ["id", "section", "statement", "printed", "recomputed", "match", "issue", "reason"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(match=table["match"].astype("boolean"), status="ok", kind="count")
