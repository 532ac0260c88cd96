"""Numbers on the scale on which they enter a Cox model: units, logarithms, splines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.cohort import Cohort
from allsurv.dictionary.variable import Variable
from allsurv.errors import ModelError
from allsurv.stats.knots import FEWEST_KNOTS, harrell_knots
from allsurv.stats.splines import restricted_cubic_spline
from allsurv.study.build import build_scale
from allsurv.study.evidence import Scale

__all__ = [
    "Compared",
    "GivenScales",
    "Scales",
    "compared_label",
    "fix_scales",
    "read_scales",
    "scaled_columns",
    "scaled_unit",
]

Floats = NDArray[np.float64]
GivenScales = Mapping[str, Scale | Mapping[str, Any]]
STRAIGHT = Scale()
TRANSFORMS: dict[str, Callable[[Floats], Floats]] = {
    "": np.positive,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
}
SCALE_NAMES = {
    "log": "of natural logarithm",
    "log2": "of logarithm to base 2",
    "log10": "of logarithm to base 10",
    "sqrt": "of square root",
}
FACTORS = {"log2": "per doubling", "log10": "per tenfold increase"}
DIGITS = 3
FEWEST_VALUES = 20


@dataclass(frozen=True)
class Compared:
    """Between which two values a curved effect is reported.

    Attributes
    ----------
    knots : tuple of float
        Where its cubic pieces meet, after the transformation.
    low, high : float
        Quartiles of the known values, to three digits.
    """

    knots: tuple[float, ...]
    low: float
    high: float


Scales = Mapping[str, tuple[Scale, Compared | None]]
NO_SCALES: Scales = {}


def read_scales(given: GivenScales) -> dict[str, Scale]:
    """Take scales as a study file writes them, or as values."""
    return {n: s if isinstance(s, Scale) else build_scale(s) for n, s in given.items()}


def fix_scales(cohort: Cohort, scales: Mapping[str, Scale], where: str) -> Scales:
    """Place the knots once, before values are imputed, so that all fits have one curve."""
    return {
        name: (scale, _compared(cohort, name, scale, where) if scale.is_curved else None)
        for name, scale in scales.items()
    }


def _compared(cohort: Cohort, name: str, scale: Scale, where: str) -> Compared:
    known = cohort.frame[name].to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    if known.size < FEWEST_VALUES:
        raise ModelError(
            f"{where}: '{name}' has {known.size} values; a spline needs at least {FEWEST_VALUES}. "
            "Leave out its knots."
        )
    x = _transformed(known, scale, where, name)
    if isinstance(scale.knots, int):
        knots = tuple(map(float, harrell_knots(x, scale.knots)))
    else:
        knots = tuple(map(float, _transformed(np.array(scale.knots), scale, where, name)))
    if len(knots) < FEWEST_KNOTS:
        raise ModelError(
            f"{where}: '{name}' has too few distinct values for a spline; leave out its knots."
        )
    low, high = (float(f"{q:.{DIGITS}g}") for q in np.quantile(known, [0.25, 0.75]))
    if low == high:
        raise ModelError(
            f"{where}: half of the values of '{name}' are {low:g}, so that no curve can be told; "
            "leave out its knots."
        )
    return Compared(knots, low, high)


def scaled_columns(
    values: Floats, scale: Scale, compared: Compared | None, *, where: str, name: str
) -> Floats:
    """Make the columns by which a number enters: one, or a straight and curved parts.

    Notes
    -----
    Curved parts are tilted so that they are equal at the two values compared. The coefficient of
    the straight part is then the log hazard ratio between them, with its own error, test and
    pooling; the curve that is fitted is the same.

    Examples
    --------
    >>> scaled_columns(np.array([30.0, 60.0]), Scale(per=10), None, where="", name="").tolist()
    [[3.0], [6.0]]
    >>> at = Compared((1.0, 4.0, 9.0), 2.0, 6.0)
    >>> parts = scaled_columns(np.array([2.0, 6.0]), Scale(knots=3), at, where="", name="")
    >>> parts.round(9).tolist()
    [[0.5, 0.0], [1.5, 0.0]]
    """
    x = _transformed(values, scale, where, name)
    if compared is None:
        return (x / scale.per)[:, None]
    knots = np.array(compared.knots)
    ends = _transformed(np.array([compared.low, compared.high]), scale, where, name)
    curved = restricted_cubic_spline(x, knots)[:, 1:]
    low, high = restricted_cubic_spline(ends, knots)[:, 1:]
    straight = x / (ends[1] - ends[0])
    level = low - (high - low) * ends[0] / (ends[1] - ends[0])
    return np.column_stack([straight, curved - level - straight[:, None] * (high - low)])


def scaled_unit(variable: Variable, scale: Scale) -> str:
    """Say what a hazard ratio is per.

    Examples
    --------
    >>> age = Variable("age", "Age", "continuous", "age", unit="years")
    >>> scaled_unit(age, Scale(per=10)), scaled_unit(age, Scale(transform="log2"))
    ('per 10 years', 'per doubling')
    """
    if not scale.transform:
        return f"per {scale.per:g} {variable.unit}".strip()
    if scale.per == 1 and scale.transform in FACTORS:
        return FACTORS[scale.transform]
    return f"per {scale.per:g} {SCALE_NAMES[scale.transform]}"


def compared_label(variable: Variable, compared: Compared) -> str:
    """Say between which values a curved effect is."""
    return f"{variable.label}: {compared.high:g} vs {compared.low:g} {variable.unit}".strip()


def _transformed(values: Floats, scale: Scale, where: str, name: str) -> Floats:
    lowest = 0.0
    low = values < lowest if scale.transform == "sqrt" else values <= lowest
    if scale.transform and low.any():
        is_root = scale.transform == "sqrt"
        what, lacks = ("negative", "square root") if is_root else ("0 or less", "logarithm")
        raise ModelError(
            f"{where}: '{name}' is {what} in {int(low.sum())} rows, which have no {lacks}; choose "
            "another transform, or say by 'zero_as' what 0 stands for."
        )
    return TRANSFORMS[scale.transform](values)
