"""Where a risk score lies among the patients a model was developed on, without showing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allsurv.errors import DisclosureError
from allsurv.policy.rules import SMALLEST_GROUP

__all__ = ["Development"]

Floats = NDArray[np.float64]


_POINTS = (1.0, 2.5, *np.arange(5.0, 100.0, 5.0), 97.5, 99.0)


@dataclass(frozen=True, eq=False)
class Development:
    """Centiles of the risk score in development, and the cuts between risk groups.

    Parameters
    ----------
    points : ndarray of shape (n_points,)
        Per cent, rising.
    scores : ndarray of shape (n_points,)
        Risk score at each; each the mean of eleven neighbouring patients.
    cuts : tuple of float
        A score above a cut is in the next higher group.
    labels : tuple of str
        Risk groups, from low to high; one more than there are cuts. A single one where the model
        does not tell patients apart.
    """

    points: Floats
    scores: Floats
    cuts: tuple[float, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(
        cls, risk_score: Floats, *, centiles: Sequence[float], labels: Sequence[str]
    ) -> Development:
        """Summarise the risk scores of development.

        Parameters
        ----------
        risk_score : ndarray of shape (n_patients,)
            Of all patients of development.
        centiles : sequence of float
            Where risk groups are cut, in per cent.
        labels : sequence of str
            Names of the groups, one more than ``centiles``.

        Returns
        -------
        Development
            Centiles no closer to an end than eleven patients allow.

        Raises
        ------
        DisclosureError
            If there are fewer than eleven patients.

        Examples
        --------
        >>> known = Development.of(np.arange(101.0), centiles=[50], labels=["low", "high"])
        >>> known.points[:2].tolist(), known.scores[:2].tolist(), known.cuts
        ([5.0, 10.0], [5.0, 10.0], (50.0,))
        """
        ordered = np.sort(risk_score)
        if ordered.size < SMALLEST_GROUP:
            raise DisclosureError(
                f"risk model: {ordered.size} patients of development; fewer than "
                f"{SMALLEST_GROUP} would show single patients. Do not export this model."
            )
        reach = SMALLEST_GROUP // 2
        end = 100.0 * reach / (ordered.size - 1)
        points = np.array([p for p in _POINTS if end - 1e-9 <= p <= 100.0 - end + 1e-9] or [50.0])
        cuts = _smoothed(ordered, np.clip(np.asarray(centiles, dtype=float), end, 100.0 - end))
        if cuts.size and np.all(np.diff(cuts, prepend=ordered[0]) > 0) and cuts[-1] < ordered[-1]:
            groups = tuple(float(cut) for cut in cuts), tuple(labels)
        else:
            groups = (), ("all",)
        return cls(points, _smoothed(ordered, points), *groups)

    def centile(self, risk_score: ArrayLike) -> Floats:
        """Say what share of development scored lower.

        Parameters
        ----------
        risk_score : array-like of shape (n_patients,)
            Scores of new patients.

        Returns
        -------
        ndarray of shape (n_patients,)
            Per cent; not beyond the first and the last of ``points``.

        Examples
        --------
        >>> known = Development.of(np.arange(101.0), centiles=[50], labels=["low", "high"])
        >>> known.centile([42, 1000]).round(6).tolist()
        [42.0, 95.0]
        """
        score = np.asarray(risk_score, dtype=float)
        highest = np.interp(score, self.scores, self.points)
        lowest = -np.interp(-score, -self.scores[::-1], -self.points[::-1])
        found: Floats = (highest + lowest) / 2
        return found

    def group(self, risk_score: ArrayLike) -> NDArray[np.object_]:
        """Name the risk group.

        Parameters
        ----------
        risk_score : array-like of shape (n_patients,)
            Scores of new patients.

        Returns
        -------
        ndarray of str of shape (n_patients,)
            One of ``labels``.

        Examples
        --------
        >>> known = Development.of(np.arange(101.0), centiles=[50], labels=["low", "high"])
        >>> known.group([10, 50, 90]).tolist()
        ['low', 'low', 'high']
        """
        above = np.searchsorted(self.cuts, np.asarray(risk_score, dtype=float), side="left")
        return np.array(self.labels, dtype=object)[above]


def _smoothed(ordered: Floats, points: Floats) -> Floats:
    """Give quantiles, each the mean over eleven neighbouring patients."""
    reach = SMALLEST_GROUP // 2
    window = np.lib.stride_tricks.sliding_window_view(ordered, SMALLEST_GROUP).mean(axis=1)
    window = np.maximum.accumulate(window)
    position = points / 100.0 * (ordered.size - 1) - reach
    return np.interp(position, np.arange(window.size), window)
