"""A paper's whole analysis of a cohort: every table and figure, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from platform import python_version
from typing import Literal

from allsurv.cohort import Cohort, load_cohort
from allsurv.errors import ConfigError, StudyError
from allsurv.reproduction.cox_items import (
    analysis_items,
    landmark_items,
    screening_items,
)
from allsurv.reproduction.cox_reported import bias_items, reported_items
from allsurv.reproduction.cox_residuals import residual_items
from allsurv.reproduction.items import Item, Reproduction, safe
from allsurv.reproduction.paper_curves import curve_items, figures
from allsurv.reproduction.paper_ledger import ledger_items
from allsurv.reproduction.paper_patients import swimmer_items
from allsurv.reproduction.paper_tables import table_items
from allsurv.study.spec import Study

__all__ = ["reproduce"]

Policy = Literal["journal", "strict"]
Progress = Callable[[str, int, int], None]
THRESHOLD = 11
SOFTWARE = ("allsurv", "numpy", "pandas", "scipy")


def reproduce(
    cohort: Cohort,
    *,
    comparison: Cohort | None = None,
    ledger: bool = True,
    show_bias: bool = False,
    policy: Policy = "journal",
    progress: Progress | None = None,
) -> Reproduction:
    """Carry out a paper's whole analysis on a cohort of its study.

    Parameters
    ----------
    cohort : Cohort
        The patients: those that come with the study, or anybody's. What their columns or the study
        file lack is left out.
    comparison : Cohort, optional
        The other cohort that the paper compares with; the one that comes with allsurv where not
        given.
    ledger : bool, default=True
        Recompute every published number, where the study has a ledger.
    show_bias : bool, default=False
        Show what immortal time does to everything known only after baseline.
    policy : {"journal", "strict"}, default="journal"
        ``journal`` shows every count, to the study team; ``strict`` none under 11.
    progress : callable, optional
        Called with stage, done, total.

    Returns
    -------
    Reproduction
        Tables, figures and Cox models, each with numbers and printed strings.

    Raises
    ------
    ConfigError
        If there is no such policy.
    ModelError
        If a Cox model that the study defines cannot be fitted.
    OutcomeError
        If times or events are missing or impossible.
    """
    if policy not in ("journal", "strict"):
        raise ConfigError(f"reproduce: policy {policy!r}; allowed are 'journal' and 'strict'.")
    other = _other(cohort.study) if comparison is None else comparison
    stages = list(_stages(cohort, other, ledger, show_bias))
    items: list[Item] = []
    for done, stage in enumerate(stages, start=1):
        items += stage()
        if progress is not None:
            progress("analyse", done, len(stages))
    versions = {"python": python_version()} | {name: version(name) for name in SOFTWARE}
    source = cohort.source
    found = Reproduction(cohort.study, source, policy, tuple(items), source.statement, versions)
    return safe(found) if policy == "strict" else found


def _stages(
    cohort: Cohort, other: Cohort | None, ledger: bool, show_bias: bool
) -> Iterator[Callable[[], Iterator[Item]]]:
    yield partial(table_items, cohort, THRESHOLD)
    for figure in figures(cohort.study):
        yield partial(curve_items, cohort, figure, other, THRESHOLD)
    for cox in (screening_items, analysis_items, landmark_items, reported_items):
        yield partial(cox, cohort, THRESHOLD)
    if show_bias:
        yield partial(bias_items, cohort, THRESHOLD)
    yield partial(residual_items, cohort)
    yield partial(swimmer_items, cohort)
    if ledger:
        yield partial(ledger_items, cohort, other)


def _other(study: Study) -> Cohort | None:
    """Load the cohort that the study's figures are against, if it comes with allsurv."""
    names = [c.against for c in study.comparisons.values() if c.against]
    try:
        return load_cohort(names[0]) if names else None
    except StudyError:
        return None
