"""What a configuration chooses, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FindingsPlan", "InstabilityPlan", "OptimismPlan", "TuningPlan"]


@dataclass(frozen=True)
class FindingsPlan:
    """How standardised hazard ratios get their intervals.

    Parameters
    ----------
    bootstrap : int
        Refits of the whole pipeline per model.
    simulated : int
        Refits per model to outcomes of known effect, by which its shrinkage is undone; 0 for none.
    margin : float
        Factor by which two hazard ratios may differ and still count as equivalent.
    """

    bootstrap: int = 25
    simulated: int = 25
    margin: float = 1.5


@dataclass(frozen=True)
class TuningPlan:
    """How parameters are chosen inside every fit.

    Parameters
    ----------
    spaces : mapping
        Family to the values tried per parameter; a family without is not tuned.
    folds : int
        Parts of the inner cross-validation.
    """

    spaces: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    folds: int = 5


@dataclass(frozen=True)
class InstabilityPlan:
    """How it is seen how far predictions move with the sample of patients.

    Parameters
    ----------
    bootstrap : int
        Refits of the whole pipeline per model.
    """

    bootstrap: int = 25


@dataclass(frozen=True)
class OptimismPlan:
    """Bootstrap validation, beside the cross-validation.

    Parameters
    ----------
    bootstrap : int
        Refits of the whole pipeline per model; 0 for none.
    models : tuple of str
        Families it is done for.
    """

    bootstrap: int = 0
    models: tuple[str, ...] = ("cox", "coxnet")
