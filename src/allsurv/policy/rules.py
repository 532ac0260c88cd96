"""Disclosure control: by which policy, and which cells of a table it hides.

A policy is chosen by its name; tables, curves, the search of files and what is said of it follow
from that one choice. This is disclosure control, not differential privacy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import ConfigError
from allsurv.nearest import did_you_mean

__all__ = [
    "CMS",
    "POLICIES",
    "SMALLEST_GROUP",
    "DisclosurePolicy",
    "Sum",
    "coarse_step",
    "disclosure_policy",
    "hidden_cells",
]


@dataclass(frozen=True)
class DisclosurePolicy:
    """What of patients may be seen in what is shown, logged or handed on.

    Attributes
    ----------
    name : str
        By which it is chosen and recorded.
    statement : str
        What it does, for readers.
    threshold : int
        Smallest count that may be shown; 1 shows all.
    hides_zero : bool
        Whether a count of 0 discloses too: that nobody of a group is of a kind says so of each.
    is_coarse : bool
        Whether times stand on the study's grid, shares of patients are rounded and ranges are
        centiles, and whether files are searched for patients' times.
    hides_rows : bool
        Whether files are searched for patients' rows.
    dominance : (int, float, float), optional
        ``n``, ``k`` and ``p``: a summary of amounts is hidden where the ``n`` largest make up more
        than the share ``k``, or all but the two largest less than the share ``p`` of the largest.

    References
    ----------
    .. [1] Centers for Medicare & Medicaid Services. Cell size suppression policy. 2020.
    .. [2] Default parameters of ACRO, the checker of outputs of the United Kingdom's trusted
       research environments (``acro/default.yaml``). https://github.com/AI-SDC/ACRO
    .. [3] Hundepool A, et al. Statistical Disclosure Control. Wiley; 2012.
       doi:10.1002/9781118348239
    """

    name: str
    statement: str
    threshold: int
    hides_zero: bool = False
    is_coarse: bool = True
    hides_rows: bool = True
    dominance: tuple[int, float, float] | None = None

    @overload
    def is_small(self, count: int | float) -> bool: ...
    @overload
    def is_small(self, count: NDArray[Any]) -> NDArray[np.bool_]: ...
    def is_small(self, count: int | float | NDArray[Any]) -> bool | NDArray[np.bool_]:
        """Tell whether counts are too small to be shown.

        Parameters
        ----------
        count : int or ndarray of int
            Patients.

        Returns
        -------
        bool or ndarray of bool
            One for each count.

        Examples
        --------
        >>> CMS.is_small(10), CMS.is_small(0), POLICIES["acro"].is_small(0)
        (True, False, True)
        """
        values = np.asarray(count)
        small = (values < self.threshold) & ((values > 0) | self.hides_zero)
        return small if small.ndim else bool(small)

    def unit(self, n_at_risk: float, survival: float = 1.0) -> float:
        """Give the unit to which a share of patients is rounded, so that no small count follows.

        Parameters
        ----------
        n_at_risk : float
            Patients who make up the share; those still at risk, for a survival probability.
        survival : float, default=1.0
            The probability, which one event lowers by ``survival / n_at_risk``.

        Returns
        -------
        float
            The smallest of 1, 2 and 5 times a power of ten by which at least two events change the
            share: any value shown is that of two counts or more. 0, for none, under a policy that
            is not coarse.

        Examples
        --------
        >>> CMS.unit(110), CMS.unit(30, 0.4), POLICIES["journal"].unit(110)
        (0.02, 0.05, 0.0)
        """
        if not self.is_coarse:
            return 0.0
        return coarse_step(FEWEST_EVENTS * max(survival, 1 / n_at_risk) / n_at_risk)

    def is_dominated(self, amounts: ArrayLike) -> bool:
        """Tell whether a few patients make up a summary of amounts.

        Parameters
        ----------
        amounts : array-like of shape (n_patients,)
            Values of one variable, missing left out.

        Returns
        -------
        bool
            False under a policy without rules of dominance.

        Examples
        --------
        >>> POLICIES["acro"].is_dominated([900, *[1] * 20]), CMS.is_dominated([900, *[1] * 20])
        (True, False)
        """
        if self.dominance is None:
            return False
        n, k, p = self.dominance
        largest = np.sort(np.abs(np.asarray(amounts, dtype=float)))[::-1]
        total = float(largest.sum())
        if total <= 0:
            return False
        return bool(largest[:n].sum() > k * total or largest[2:].sum() < p * largest[0])


FEWEST_EVENTS = 2
"""Events, at least, that move a rounded share of patients by its unit."""


def coarse_step(least: float) -> float:
    """Find the smallest of 1, 2 and 5 times a power of ten that is at least a number.

    Parameters
    ----------
    least : float
        Above 0.

    Returns
    -------
    float
        The step.

    Examples
    --------
    >>> coarse_step(0.018), coarse_step(0.02), coarse_step(0.3), coarse_step(7)
    (0.02, 0.02, 0.5, 10.0)
    """
    power = math.floor(math.log10(least) + 1e-9)
    found = next(k for k in (1, 2, 5, 10) if k * 10.0**power >= least * (1 - 1e-9))
    return float(f"{found}e{power}")


CMS = DisclosurePolicy(
    "cms",
    "cms: counts from 1 to 10 are hidden, as are counts that would reveal one by a sum. Times and "
    "medians are rounded to a grid; survival, its limits and other shares of patients are rounded "
    "so far that at least two events fit each value shown; curves end where fewer than 11 patients "
    "are at risk; ranges are rounded centiles. Two runs whose patients differ by one tell about "
    "that one.",
    threshold=11,
)
"""Rule of the United States' Centers for Medicare & Medicaid Services for published cells."""

