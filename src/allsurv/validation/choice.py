"""Which of several models to recommend, by a rule stated beforehand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from allsurv.errors import ModelError

__all__ = ["Choice", "choose"]

SIMPLEST_FIRST = ("cox", "coxnet", "cgbs", "gbs", "rsf")
REFERENCES = ("kaplan_meier", "published")


class Choice(NamedTuple):
    """The recommended model and the sentence that says how it was found.

    Attributes
    ----------
    model : str
        Its name.
    statement : str
        Rule, figure and what the figure cannot say.
    """

    model: str
    statement: str


def choose(performance: pd.DataFrame, *, margin: float = 0.005) -> Choice:
    """Recommend the model with the highest mean IPA over the horizons.

    IPA counts discrimination and calibration at once. Models within ``margin`` of the best are
    tied; a tie goes to the simplest: Cox, elastic-net Cox, componentwise boosting, boosting by
    trees, forest, then any other in the order of the table. The references, Kaplan-Meier and the
    published equation, are never chosen.

    Parameters
    ----------
    performance : DataFrame
        Rows as in ``Validation.performance``.
    margin : float, default=0.005
        Difference in mean IPA that counts as a tie.

    Returns
    -------
    Choice
        Name and statement.

    Raises
    ------
    ModelError
        If no model has an IPA at every horizon.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["rsf", "cox"], "measure": "ipa", "horizon": 12.0,
    ...                       "estimate": [0.102, 0.100]})
    >>> choose(table).model
    'cox'
    """
    ipa = performance[(performance["measure"] == "ipa") & ~performance["model"].isin(REFERENCES)]
    horizons = sorted(ipa["horizon"].unique())
    by_model = ipa.pivot_table(
        index="model", columns="horizon", values="estimate", sort=False, dropna=False
    )
    mean = by_model.mean(axis=1, skipna=False).dropna()
    if mean.empty:
        raise ModelError("choose: no model has an IPA at every horizon; look at its 'reason'.")
    tied = [str(name) for name in mean.index[mean >= mean.max() - margin]]
    best = min(tied, key=lambda name: (_complexity(name), tied.index(name)))
    at = _enumerate([f"{h:g}" for h in horizons])
    said = [f"Chosen: {best}, mean IPA {mean[best]:.3f} over horizons {at}"]
    if len(tied) > 1:
        said.append(
            f", the simplest of {_enumerate(tied)}, which lie within {margin:g} of the best"
        )
    elif len(mean) > 1:
        said.append(f", the highest of {len(mean)} models")
    said.append(
        ". The choice was made on the same resamples that measure the models, so the chosen one's "
        "figures are a little optimistic."
    )
    unmeasured = [str(name) for name in ipa["model"].unique() if name not in mean.index]
    if unmeasured:
        said.append(
            f" Without an IPA at every horizon, and not considered: {_enumerate(unmeasured)}."
        )
    if not np.any(mean > 0):
        said.append(" No model predicts better than Kaplan-Meier, which knows no patient.")
    return Choice(best, "".join(said))


def _complexity(name: str) -> int:
    return SIMPLEST_FIRST.index(name) if name in SIMPLEST_FIRST else len(SIMPLEST_FIRST)


def _enumerate(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
