"""Plans of validation in a configuration: read, opened, written down, and said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from allsurv.cohort import Cohort, read_cohort
from allsurv.cohort.missing import complete_cases
from allsurv.disclosure.words import safe_sentence
from allsurv.errors import ConfigError
from allsurv.nearest import did_you_mean
from allsurv.policy.rules import DisclosurePolicy
from allsurv.study.spec import Study
from allsurv.validation.plans import AnyPlan, Bootstrap, External, InternalExternal, Plan
from allsurv.validation.summary import LIMITS

__all__ = ["ExternalFile", "open_plan", "others_of", "plan_choices", "plan_statement", "read_plan"]

CROSS, BOOTSTRAP, GROUPS, OTHERS = (
    "cross-validation",
    "bootstrap",
    "internal-external",
    "external",
)
KEYS = {
    CROSS: ("repeats", "folds"),
    BOOTSTRAP: ("replicates",),
    GROUPS: ("by",),
    OTHERS: ("file",),
}
"""Plans, and what each is told."""


@dataclass(frozen=True)
class ExternalFile:
    """Other patients, in a file that has not been read.

    Parameters
    ----------
    file : str
        CSV or Parquet file of the same study.
    """

    file: str


def read_plan(
    chosen: Mapping[str, Any], config_file: Path, asked: Mapping[str, str]
) -> AnyPlan | ExternalFile:
    """Read the plan of a configuration; the command line wins, and a key implies its plan."""
    given = {"plan": asked.get("plan"), "by": asked.get("by"), "file": asked.get("external")}
    said = {key: value for key, value in given.items() if value}
    if said:
        chosen = {key: chosen[key] for key in ("repeats", "folds") if key in chosen} | said
    name = chosen.get("plan") or next((p for p in (GROUPS, OTHERS) if KEYS[p][0] in chosen), CROSS)
    if name not in KEYS:
        raise ConfigError(
            f"validation: plan '{name}' is not one of {', '.join(KEYS)}.{did_you_mean(name, KEYS)}"
        )
    foreign = [key for plan in (BOOTSTRAP, GROUPS, OTHERS) if plan != name for key in KEYS[plan]]
    wrong = [key for key in foreign if key in chosen]
    if wrong:
        raise ConfigError(
            f"{config_file} validation: '{wrong[0]}' does not belong to plan '{name}', which takes "
            f"{', '.join(KEYS[name])}."
        )
    own = {key: chosen[key] for key in KEYS[name] if key in chosen}
    if name == CROSS:
        return Plan(**own)
    if name == BOOTSTRAP:
        return Bootstrap(**own)
    if not own:
        option = {"by": "a variable of the study, --by", "file": "a file of patients, --external"}
        key = KEYS[name][0]
        raise ConfigError(
            f"{config_file} validation: plan '{name}' needs '{key}': {option[key]} on the command "
            "line."
        )
    if name == GROUPS:
        return InternalExternal(own["by"])
    beside = config_file.resolve().parent / own["file"]
    return ExternalFile(str(beside) if "file" not in said and beside.exists() else own["file"])


def open_plan(
    plan: AnyPlan | ExternalFile, study: Study, *, complete: Sequence[str] = ()
) -> AnyPlan:
    """Read the other patients of a plan, and hold the variable of groups against the study.

    Of other patients only those who are complete in some predictors may be asked for.
    """
    if isinstance(plan, InternalExternal) and plan.by not in study.variables:
        raise ConfigError(
            f"validation: by '{plan.by}' is not in the data dictionary of study '{study.name}'."
            f"{did_you_mean(plan.by, study.variables)}"
        )
    if isinstance(plan, ExternalFile):
        plan = External(read_cohort(plan.file, study))
    if isinstance(plan, External) and complete:
        return External(complete_cases(plan.cohort, complete))
    return plan


def others_of(plan: AnyPlan | ExternalFile) -> tuple[Cohort, ...]:
    """Give the patients of a plan who are not those of the run."""
    return (plan.cohort,) if isinstance(plan, External) else ()


def plan_choices(plan: AnyPlan | ExternalFile) -> dict[str, Any]:
    """Turn a plan into plain values, as a configuration has them."""
    if isinstance(plan, Plan):
        return {"plan": CROSS, "repeats": plan.repeats, "folds": plan.folds}
    if isinstance(plan, Bootstrap):
        return {"plan": BOOTSTRAP, "replicates": plan.replicates}
    if isinstance(plan, InternalExternal):
        return {"plan": GROUPS, "by": plan.by}
    if isinstance(plan, External):
        return {"plan": OTHERS, "file": plan.cohort.source.name}
    return {"plan": OTHERS, "file": Path(plan.file).name}


def plan_statement(
    plan: AnyPlan | ExternalFile,
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    *,
    endpoint: str,
    policy: DisclosurePolicy,
) -> str:
    """Say how models were validated and what the intervals mean."""
    if isinstance(plan, Bootstrap):
        return (
            f"Every measure is corrected for optimism by bootstrap: the whole pipeline was "
            f"refitted on {plan.replicates} samples of the patients, drawn with replacement. "
            "Intervals are those of the apparent value, moved by the optimism; they ignore that "
            "the optimism is an estimate."
        )
    if isinstance(plan, InternalExternal):
        label = study.variable(plan.by).label
        n_groups = tables["held_out"]["group"].nunique()
        return (
            f"Internal-external validation by {label}: each of {n_groups} groups was left out in "
            "turn and predicted by models developed in the others. Estimates are means over groups "
            "(random effects, restricted maximum likelihood) with Hartung-Knapp confidence limits; "
            "no number pools the patients of all groups. The prediction interval says what one "
            "further group may show."
        )
    if isinstance(plan, External):
        y = plan.cohort.eligible(endpoint).y(endpoint)
        said = (
            f"External validation: every measure is of {len(y)} other patients, "
            f"{int(y['event'].sum())} with the event ({plan.cohort.source.name}), whom no model "
            f"was fitted to. {plan.cohort.source.statement}"
        )
        return safe_sentence(f"{said} Intervals reflect the patients measured.", policy)
    assert isinstance(plan, Plan)
    return (
        f"Every measure is out of fold: {plan.repeats} repeats of {plan.folds}-fold "
        f"cross-validation, the whole pipeline refitted in each fold. {LIMITS}"
    )
