"""From a plan to predictions, and from predictions to all tables of a validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.cohort.groups import Groups
from allsurv.stats.measures.patient_censoring import PatientCensoring
from allsurv.study.spec import Prediction as StudyPrediction
from allsurv.validation.catalogue import Measure, measures_for
from allsurv.validation.censoring import FollowedBy, choose_censoring
from allsurv.validation.decisions import (
    calibration_limits,
    everybody,
    net_benefit_table,
    nobody_table,
)
from allsurv.validation.finished import FinishedRefits
from allsurv.validation.measures import PooledRisk, measure_resamples, pool_risks
from allsurv.validation.optimism import OPTIMISM_COLUMNS, optimism_table
from allsurv.validation.outcomes import cases, competes, of_cause, outcome_of
from allsurv.validation.over_time import measure_over_time, time_grid
from allsurv.validation.patients import (
    average_patients,
    calibration_curves,
    group_curves,
    group_survival,
)
from allsurv.validation.plans import (
    AnyPlan,
    Bootstrap,
    External,
    InternalExternal,
    Plan,
    Split,
    draw_bootstraps,
    draw_folds,
    draw_groups,
)
from allsurv.validation.prediction import Prediction, predict_fitted
from allsurv.validation.redrawn import Redrawn, redraw
from allsurv.validation.resampling import map_tasks, refit_all, seeded_clone
from allsurv.validation.subgroups import measure_subgroups, subgroups_of
from allsurv.validation.summary import COLUMNS, compare_models, summarise, with_limits
from allsurv.validation.validated import Validation, joined_causes

__all__ = ["Assessment"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
SAMPLES_AT_ONCE = 10
BOOTSTRAP = "on the patients fitted on, less the mean optimism of refits on bootstrap samples"


@dataclass(frozen=True, eq=False)
class Assessment:
    """One validation on its way: what was asked, and the steps from predictions to tables.

    Attributes
    ----------
    models : mapping from str to SurvivalModel
        Whole pipelines, references included.
    cohort : Cohort
        Patients of the endpoint's population.
    endpoint : str
        Name of the endpoint.
    horizons : ndarray of shape (n_horizons,)
        Rising.
    plan : Plan, Bootstrap, InternalExternal or External
        How patients are split.
    random_state : int or None
        Seed.
    n_jobs : int or None
        Processes.
    n_bootstrap : int
        Samples of patients behind some limits.
    progress : callable, optional
        Called as ``progress(done, total)``.
    finished : FinishedRefits, optional
        Where refits are kept.
    censoring : "auto", "marginal" or sequence of str, default="auto"
        What the censoring weights may depend on.
    """

    models: Mapping[str, Any]
    cohort: Cohort
    endpoint: str
    horizons: Floats
    plan: AnyPlan
    random_state: int | None
    n_jobs: int | None
    n_bootstrap: int
    progress: Progress | None
    finished: FinishedRefits | None
    censoring: FollowedBy = "auto"

    def left_out(self, plan: Plan | InternalExternal) -> Validation:
        """Predict patients by models fitted without them."""
        event = outcome_of(self.cohort, self.endpoint)["event"]
        if isinstance(plan, InternalExternal):
            groups = subgroups_of(self.cohort, plan.by)
            names = [groups.names[code] if code >= 0 else "" for code in groups.code]
            splits = draw_groups(names, event, self.random_state)
        else:
            splits = draw_folds(event, plan, self.random_state)
        return self._report(self._refit(splits, self._times), self.cohort)

    def external(self, plan: External) -> Validation:
        """Predict other patients by models that are fitted, or are fitted once."""
        others = plan.cohort.eligible(self.endpoint)
        X, y = self.cohort.X, outcome_of(self.cohort, self.endpoint)
        split = Split(0, 0, np.arange(len(X)), np.arange(others.n), self.random_state or 0)
        predictions = []
        for done, (name, model) in enumerate(self.models.items(), start=1):
            fitted = model
            if not hasattr(model, "mechanism_"):
                fitted = seeded_clone(model, split.seed).fit(X, y)
            predictions.append(
                predict_fitted(name, fitted, X, others.X, split, self.horizons, self._times)
            )
            if self.progress is not None:
                self.progress(done, len(self.models))
        return self._report(predictions, others)

    def bootstrap(self, plan: Bootstrap) -> Validation:
        """Subtract from what models show on their own patients what refits lose outside theirs."""
        n = len(self.cohort.X)
        everybody = np.arange(n)
        own = Split(-1, 0, everybody, everybody, self.random_state or 0)
        splits = draw_bootstraps(n, plan.replicates, self.random_state)
        return self._report(self._refit([own, *splits], np.empty(0)), self.cohort)

    def _report(self, predictions: list[Prediction], cohort: Cohort) -> Validation:
        """Measure predictions of the event, or of each cause in turn."""
        y = outcome_of(cohort, self.endpoint)
        measure = self._correct if isinstance(self.plan, Bootstrap) else self._measure
        causes = tuple(self.cohort.study.endpoint(self.endpoint).causes)
        if not causes:
            return measure(predictions, cohort, y)
        by_cause = {
            name: measure([p.of_cause(k) for p in predictions], cohort, of_cause(y, k + 1))
            for k, name in enumerate(causes)
        }
        return joined_causes(by_cause)

    def _correct(
        self, predictions: list[Prediction], cohort: Cohort, y: NDArray[np.void]
    ) -> Validation:
        apparent = {p.model: p for p in predictions if p.split.repeat < 0}
        refits = [p for p in predictions if p.split.repeat >= 0]
        followed = choose_censoring(cohort, self.endpoint, self.horizons, self.censoring)
        table = optimism_table(apparent, refits, y, self.horizons, given=followed.weights)
        return Validation(
            endpoint=self.endpoint,
            horizons=tuple(map(float, self.horizons)),
            plan=self.plan,
            n=len(y),
            n_events=int(cases(y).sum()),
            performance=table.assign(estimator=BOOTSTRAP)[COLUMNS],
            optimism=table[OPTIMISM_COLUMNS],
            censoring=followed.tests,
            censoring_sentence=followed.sentence,
        )

    @property
    def _times(self) -> Floats:
        return time_grid(float(self.horizons[-1]), self.cohort.study.time.grid)

    def _refit(self, splits: list[Split], times: Floats) -> list[Prediction]:
        return refit_all(
            self.models,
            self.cohort.X,
            outcome_of(self.cohort, self.endpoint),
            splits,
            self.horizons,
            times=times,
            n_jobs=self.n_jobs,
            progress=self.progress,
            finished=self.finished,
        )

    def _measure(
        self, predictions: list[Prediction], cohort: Cohort, y: NDArray[np.void]
    ) -> Validation:
        study = self.cohort.study.prediction
        followed = choose_censoring(cohort, self.endpoint, self.horizons, self.censoring)
        about = _Measured(
            given=followed.weights,
            measures=measures_for(y),
            y=y,
            horizons=self.horizons,
            times=self._times,
            study=study,
            limit_factor=self.plan.limit_factor if isinstance(self.plan, Plan) else 1.0,
            groups={by: subgroups_of(cohort, by) for by in study.subgroups if by in cohort.frame},
        )
        by_model = [[p for p in predictions if p.model == name] for name in self.models]
        risks = [pool_risks(mine, self.horizons.size) for mine in by_model]
        risks.append([everybody(len(y), self.horizons.size)])
        drawn = self._redraw(risks, about)
        done = map_tasks((joblib.delayed(about.of)(mine) for mine in by_model), self.n_jobs)
        found = [
            about.with_drawn(tables, pooled, again)
            for tables, pooled, again in zip(done, risks[:-1], drawn[:-1], strict=True)
        ]
        tables = {
            name: pd.concat([each[name] for each in found], ignore_index=True) for name in found[0]
        }
        strategies = [
            net_benefit_table(
                risks[-1], y, self.horizons, study.thresholds, drawn[-1], given=about.given
            ),
            nobody_table(self.horizons, study.thresholds),
        ]
        tables["net_benefit"] = pd.concat([tables["net_benefit"], *strategies], ignore_index=True)
        tables["differences"] = compare_models(
            tables["resamples"], len(y), limit_factor=about.limit_factor
        )
        tables["resamples"] = tables["resamples"].drop(columns=["patients", "influence"])
        return Validation(
            endpoint=self.endpoint,
            horizons=tuple(map(float, self.horizons)),
            plan=self.plan,
            n=len(y),
            n_events=int(cases(y).sum()),
            censoring=followed.tests,
            censoring_sentence=followed.sentence,
            **tables,
        )

    def _redraw(self, risks: list[list[PooledRisk]], about: _Measured) -> list[Redrawn]:
        """Draw patients, a part of the samples at a time, for each list of risks."""
        splits = draw_bootstraps(len(about.y), self.n_bootstrap, self.random_state)
        samples = [np.sort(split.train) for split in splits]
        parts = range(0, max(len(samples), 1), SAMPLES_AT_ONCE)
        thresholds = np.asarray(about.study.thresholds, dtype=float)
        done = map_tasks(
            (
                joblib.delayed(redraw)(
                    pooled,
                    about.y,
                    self.horizons,
                    thresholds,
                    samples[first : first + SAMPLES_AT_ONCE],
                    first,
                    about.measures,
                    about.given,
                )
                for pooled in risks
                for first in parts
            ),
            self.n_jobs,
        )
        return [Redrawn.joined([next(done) for _ in parts]) for _ in risks]


@dataclass(frozen=True, eq=False)
class _Measured:
    """Patients and times at which any model is measured, and how; work for another process."""

    measures: tuple[Measure, ...]
    y: NDArray[np.void]
    horizons: Floats
    times: Floats
    study: StudyPrediction
    limit_factor: float
    groups: Mapping[str, Groups]
    given: PatientCensoring | None

    def of(self, predictions: list[Prediction]) -> dict[str, pd.DataFrame]:
        """All tables about one model that need no patients drawn."""
        y, horizons, asked = self.y, self.horizons, self.measures
        how: dict[str, Any] = {"limit_factor": self.limit_factor, "measures": asked}
        weighted = how | {"given": self.given}
        pooled = pool_risks(predictions, horizons.size)
        resamples = measure_resamples(
            predictions, pooled, y, horizons, times=self.times, measures=asked, given=self.given
        )
        out_of_fold = average_patients(predictions, len(y), horizons)
        return {
            "performance": summarise(resamples, **how),
            "over_time": measure_over_time(predictions, pooled, y, self.times, **weighted),
            "calibration": calibration_curves(out_of_fold, pooled, y, self.given),
            **self._groups(out_of_fold),
            "subgroups": measure_subgroups(predictions, self.groups, y, horizons, **weighted),
            "resamples": resamples,
            "out_of_fold": out_of_fold,
        }

    def _groups(self, out_of_fold: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Observed survival of risk groups; none where it would not be survival."""
        if competes(self.y):
            return {"risk_groups": pd.DataFrame(), "group_curves": pd.DataFrame()}
        return {
            "risk_groups": group_survival(out_of_fold, self.y, self.study),
            "group_curves": group_curves(out_of_fold, self.y, self.study),
        }

    def with_drawn(
        self, tables: dict[str, pd.DataFrame], pooled: list[PooledRisk], drawn: Redrawn
    ) -> dict[str, pd.DataFrame]:
        """Add what needs patients drawn: net benefit, and limits of calibration errors."""
        errors = calibration_limits(pooled[0].model, self.horizons, drawn)
        performance = with_limits(tables["performance"], errors, limit_factor=self.limit_factor)
        benefit = net_benefit_table(
            pooled, self.y, self.horizons, self.study.thresholds, drawn, given=self.given
        )
        return tables | {"performance": performance, "net_benefit": benefit}
