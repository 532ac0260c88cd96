"""Where a fitted model comes from, in plain values."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from allsurv import __version__
from allsurv.cohort.table import Cohort
from allsurv.policy.rules import CMS

if TYPE_CHECKING:
    from allsurv.models.base import SurvivalModel

__all__ = ["origin_of", "package_versions"]

_EVERY = ("numba", "numpy", "pandas", "scikit-learn", "scikit-survival", "scipy")


def origin_of(model: SurvivalModel, cohort: Cohort) -> dict[str, Any]:
    """Say of a fitted model what any user of it must be able to trace."""
    parameters = {
        name: value
        for name, value in model.get_params(deep=False).items()
        if value is None or isinstance(value, bool | int | float | str)
    }
    return {
        "n_patients": model.n_patients_,
        "n_events": model.n_events_,
        "n_imputed": {name: _shown(n) for name, n in model.encoder_.imputed_.items()},
        "missing": model.encoder_.missing,
        "parameters": parameters,
        "source": asdict(cohort.source),
        "study_digest": cohort.study.digest,
        "versions": package_versions(model.software),
    }


def package_versions(packages: Sequence[str] = _EVERY) -> dict[str, str]:
    """List the versions of what bears on the numbers: of a job that may fit any family, of all."""
    return {
        "python": platform.python_version(),
        "allsurv": __version__,
        **{package: version(package) for package in sorted(set(packages))},
    }


def _shown(count: int) -> int | str:
    return f"<{CMS.threshold}" if CMS.is_small(count) else count
