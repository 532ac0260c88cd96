"""Every published number beside the same number of these patients, and what the check asks."""

from __future__ import annotations

import pandas as pd

from allsurv.cohort import Cohort
from allsurv.cohort.groups import tidy
from allsurv.reproduction.populations import Populations
from allsurv.reproduction.recompute import Recomputed, recompute
from allsurv.study import Ledger, load_ledger

__all__ = ["LEAST_SHARE", "ledger_summary", "ledger_table", "unmet"]

COLUMNS = (
    "id",
    "section",
    "where",
    "statement",
    "kind",
    "printed",
    "recomputed",
    "estimate",
    "match",
    "status",
    "issue",
    "reason",
)
LEAST_SHARE = 0.99
_JOINT = ("ok", "reading", "rounding")
_COUNTS = ("count", "percent", "denominator")
_OF_MODEL = ("hazard_ratio", "hr_ci_low", "hr_ci_high", "wald_p")


def ledger_table(
    cohort: Cohort, *, comparison: Cohort | None = None, ledger: Ledger | None = None
) -> pd.DataFrame:
    """Every published number of a study, recomputed from a cohort of it.

    Parameters
    ----------
    cohort : Cohort
        The patients: those that come with the study, or anybody's.
    comparison : Cohort, optional
        The other cohort, for the entries that are about it.
    ledger : Ledger, optional
        What was published; the ledger of the cohort's study where not given.

    Returns
    -------
    DataFrame
        One row per entry: ``id``, ``section``, ``where``, ``statement``, ``kind``, ``printed``,
        ``recomputed`` (with the decimals of the print), ``estimate`` (in full), ``match`` (missing
        where the number cannot be recomputed), ``status``, ``issue``, ``reason``. Its ``attrs``
        hold the ``source`` of the patients.

    Raises
    ------
    StudyError
        If the study has no ledger.
    OutcomeError
        If the other cohort measures time in another unit.
    """
    published = load_ledger(cohort.study) if ledger is None else ledger
    patients = Populations(cohort, comparison)
    found = [recompute(entry, patients) for entry in published.entries.values()]
    table = tidy([_row(one) for one in found], COLUMNS, cohort)
    table["match"] = table["match"].astype("boolean")
    if comparison is not None:
        table.attrs["comparison_source"] = comparison.source.statement
    return table


def _row(found: Recomputed) -> dict[str, object]:
    entry = found.entry
    return {
        "id": entry.id,
        "section": entry.section,
        "where": entry.where,
        "statement": entry.statement,
        "kind": entry.kind,
        "printed": entry.printed,
        "recomputed": found.text,
        "estimate": found.estimate,
        "match": found.match,
        "status": entry.status,
        "issue": entry.issue or "",
        "reason": found.reason,
    }


def ledger_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Count agreement by kind of number, among those that can hold jointly.

    Parameters
    ----------
    table : DataFrame
        As from :func:`ledger_table`.

    Returns
    -------
    DataFrame
        ``kind``, ``entries``, ``match``, ``miss``, ``cannot``; the last row, ``all``, sums up.
        Contradicted numbers are not counted, nor are those of another cohort that was not given.
    """
    joint = table[_counted(table)]
    rows = [
        {
            "kind": kind,
            "entries": len(part),
            "match": int(part["match"].eq(True).sum()),
            "miss": int(part["match"].eq(False).sum()),
            "cannot": int(part["match"].isna().sum()),
        }
        for kind, part in [*joint.groupby("kind", sort=False), ("all", joint)]
    ]
    summary = pd.DataFrame(rows, columns=["kind", "entries", "match", "miss", "cannot"])
    summary.attrs.update(table.attrs)
    return summary


def _counted(table: pd.DataFrame) -> pd.Series:
    of_given_cohort = (table["status"] == "external") & table["match"].notna()
    return table["status"].isin(_JOINT) | of_given_cohort


def unmet(table: pd.DataFrame, *, least_share: float = LEAST_SHARE) -> tuple[str, ...]:
    """Say what keeps a cohort from agreeing with what was published.

    Parameters
    ----------
    table : DataFrame
        As from :func:`ledger_table`.
    least_share : float, default=0.99
        Share, in [0, 1], of the entries that can hold jointly that must match.

    Returns
    -------
    tuple of str
        One sentence for each demand that is not met; empty where all are: the share, every count,
        denominator and percent, every number of the published Cox model.
    """
    joint = table[_counted(table)]
    matched = joint["match"].eq(True).fillna(False).astype(bool)
    said = []
    if matched.sum() < least_share * len(joint):
        said.append(
            f"{int(matched.sum())} of {len(joint)} entries that can hold jointly match "
            f"({matched.mean():.1%}); at least {least_share:.0%} must."
        )
    for kinds, what in (
        (_COUNTS, "counts, denominators and percents"),
        (_OF_MODEL, "numbers of the multivariable Cox model"),
    ):
        lost = joint["kind"].isin(kinds) & ~matched
        if lost.any():
            named = ", ".join(joint.loc[lost, "id"].head(5)) + (", ..." if lost.sum() > 5 else "")
            said.append(f"{int(lost.sum())} {what} do not match: {named}.")
    return tuple(said)
