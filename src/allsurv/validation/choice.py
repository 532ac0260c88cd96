"""Which of several models to recommend, by a rule stated beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from allsurv.errors import ModelError
from allsurv.models.catalog import REFERENCES, find_family, model_label

__all__ = ["Choice", "choose"]

RULE = "ipa"
"""Measure by which models are chosen: it counts discrimination and calibration at once."""


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


def choose(
    performance: pd.DataFrame,
    *,
    margin: float = 0.005,
    families: Mapping[str, str] | None = None,
) -> Choice:
    """Recommend the model with the highest mean IPA over the horizons.

    IPA counts discrimination and calibration at once. Models within ``margin`` of the best are
    tied; a tie goes to the simplest family, by ``Family.complexity``: Cox, elastic-net Cox,
    componentwise boosting, boosting by trees, forest. References (Kaplan-Meier, the published
    equation) and challengers of other packages, which are not exported, are never chosen; the
    statement says how the best challenger did.

    Parameters
    ----------
    performance : DataFrame
        Rows as in ``Validation.performance``.
    margin : float, default=0.005
        Difference in mean IPA that counts as a tie.
    families : mapping from str to str, optional
        Family of each model whose name in the table is not that of its family.

    Returns
    -------
    Choice
        Name and statement.

    Raises
    ------
    ModelError
        If no model has an IPA at every horizon, or the family of a model is unknown.

    Examples
    --------
    >>> table = pd.DataFrame({"model": ["rsf", "cox"], "measure": "ipa", "horizon": 12.0,
    ...                       "estimate": [0.102, 0.100]})
    >>> choose(table).model
    'cox'
    """
    of = {
        name: find_family((families or {}).get(name, REFERENCES.get(name, name)))
        for name in performance["model"].unique()
    }
    measured = performance[performance["measure"] == RULE]
    role = measured["model"].map(lambda name: of[name].role)
    ipa = measured[role == "trained"]
    horizons = sorted(ipa["horizon"].unique())
    mean = _mean(ipa)
    if mean.empty:
        raise ModelError("choose: no model has an IPA at every horizon; look at its 'reason'.")
    tied = [str(name) for name in mean.index[mean >= mean.max() - margin]]
    best = min(tied, key=lambda name: (of[name].complexity, tied.index(name)))
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
    challengers = _mean(measured[role == "challenger"])
    if not challengers.empty:
        first = str(challengers.idxmax())
        said.append(
            f" Challengers of other packages are not exported and not considered; the best of "
            f"them, {model_label(first) if first not in (families or {}) else first}, had mean "
            f"IPA {challengers[first]:.3f}."
        )
    unmeasured = [str(name) for name in ipa["model"].unique() if name not in mean.index]
    if unmeasured:
        said.append(
            f" Without an IPA at every horizon, and not considered: {_enumerate(unmeasured)}."
        )
    if not np.any(mean > 0):
        said.append(" No model predicts better than giving every patient the average.")
    return Choice(best, "".join(said))


def _mean(ipa: pd.DataFrame) -> pd.Series:
    """Mean over horizons of each model that has a value at every one."""
    by_model = ipa.pivot_table(
        index="model", columns="horizon", values="estimate", sort=False, dropna=False
    )
    return by_model.mean(axis=1, skipna=False).dropna()


def _enumerate(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
