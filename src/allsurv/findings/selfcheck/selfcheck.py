"""Whether the numbers a paper printed agree with each other, before any patient is looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import pandas as pd
from scipy.special import ndtr, ndtri

from allsurv.findings.selfcheck.percents import percent_checks
from allsurv.findings.selfcheck.rates import rate_checks
from allsurv.findings.selfcheck.rounding import Check, Range, as_printed, span
from allsurv.study.spec import Finding, Study

__all__ = ["check_findings"]

Maker = Callable[[str, str, Range, bool | None, str], Check]


def check_findings(study: Study) -> pd.DataFrame:
    r"""Check the published numbers of a study against each other.

    Everything is asked *to rounding*: each printed number stands for all numbers that print so, and
    a check fails only where none of them fit.

    Parameters
    ----------
    study : Study
        Its findings, and its ledger where it has one.

    Returns
    -------
    DataFrame
        One row per number and check: ``item``, ``label``, ``check``, ``printed`` (as printed),
        ``computed`` with ``lowest`` and ``highest`` (what the rounding of the other numbers leaves
        open), ``passes`` (``None`` where there is nothing to hold it against), ``note``, and
        ``issue``, the contradiction of the ledger that explains a failure, empty without.

        *symmetry*: the hazard ratio is the geometric mean of its limits. *p_value*: the limits
        imply the printed P. *std_error*: of the log hazard ratio, from the limits. *n_events*: the
        fewest events that a yes/no variable needs for this standard error, against those there
        were. *spread*: the standard deviation of a number that this standard error implies,
        against half its range. *limits*: scales (log-log, log, plain) on which a survival
        probability lies in the middle of its limits. *n_effective*: patients without censoring
        that would give these limits, against those there were. *percent*: printed percent against
        printed count and number of patients, one row for all that pass. *group_size*: a group
        of patients printed with two sizes.

    Notes
    -----
    :math:`s = (\log u - \log l) / 2z`; the Wald statistic is :math:`\log HR / s`. A yes/no
    variable carries at most a quarter of an event's information each, so :math:`d \ge 4 / s^2`; a
    number with standard deviation :math:`\sigma` has about :math:`s = 1 / (\sigma \sqrt d)` [1]_.

    References
    ----------
    .. [1] Schoenfeld DA. Biometrics. 1983;39(2):499-503. doi:10.2307/2531021

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> table = check_findings(load_study("rr-all"))
    >>> tp53 = table[table["item"] == "tp53"].set_index("check")
    >>> float(round(tp53.loc["std_error", "computed"], 3)), bool(tp53.loc["p_value", "passes"])
    (0.296, True)
    """
    checks: list[Check] = []
    for finding in study.findings.values():
        checks += _finding_checks(study, finding)
    checks += rate_checks(study)
    checks += percent_checks(study)
    return pd.DataFrame(
        [
            {
                "item": c.item,
                "label": c.label,
                "check": c.check,
                "printed": c.printed,
                "computed": c.computed.value,
                "lowest": c.computed.low,
                "highest": c.computed.high,
                "passes": c.passes,
                "note": c.note,
                "issue": c.issue,
            }
            for c in checks
        ],
        columns=[
            "item", "label", "check", "printed", "computed", "lowest", "highest", "passes", "note",
            "issue",
        ],
    ).astype({"passes": object})  # fmt: skip


def _finding_checks(study: Study, finding: Finding) -> Iterator[Check]:
    estimate, lower, upper = (
        as_printed(x, finding.decimals) for x in (finding.estimate, finding.lower, finding.upper)
    )
    if min(estimate.low, lower.low) <= 0:
        return
    texts = [f"{r.value:.{finding.decimals}f}" for r in (estimate, lower, upper)]
    shown = f"{texts[0]} ({texts[1]} to {texts[2]})"

    def check(name: str, printed: str, found: Range, passes: bool | None, note: str) -> Check:
        return Check(finding.name, finding.label, name, printed, found, passes, note)

    corners = list(product((lower.low, lower.high), (upper.low, upper.high)))
    middle = span([math.sqrt(a * b) for a, b in corners], math.sqrt(lower.value * upper.value))
    yield check("symmetry", shown, middle, middle.meets(estimate), "geometric mean of the limits")
    z = float(ndtri(0.5 + finding.level / 2))
    errors = [math.log(b / a) / (2 * z) for a, b in corners]
    error = span(errors, math.log(upper.value / lower.value) / (2 * z))
    yield check("std_error", shown, error, None, "of the log hazard ratio")
    if finding.p_value is not None:
        yield _p_check(check, finding.p_value, finding.p_relation, estimate, error)
    yield from _size_checks(check, study, finding, error)


def _p_check(check: Maker, printed: float, relation: str, estimate: Range, error: Range) -> Check:
    logs = [math.log(estimate.low), math.log(estimate.high)]
    crosses = logs[0] < 0 < logs[1]
    values = [_two_sided(log / s) for log, s in product(logs, (error.low, error.high))]
    found = span(
        [*values, *([1.0] if crosses else [])], _two_sided(math.log(estimate.value) / error.value)
    )
    if relation == "<":
        passes = found.low < printed
    else:
        passes = found.meets(as_printed(printed, _decimals(printed)))
    text = f"{printed:g}" if relation == "=" else f"{relation} {printed:g}"
    return check("p_value", text, found, passes, "from the limits, Wald")


def _size_checks(check: Maker, study: Study, finding: Finding, error: Range) -> Iterator[Check]:
    variable = study.variables.get(finding.variable)
    printed = "" if finding.n_events is None else str(finding.n_events)
    if variable is None or not variable.is_number:
        fewest = span([4 / error.low**2, 4 / error.high**2], 4 / error.value**2)
        passes = None if finding.n_events is None else fewest.low <= finding.n_events
        note = "fewest events with which a yes/no variable has this standard error"
        yield check("n_events", printed, fewest, passes, note)
        return
    if finding.n_events is None:
        return
    per = finding.contrast.per or 1.0
    ends = [per / (s * math.sqrt(finding.n_events)) for s in (error.low, error.high)]
    spread = span(ends, per / (error.value * math.sqrt(finding.n_events)))
    limits = (variable.minimum, variable.maximum)
    widest = math.inf if None in limits else (limits[1] - limits[0]) / 2  # type: ignore[operator]
    note = f"standard deviation of {variable.label.lower()} that {printed} events imply"
    if math.isfinite(widest):
        note += f"; at most {widest:g}, half its range"
    yield check("spread", printed, spread, spread.low <= widest, note)


def _two_sided(z: float) -> float:
    return float(2 * ndtr(-abs(z)))


def _decimals(value: float) -> int:
    """Decimals of a P as printed; journals print two at least."""
    return max(2, len(f"{value:.10f}".rstrip("0").partition(".")[2]))