SMALLEST_GROUP = CMS.threshold
"""Patients behind any number of a model or of its validation, at least, whatever the policy."""

POLICIES: Mapping[str, DisclosurePolicy] = MappingProxyType({
    "cms": CMS,
    "acro": DisclosurePolicy(
        "acro",
        "acro: counts from 0 to 9 are hidden, as are counts that would reveal one by a sum, and "
        "summaries of amounts that a few patients dominate. Times and medians are rounded to a "
        "grid; survival, its limits and other shares of patients are rounded so far that at least "
        "two events fit each value shown; curves end where fewer than 10 patients are at risk; "
        "ranges are rounded centiles. It follows acro's default rules for tables; models are not "
        "what acro checks. Two runs whose patients differ by one tell about that one.",
        threshold=10,
        hides_zero=True,
        dominance=(2, 0.9, 0.1),
    ),
    "journal": DisclosurePolicy(
        "journal",
        "journal: every count, curve, time and range is shown in full, as journals print them, "
        "small counts and single patients' times included; rows and identifiers of patients are "
        "searched for and stopped. An exported model obeys 'cms' all the same.",
        threshold=1,
        is_coarse=False,
    ),
    "off": DisclosurePolicy(
        "off",
        "off: nothing is hidden, by explicit choice; for the study team alone. An exported model "
        "obeys 'cms' all the same.",
        threshold=1,
        is_coarse=False,
        hides_rows=False,
    ),
})  # fmt: skip
"""Every policy by its name."""


def disclosure_policy(name: str) -> DisclosurePolicy:
    """Find a policy.

    Parameters
    ----------
    name : {"cms", "acro", "journal", "off"}
        As a configuration names it.

    Returns
    -------
    DisclosurePolicy
        What it allows.

    Raises
    ------
    ConfigError
        If there is no such policy.

    Examples
    --------
    >>> disclosure_policy("acro").threshold
    10
    """
    if name not in POLICIES:
        raise ConfigError(
            f"disclosure: there is no policy '{name}'; allowed are {', '.join(POLICIES)}."
            f"{did_you_mean(name, POLICIES)}"
        )
    return POLICIES[name]


