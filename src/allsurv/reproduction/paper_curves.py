"""Survival figures of a paper: curves, numbers under them, medians, tests, other readings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from allsurv.cohort import Cohort
from allsurv.describe import comparison_curves, comparison_summary, comparison_test, numbers_at_risk
from allsurv.describe.needed import needed_columns
from allsurv.disclosure.curves import safe_curve
from allsurv.disclosure.survival import medians_on_grid, safe_survival
from allsurv.errors import OutcomeError
from allsurv.policy.rules import DisclosurePolicy
from allsurv.reproduction.competing_items import incidence_items
from allsurv.reproduction.items import ANOTHER, CORRECT, PUBLISHED, Item
from allsurv.reproduction.keys import paper_key, paper_title
from allsurv.reproduction.states_items import states_items
from allsurv.study.spec import Comparison, Study

__all__ = ["curve_items", "figures"]

MOST_TICKS = 10


def figures(study: Study) -> list[tuple[Comparison, ...]]:
    """Sort a study's comparisons into figures."""
    found: dict[str, list[Comparison]] = {}
    for comparison in study.comparisons.values():
        single = comparison.by is None and comparison.by_event is None and not comparison.against
        single = single and study.endpoint(comparison.endpoint).kind == "event"
        place = comparison.paper if single and comparison.paper else comparison.name
        found.setdefault(place, []).append(comparison)
    published = [tuple(group) for group in found.values() if group[0].instead_of is None]
    others = [group for group in found.values() if group[0].instead_of is not None]
    return [
        figure
        for first in published
        for figure in (first, *(tuple(o) for o in others if o[0].instead_of == first[0].name))
    ]


def curve_items(
    cohort: Cohort,
    comparisons: Sequence[Comparison],
    other: Cohort | None,
    policy: DisclosurePolicy,
) -> Iterator[Item]:
    """Make one figure, if the cohort can give it."""
    first, study = comparisons[0], cohort.study
    if not _has(cohort, comparisons):
        return
    if study.endpoint(first.endpoint).kind == "states":
        title = paper_title(_paper(study, first), first.label)
        yield from states_items(cohort, first, policy, key=_key(study, first), title=title)
        return
    if study.endpoint(first.endpoint).kind == "competing":
        title = paper_title(_paper(study, first), first.label)
        yield from incidence_items(
            cohort, first, other, policy,
            key=_key(study, first), title=title, label=_reading(study, first),
            ticks=_ticks(cohort.frame[study.endpoint(first.endpoint).time], study),
        )  # fmt: skip
        return
    if first.against is not None and other is None:
        raise OutcomeError(
            f"the cohort '{first.against}' that it is against is not at hand; give it as "
            "comparison= to allsurv.reproduction.reproduce."
        )
    parts = [_computed(cohort, one, other) for one in comparisons]
    curves, summary, tests = (
        pd.concat([part[k] for part in parts], ignore_index=True) for k in range(3)
    )
    ticks = _ticks(curves["time"], study)
    counts = pd.concat([numbers_at_risk(part[0], ticks) for part in parts])
    item = Item(
        key=_key(study, first),
        title=paper_title(_paper(study, first), _label(comparisons)),
        label=_reading(study, first),
        kind="curves",
        table=curves,
        notes=tuple(dict.fromkeys(n for n in curves["note"] if n)),
        extra={"at_risk": counts.reset_index(drop=True), "summary": summary}
        | ({"tests": tests} if len(tests) else {}),
    )
    yield replace(item, safe=_safe(item, study, policy))


def _computed(
    cohort: Cohort, comparison: Comparison, other: Cohort | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    curves = comparison_curves(cohort, comparison, against=other)
    summary = comparison_summary(cohort, comparison, against=other)
    tests = comparison_test(cohort, comparison, against=other)
    if curves["group"].nunique() == 1 and comparison.by is None:
        label = cohort.study.endpoint(comparison.endpoint).label
        said = {"group": comparison.endpoint, "group_label": label}
        curves, summary = curves.assign(**said), summary.assign(**said)
    return curves, summary, tests


def _has(cohort: Cohort, comparisons: Sequence[Comparison]) -> bool:
    return all(
        needed_columns(
            cohort,
            one.endpoint,
            [*one.population, *([one.by] if one.by else [])],
            [one.by_event] if one.by_event else [],
        )
        <= set(cohort.frame.columns)
        for one in comparisons
    )


def _ticks(times: pd.Series, study: Study) -> list[float]:
    horizons = study.prediction.horizons
    step = min(horizons) if horizons else study.time.grid
    last = float(times.max())
    while last / step > MOST_TICKS:
        step *= 2
    return list(np.arange(0, last + 1e-9, step))


def _paper(study: Study, comparison: Comparison) -> str:
    if comparison.instead_of is None:
        return comparison.paper
    return study.comparisons[comparison.instead_of].paper


def _key(study: Study, comparison: Comparison) -> str:
    if comparison.instead_of is None:
        return paper_key(comparison.paper, comparison.name)
    published = study.comparisons[comparison.instead_of]
    alike = [
        c.name
        for c in study.comparisons.values()
        if c.instead_of == published.name and c.reading == comparison.reading
    ]
    number = f"-{alike.index(comparison.name) + 1}" if len(alike) > 1 else ""
    return f"{paper_key(published.paper, published.name)}-{comparison.reading}{number}"


def _label(comparisons: Sequence[Comparison]) -> str:
    first, *rest = (comparison.label for comparison in comparisons)
    return " and ".join([first, *(label[:1].lower() + label[1:] for label in rest)])


def _reading(study: Study, comparison: Comparison) -> str:
    if comparison.reading:
        return CORRECT if comparison.reading == "correct" else ANOTHER
    others = {c.instead_of for c in study.comparisons.values()}
    return PUBLISHED if comparison.name in others else ""


def _safe(item: Item, study: Study, policy: DisclosurePolicy) -> Item | None:
    """Put curves on the grid, medians too: a quantile is the exact time of a patient."""
    curves = safe_curve(item.table, study, policy)
    if curves.empty:
        return None
    summary = safe_survival(item.extra["summary"], policy)
    extra = {"summary": medians_on_grid(summary, study, policy)}
    if "tests" in item.extra:
        extra["tests"] = item.extra["tests"]
    return replace(item, table=curves, extra=extra)
