"""What a validation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import pandas as pd

from allsurv.validation.plans import AnyPlan

__all__ = ["Validation", "joined_causes"]


@dataclass(frozen=True, eq=False)
class Validation:
    """How well models predict patients they have not seen.

    Where several events compete, each table has a column ``cause`` more, and what it says is of the
    risk of that cause; there are no ``risk_groups`` and no ``group_curves`` then.

    Attributes
    ----------
    endpoint : str
        What is predicted.
    horizons : tuple of float
        By when, in the study's unit.
    plan : Plan, Bootstrap, InternalExternal or External
        The resamples.
    n, n_events : int
        Patients and events measured.
    performance : DataFrame
        One row per model, measure and horizon, the reference ``kaplan_meier`` included: ``model``,
        ``measure``, ``horizon`` (NaN where the measure has none), ``estimate``,
        ``lower``, ``upper``, ``level``, ``n_resamples``, ``n_failed``, ``reason``, ``estimator``.
        What the limits mean stands in :func:`allsurv.validation.summary.summarise`.
    differences : DataFrame
        Paired differences of all models and references, as from
        :func:`allsurv.validation.summary.compare_models`.
    over_time : DataFrame
        AUC and Brier score at each time of a grid.
    calibration : DataFrame
        Smooth curves: ``model``, ``horizon``, ``predicted``, ``observed``, ``lower``, ``upper``,
        ``reason``.
    net_benefit : DataFrame
        Per model, horizon and threshold of the study; treating all and none beside.
    risk_groups : DataFrame
        Patients grouped by the out-of-fold centile of their risk score, cut at the centiles the
        study states: ``model``, ``group``, ``horizon``, ``n``, ``n_events``, ``n_at_risk``,
        ``predicted`` (mean survival), ``survival`` (Kaplan-Meier), ``lower``, ``upper``.
    group_curves : DataFrame
        Their Kaplan-Meier curves, with exact times: it is not to be shown as it is.
    subgroups : DataFrame
        Measures by the variables that the study names.
    held_out : DataFrame
        Of a plan that leaves groups out in turn: each measure inside each group, with ``n``,
        ``n_events`` and limits; ``performance`` then has means over groups by random effects, with
        ``prediction_lower`` and ``prediction_upper`` for one further group, and ``tau``.
    optimism : DataFrame
        Of a bootstrap: apparent, corrected, out-of-bag and .632+ estimates.
    censoring : DataFrame
        Whether follow-up depends on each predictor: ``variable``, ``label``, ``test``,
        ``p_value``, ``p_adjusted``, ``is_used`` in the censoring weights, ``reason``.
    censoring_sentence : str
        The same in words, with what is assumed.
    resamples : DataFrame
        Every measure of every resample, behind ``performance``.
    out_of_fold : DataFrame
        One row per model, patient and horizon: ``model``, ``patient`` (position among the
        eligible), ``horizon``, ``risk`` and ``risk_centile``, averaged over repeats, and
        ``n_repeats``. About single patients: it stays in memory and is not to be logged.
    """

    endpoint: str
    horizons: tuple[float, ...]
    plan: AnyPlan
    n: int
    n_events: int
    performance: pd.DataFrame
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    over_time: pd.DataFrame = field(default_factory=pd.DataFrame)
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame)
    net_benefit: pd.DataFrame = field(default_factory=pd.DataFrame)
    risk_groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    group_curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    subgroups: pd.DataFrame = field(default_factory=pd.DataFrame)
    held_out: pd.DataFrame = field(default_factory=pd.DataFrame)
    optimism: pd.DataFrame = field(default_factory=pd.DataFrame)
    censoring: pd.DataFrame = field(default_factory=pd.DataFrame)
    censoring_sentence: str = ""
    resamples: pd.DataFrame = field(default_factory=pd.DataFrame)
    out_of_fold: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __repr__(self) -> str:
        """Say what was validated, without showing a patient."""
        models = ", ".join(self.performance["model"].unique())
        return (
            f"Validation({models}; endpoint='{self.endpoint}', n={self.n}, "
            f"n_events={self.n_events}, {self.plan})"
        )


def joined_causes(by_cause: Mapping[str, Validation]) -> Validation:
    """Put the validations of the risk of each cause together, the cause in a column of its own."""
    first = next(iter(by_cause.values()))
    tables = {}
    for part in fields(Validation):
        if isinstance(getattr(first, part.name), pd.DataFrame) and part.name != "censoring":
            found = [
                getattr(one, part.name).assign(cause=name)
                for name, one in by_cause.items()
                if len(getattr(one, part.name))
            ]
            if found:
                table = pd.concat(found, ignore_index=True)
                tables[part.name] = table[["cause", *table.columns.drop("cause")]]
    return replace(first, n_events=sum(one.n_events for one in by_cause.values()), **tables)
