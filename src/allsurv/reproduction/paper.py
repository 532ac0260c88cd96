"""A paper's whole analysis of a cohort: every table and figure, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import chain
from platform import python_version
from typing import Literal, NamedTuple

import pandas as pd

from allsurv.cohort import Cohort, load_cohort
from allsurv.errors import ConfigError, ModelError, OutcomeError, StudyError
from allsurv.policy.rules import CMS
from allsurv.reproduction.cox_items import (
    analysis_items,
    landmark_items,
    screening_items,
)
from allsurv.reproduction.cox_reported import bias_items, reported_items
from allsurv.reproduction.cox_residuals import residual_items
from allsurv.reproduction.items import Item, Reproduction, safe
from allsurv.reproduction.keys import paper_title
from allsurv.reproduction.paper_curves import curve_items, figures
from allsurv.reproduction.paper_ledger import ledger_items
from allsurv.reproduction.paper_patients import swimmer_items
from allsurv.reproduction.paper_tables import table_items
from allsurv.study.spec import Study

__all__ = ["reproduce"]

Policy = Literal["journal", "cms"]
Progress = Callable[[str, int, int], None]
SOFTWARE = ("allsurv", "numpy", "pandas", "scipy")


class Stage(NamedTuple):
    """A part of the report; what waits is worked out last, while the figures are drawn."""

    title: str
    make: Callable[[], Iterator[Item]]
    waits: bool = False


def reproduce(
    cohort: Cohort,
    *,
    comparison: Cohort | None = None,
    ledger: bool = True,
    show_bias: bool = False,
    policy: Policy = "journal",
    progress: Progress | None = None,
    each: Callable[[Item], None] | None = None,
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
    policy : {"journal", "cms"}, default="journal"
        ``journal`` shows everything, to the study team; ``cms`` no count under 11.
    progress : callable, optional
        Called with stage, done, total.
    each : callable, optional
        Called with every item as soon as it is made, whatever the policy.

    Returns
    -------
    Reproduction
        Tables, figures and Cox models, each with numbers and printed strings.

    Raises
    ------
    ConfigError
        If there is no such policy.
    OutcomeError
        If times or events are missing or impossible.

    Notes
    -----
    What these patients cannot give, such as a curve of nobody or a model without a finite estimate,
    is listed with its reason in the item ``left-out``.
    """
    if policy not in ("journal", "cms"):
        raise ConfigError(f"reproduce: policy {policy!r}; allowed are 'journal' and 'cms'.")
    endpoint = cohort.study.prediction.endpoint
    cohort.eligible(endpoint).y_any(endpoint)
    other = _other(cohort.study) if comparison is None else comparison
    stages = list(_stages(cohort, other, ledger, show_bias))
    items = _work_out(stages, progress, each)
    versions = {"python": python_version()} | {name: version(name) for name in SOFTWARE}
    source = cohort.source
    found = Reproduction(cohort.study, source, policy, items, source.statement, versions)
    return safe(found) if policy == CMS.name else found


def _work_out(
    stages: Sequence[Stage],
    progress: Progress | None = None,
    each: Callable[[Item], None] | None = None,
) -> tuple[Item, ...]:
    """Make the items of all stages; they are given in the order of the report."""
    made: dict[int, list[Item]] = {place: [] for place in range(len(stages) + 1)}
    failed: dict[str, str] = {}
    in_turn = sorted(enumerate(stages), key=lambda numbered: numbered[1].waits)
    for done, (place, stage) in enumerate(in_turn, start=1):
        try:
            for item in stage.make():
                made[place].append(item)
                if each is not None:
                    each(item)
        except (ModelError, OutcomeError) as error:
            failed[stage.title] = str(error)
        if progress is not None:
            progress("analyse", done, len(stages))
    if failed:
        made[len(stages)].append(_left_out(failed))
    return tuple(chain(*made.values()))


def _stages(cohort: Cohort, other: Cohort | None, ledger: bool, show_bias: bool) -> Iterator[Stage]:
    study = cohort.study
    yield Stage("Tables", partial(table_items, cohort, CMS), waits=True)
    for figure in figures(study):
        title = paper_title(figure[0].paper, figure[0].label)
        yield Stage(title, partial(curve_items, cohort, figure, other, CMS))
    yield Stage("Univariable Cox models", partial(screening_items, cohort, CMS))
    for analysis in study.analyses.values():
        yield Stage(analysis.label, partial(analysis_items, cohort, analysis, CMS))
    yield Stage("Cox models from landmarks on", partial(landmark_items, cohort, CMS))
    yield Stage("Pre-specified Cox model", partial(reported_items, cohort, CMS), waits=True)
    if show_bias:
        yield Stage("Immortal time", partial(bias_items, cohort, CMS))
    yield Stage("Proportional hazards", partial(residual_items, cohort))
    yield Stage("Course of each patient", partial(swimmer_items, cohort))
    if ledger:
        yield Stage("Printed against recomputed", partial(ledger_items, cohort, other), waits=True)


def _left_out(failed: dict[str, str]) -> Item:
    text = pd.DataFrame({"Analysis": list(failed), "Why": list(failed.values())})
    item = Item("left-out", "What these patients cannot give", "", "table", text, text)
    bare = text[["Analysis"]].assign(Why="could not be computed")
    return replace(item, safe=replace(item, table=bare, text=bare))


def _other(study: Study) -> Cohort | None:
    """Load the cohort that the study's figures are against, if it comes with allsurv."""
    names = [c.against for c in study.comparisons.values() if c.against]
    try:
        return load_cohort(names[0]) if names else None
    except (ConfigError, StudyError):
        return None
