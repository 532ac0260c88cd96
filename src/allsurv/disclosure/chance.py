"""Whether a column holds more of a set of numbers than it would by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtrc

__all__ = ["BY_CHANCE", "Numbers"]

Floats = NDArray[np.float64]
BY_CHANCE = 1e-6
FEWEST = 5
NEIGHBOURS = 5


class Numbers:
    """Numbers that belong to patients, on a scale of a given resolution."""

    def __init__(self, values: ArrayLike, resolution: float) -> None:
        self.resolution = resolution
        self.ticks = np.unique(np.round(np.asarray(values, dtype=float) / resolution))

    def fill(self, column: Floats) -> bool:
        """Tell whether most of a column is five or more of these numbers, more than by chance."""
        values = np.unique(column[np.isfinite(column)])
        if self.ticks.size == 0 or values.size < FEWEST:
            return False
        scaled = np.round(values / self.resolution)
        whole = np.abs(values / self.resolution - scaled) < 1e-6
        same = int((whole & np.isin(scaled, self.ticks)).sum())
        if same < FEWEST or same <= values.size / 2:
            return False
        return bool(bdtrc(same - 1, values.size, self._by_chance(scaled)) < BY_CHANCE)

    def _by_chance(self, scaled: Floats) -> float:
        """Give the share of numbers like these that are among ours: the ticks around each."""
        reach = np.maximum(NEIGHBOURS, np.abs(scaled) / 10)
        first, last = np.searchsorted(self.ticks, (scaled - reach, scaled + reach + 0.5))
        others = last - first - np.isin(scaled, self.ticks)
        return float(np.minimum(others / (2 * reach), 1).mean())