@dataclass(frozen=True)
class Sum:
    """Cells of a table that add up to a total that a reader knows or sees.

    Attributes
    ----------
    parts : tuple of int
        Positions of the cells that are added.
    total : int, optional
        Position of the cell that holds their sum; ``None`` if the sum is known otherwise.
    """

    parts: tuple[int, ...]
    total: int | None = None


def hidden_cells(
    counts: ArrayLike,
    sums: Iterable[Sum],
    policy: DisclosurePolicy = CMS,
    *,
    unprinted: Iterable[int] = (),
    hidden_anyway: Iterable[int] = (),
) -> NDArray[np.bool_]:
    """Choose the cells that must be hidden so that no small count can be read or worked out.

    Parameters
    ----------
    counts : array-like of int of shape (n_cells,)
        Patients in each cell.
    sums : iterable of Sum
        Which cells add up to what.
    policy : DisclosurePolicy, default=CMS
        Says which counts are small.
    unprinted : iterable of int, default=()
        Cells that stand in no table but would follow from others, such as the patients without a
        characteristic: hiding one costs the reader nothing, so these are taken first.
    hidden_anyway : iterable of int, default=()
        Cells that are hidden for another reason.

    Returns
    -------
    ndarray of bool of shape (n_cells,)
        True for a cell that must not be shown.

    Notes
    -----
    First every small cell is hidden. Then, until nothing changes, a sum loses another part where
    one member alone is hidden, where the hidden parts together are fewer than the threshold, or
    where a small cell follows from several sums at once (its unit vector lies in the row space of
    the sums over hidden cells): unprinted parts before printed, more than 0 before 0, small before
    large; failing that, its total.

    Examples
    --------
    Of 30 + 9 = 39 the 9 is small; the 30 must go too, or 39 - 30 gives it away.

    >>> hidden_cells([30, 9, 39], [Sum((0, 1), total=2)]).tolist()
    [True, True, False]
    """
    values = np.asarray(counts, dtype=int)
    small = policy.is_small(values)
    hidden = small.copy()
    hidden[list(hidden_anyway)] = True
    printed = np.ones(values.size, dtype=bool)
    printed[list(unprinted)] = False
    rank = np.lexsort((values, values == 0, printed)).argsort()
    lines = tuple(sums)
    while True:
        asking = [line for line in lines if _gives_away(values, hidden, line, policy.threshold)]
        if not asking:
            known = _follows(hidden, lines) & small
            asking = [line for line in lines if known[list(line.parts)].any()]
        more = {cell for line in asking for cell in _next_to_hide(hidden, rank, line)}
        if not more:
            return hidden
        hidden[list(more)] = True


def _gives_away(
    values: NDArray[np.int_], hidden: NDArray[np.bool_], line: Sum, threshold: int
) -> bool:
    gone = [cell for cell in line.parts if hidden[cell]]
    total_gone = line.total is not None and bool(hidden[line.total])
    if len(gone) + total_gone < 2:
        return len(gone) + total_gone == 1
    return not total_gone and int(values[gone].sum()) < threshold


def _follows(hidden: NDArray[np.bool_], lines: tuple[Sum, ...]) -> NDArray[np.bool_]:
    cells = np.flatnonzero(hidden)
    follows = np.zeros(hidden.size, dtype=bool)
    if cells.size and lines:
        sums = np.zeros((len(lines), hidden.size))
        for row, line in enumerate(lines):
            sums[row, list(line.parts)] = 1
            if line.total is not None:
                sums[row, line.total] = -1
        over_hidden = sums[:, cells]
        follows[cells] = np.diag(np.linalg.pinv(over_hidden) @ over_hidden) > 1 - 1e-9
    return follows


def _next_to_hide(hidden: NDArray[np.bool_], rank: NDArray[np.intp], line: Sum) -> list[int]:
    left = [cell for cell in line.parts if not hidden[cell]]
    if left:
        return [min(left, key=lambda cell: int(rank[cell]))]
    if line.total is not None and not hidden[line.total]:
        return [line.total]
    return []
