"""Speed of scoring and of explaining, the latter as a ratio to SurvSHAP(t) in the same run.

``python tests/benchmarks/bench_scoring.py`` takes about four minutes; ``--only score --families
cgbs`` one family. SurvSHAP(t) is taken from
``--survshap FOLDER``, made by ``pip install --target FOLDER --no-deps survshap plotly narwhals
statsmodels patsy``; without it shap's KernelExplainer on S(t) stands in.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow

from allsurv.cohort import Cohort, load_cohort
from allsurv.explain import shap_values
from allsurv.models import FAMILIES, make_model
from allsurv.models.base import SurvivalModel
from allsurv.models.export import export_model
from allsurv.scoring import RiskScorer
from allsurv.stats.outcome import make_y
from allsurv.validation.bands import measure_instability

PARAMETERS = {"rsf": {"n_estimators": 500}}

BETWEEN = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
took, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""A small process between: on Linux a child starts with the most its parent ever took."""

TIMES = np.arange(3.0, 63.0, 3.0)


def seconds(call: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Fastest of several calls: elapsed, and time of the processor."""
    elapsed, used = [], []
    for _ in range(repeats):
        start, cpu = time.perf_counter(), time.process_time()
        call()
        elapsed.append(time.perf_counter() - start)
        used.append(time.process_time() - cpu)
    return min(elapsed), min(used)


def fitted(cohort: Cohort, family: str) -> SurvivalModel:
    """The family on the embedded cohort."""
    model = make_model(family, cohort.study, random_state=0, **PARAMETERS.get(family, {}))
    return model.fit(cohort.X, cohort.y("os"))


def many_patients(cohort: Cohort, variables: list[str], n: int, path: Path) -> None:
    """Write n patients, drawn from the cohort, numbers of their own."""
    rng = np.random.default_rng(0)
    frame = cohort.X[variables].iloc[rng.integers(cohort.n, size=n)].reset_index(drop=True)
    frame = frame.assign(
        age=rng.integers(20, 85, n),
        wbc=np.round(np.exp(rng.normal(1.5, 1.2, n)).clip(0.05, 400), 2),
        pb_blasts=np.round(rng.uniform(0, 100, n), 1),
        bm_blasts=np.round(rng.uniform(0, 100, n), 1),
    )
    for name in frame.columns[frame.dtypes == "boolean"]:
        frame[name] = frame[name].map({True: "yes", False: "no"})
    texts = frame.astype(dict.fromkeys(frame.select_dtypes("category"), "str"))
    arrow.write_csv(pa.Table.from_pandas(texts, preserve_index=False), path)


def export(cohort: Cohort, family: str, folder: Path) -> None:
    """Write the family's risk model, with intervals from as few refits as give one."""
    model = fitted(cohort, family)
    band = measure_instability(model, cohort, n_bootstrap=12)
    export_model(model, cohort, endpoint="os", instability=band).write(folder)


def score_files(cohort: Cohort, families: list[str], n: int) -> None:
    """One patient through the scorer, n through the command, per family."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(cohort, "cox", folder / "cox")
        variables = list(RiskScorer.load(folder / "cox").risk_model.variables)
        many_patients(cohort, variables, n, folder / "new.csv")
        for family in families:
            export(cohort, family, folder / family)
            scorer = RiskScorer.load(folder / family)
            one = pd.read_csv(folder / "new.csv", nrows=1)
            scorer.score(one)
            each, cpu = seconds(lambda s=scorer, o=one: [s.score(o) for _ in range(100)])
            print(f"{family:9} one patient: {10 * each:5.2f} ms ({10 * cpu:.2f} of processor)")
            command = [sys.executable, "-m", "allsurv", "score", str(folder / "new.csv")]
            command += ["--model", str(folder / family), "--out", str(folder / "out.csv")]
            said = subprocess.run(
                [sys.executable, "-c", BETWEEN, *command], check=True, capture_output=True
            )
            took, used, memory = json.loads(said.stdout)
            print(
                f"{family:9} {n:,} patients, CSV to CSV: {took:5.1f} s ({used:.1f} of processor), "
                f"at most {memory:.0f} MB",
                flush=True,
            )


def survshap_patient(
    model: SurvivalModel, cohort: Cohort, folder: Path | None
) -> tuple[str, float]:
    """Seconds of processor SurvSHAP(t) takes for one patient, with as many coalitions as shap."""
    design = model.encoder_.transform(cohort.X)
    if folder is None:
        import shap

        times = model.times_[np.searchsorted(model.times_, TIMES)]
        explainer = shap.KernelExplainer(
            lambda rows: model.mechanism_.survival(rows, np.searchsorted(model.times_, times)),
            design.to_numpy(),
        )
        return "KernelExplainer", seconds(
            lambda: explainer.shap_values(design.to_numpy()[:1], silent=True), 1
        )[1]
    sys.path.append(str(folder))
    from sksurv.ensemble import RandomSurvivalForest
    from survshap import PredictSurvSHAP, SurvivalModelExplainer

    y = make_y(np.ceil(cohort.y("os")["time"]), cohort.y("os")["event"])
    forest = RandomSurvivalForest(model.n_estimators, min_samples_leaf=11, random_state=0)
    explainer = SurvivalModelExplainer(forest.fit(design, y), design, y)
    return "survshap", seconds(
        lambda: PredictSurvSHAP(random_state=0, max_shap_value_inputs=2048).fit(
            explainer, design.iloc[[0]], timestamps=TIMES
        ),
        1,
    )[1]


def explain(cohort: Cohort, folder: Path | None) -> None:
    """All patients at twenty times, and what one patient costs elsewhere."""
    for n_estimators in (200, 500):
        model = make_model("rsf", cohort.study, random_state=0, n_estimators=n_estimators)
        model.fit(cohort.X, cohort.y("os"))
        shap_values(model, cohort, TIMES)
        each, cpu = seconds(lambda m=model: shap_values(m, cohort, TIMES), 7)
        print(
            f"forest of {n_estimators}: {cohort.n} patients x {TIMES.size} times explained in "
            f"{each:.3f} s ({cpu:.3f} of processor)"
        )
        name, theirs = survshap_patient(model, cohort, folder)
        print(
            f"  {name}: {theirs:.1f} s of processor per patient, "
            f"{theirs / (cpu / cohort.n):,.0f} times as long"
        )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1_000_000)
    parser.add_argument("--survshap", type=Path)
    parser.add_argument("--only", choices=["score", "explain"])
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    cohort = load_cohort("rr-all")
    if asked.only != "explain":
        score_files(cohort, asked.families, asked.n)
    if asked.only != "score":
        explain(cohort, asked.survshap)


if __name__ == "__main__":
    main()
