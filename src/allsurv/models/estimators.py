"""Estimators of other packages: which may be imported by name, and what makes one.

A configuration is data and may come from anywhere, so a path in it must not run a stranger's code.
Only a class is taken, of a package that is trusted: scikit-survival, which allsurv needs anyway, or
one that whoever starts the job has named. A configuration cannot widen that itself.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection
from importlib import import_module
from typing import Any

from allsurv.errors import ModelError

__all__ = ["TRUSTED", "check_estimator", "import_estimator", "path_of"]

TRUSTED = ("sksurv",)
"""Packages whose estimators may be named by import path."""
NEEDED = ("fit", "predict", "get_params", "set_params")


def import_estimator(path: str, *, trusted: Collection[str] = ()) -> type:
    """Import the class of an estimator from a trusted package.

    Raises
    ------
    ModelError
        If the package is not trusted, there is no such class in it, or it is no estimator.

    Examples
    --------
    >>> import_estimator("sksurv.svm.FastSurvivalSVM").__name__
    'FastSurvivalSVM'
    >>> import_estimator("os.system")
    Traceback (most recent call last):
    allsurv.errors.ModelError: os.system: package 'os' is not trusted; allowed are sksurv. ...
    """
    root, (module, _, name) = path.partition(".")[0], path.rpartition(".")
    allowed = (*TRUSTED, *trusted)
    if root not in allowed:
        raise ModelError(
            f"{path}: package '{root}' is not trusted; allowed are {', '.join(allowed)}. Name it "
            "with --trust (trusted= in Python), or give make_model an estimator, not its path."
        )
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise ModelError(
            f"{path}: there is no such class in the packages installed; check the path."
        ) from None
    # What a trusted module has itself imported from elsewhere does not become trusted by that.
    if not inspect.isclass(kind) or kind.__module__.partition(".")[0] not in allowed:
        raise ModelError(f"{path}: is not a class of package '{root}'; name an estimator.")
    check_estimator(kind, where=path)
    if inspect.isabstract(kind):
        raise ModelError(f"{path}: is an abstract class; name an estimator that can be fitted.")
    return kind


def check_estimator(estimator: Any, *, where: str) -> None:
    """Refuse what cannot be fitted, asked and copied as scikit-survival's estimators can."""
    lacking = [name for name in NEEDED if not callable(getattr(estimator, name, None))]
    if lacking:
        raise ModelError(
            f"{where}: is no estimator; it lacks {', '.join(lacking)}. Needed are fit(X, y) and "
            "predict(X) as in scikit-survival, on a class that derives from "
            "sklearn.base.BaseEstimator."
        )


def path_of(kind: type) -> str:
    """Name a class by the shortest path under which its package offers it.

    Examples
    --------
    >>> from sksurv.ensemble import RandomSurvivalForest
    >>> path_of(RandomSurvivalForest)
    'sksurv.ensemble.RandomSurvivalForest'
    """
    parts = kind.__module__.split(".")
    for n in range(1, len(parts)):
        package = ".".join(parts[:n])
        if getattr(sys.modules.get(package), kind.__name__, None) is kind:
            return f"{package}.{kind.__name__}"
    return f"{kind.__module__}.{kind.__name__}"
