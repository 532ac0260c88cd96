"""What a family's parameters may be, and whether a fit has room on the machine."""

from __future__ import annotations

import math
import os
from pathlib import Path

from allsurv.errors import ModelError

__all__ = ["check_number", "check_room", "columns_tried", "free_memory"]

_UNKNOWN_MACHINE = 8e9


def check_number(
    where: str,
    name: str,
    value: float | None,
    *,
    low: float,
    high: float = math.inf,
    whole: bool = False,
) -> None:
    """Refuse a parameter that is no number in its range.

    Examples
    --------
    >>> check_number("GradientBoosting", "subsample", 0.5, low=0.01, high=1)
    """
    fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not fits or (whole and value != int(value)):  # type: ignore[arg-type]
        kind = "a whole number" if whole else "a number"
        upto = "" if high == math.inf else f" and at most {high:g}"
        raise ModelError(f"{where}: {name}={value!r}; give {kind} of at least {low:g}{upto}.")


def columns_tried(where: str, max_features: str | float | None, n_terms: int) -> int:
    """Say how many columns are tried at a split.

    Examples
    --------
    >>> columns_tried("SurvivalForest", "sqrt", 17), columns_tried("SurvivalForest", 0.5, 17)
    (4, 8)
    """
    if max_features is None:
        return n_terms
    if max_features in ("sqrt", "log2"):
        rule = math.sqrt if max_features == "sqrt" else math.log2
        return max(1, int(rule(n_terms)))
    if isinstance(max_features, str):
        raise ModelError(
            f"{where}: max_features={max_features!r}; give 'sqrt', 'log2', a number, a share or "
            "None."
        )
    if isinstance(max_features, float) and 0 < max_features <= 1:
        return max(1, int(max_features * n_terms))
    check_number(where, "max_features", max_features, low=1, whole=True)
    return min(n_terms, int(max_features))


def free_memory() -> float:
    """Say how much memory the machine has to give."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * float(line.split()[1])
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, AttributeError, ValueError):
        return _UNKNOWN_MACHINE


def check_room(where: str, needed: float, advice: str) -> None:
    """Refuse a fit that would not fit into memory, before it is begun."""
    free = free_memory()
    if needed > free:
        raise ModelError(
            f"{where}: would take about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; "
            f"{advice}."
        )
