"""A family of survival models applied to the hazard of each cause, and combined to risks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from allsurv.errors import ModelError
from allsurv.features import FeatureEncoder
from allsurv.models.base import SurvivalModel
from allsurv.models.competing.base import CompetingModel
from allsurv.riskmodel.causes import CauseMechanism, CausesBoosted, CausesLinear
from allsurv.riskmodel.mechanisms import Boosted, Linear, Mechanism
from allsurv.riskmodel.trees import Trees

__all__ = ["CauseSpecific"]

Floats = NDArray[np.float64]
Causes = NDArray[np.intp]


class CauseSpecific(CompetingModel):
    r"""One model of the hazard of each cause, the others censored; together the risk of each.

    Parameters
    ----------
    model : SurvivalModel
        Of a family with proportional hazards: Cox regression, elastic net, boosting.
    causes : sequence of str, default=("1", "2")
        Names of the causes, in the order of their codes 1, 2, ...

    Notes
    -----
    :math:`F_k(t|x) = \int_0^t S(s|x) \, d\Lambda_k(s|x)`,
    :math:`S = \exp(-\sum_k \Lambda_k)` [1]_. Within a step of the time grid the hazards are taken
    to keep their ratio, so no exact time is needed; R's ``riskRegression::CSC`` with
    ``product.limit = FALSE`` is reached as the grid becomes finer.

    References
    ----------
    .. [1] Benichou J, Gail MH. Biometrics. 1990;46(3):813-826. doi:10.2307/2532098
    """

    def __init__(self, model: SurvivalModel, *, causes: Sequence[str] = ("1", "2")) -> None:
        self.model = model
        self.causes = causes

    @property
    def family(self) -> str:  # type: ignore[override]
        """Name of the family in the catalogue."""
        return f"cause_{self.model.family}"

    @property
    def features(self) -> FeatureEncoder:
        """Features of the model of each cause."""
        return self.model.features

    @property
    def grid(self) -> float:  # type: ignore[override]
        """Step of the time grid."""
        return self.model.grid

    def _learn_causes(self, design: Floats, time: Floats, cause: Causes) -> CauseMechanism:
        learned = []
        for k, name in enumerate(self.causes, start=1):
            one = clone(self.model)
            one.prepare(self.encoder_, time)
            try:
                learned.append(one._learn(design, time, cause == k))
            except ModelError as fault:
                raise type(fault)(f"cause '{name}': {fault}") from None
        return _combined(learned)

    def _needed(self, n_terms: int) -> int:
        return n_terms if self.model.family == "cox" and not getattr(self.model, "ridge", 0) else 1


def _combined(parts: Sequence[Mechanism]) -> CauseMechanism:
    linear = [part for part in parts if isinstance(part, Linear)]
    if len(linear) == len(parts):
        return CausesLinear(
            np.array([part.coef for part in linear]), np.array([part.hazard for part in linear])
        )
    boosted = [part for part in parts if isinstance(part, Boosted)]
    if len(boosted) == len(parts):
        trees = [_in_column(part.trees, k, len(parts)) for k, part in enumerate(boosted)]
        return CausesBoosted(_joined(trees), np.array([part.hazard for part in boosted]))
    raise ModelError(
        f"CauseSpecific: '{parts[0].kind}' has no proportional hazards; choose Cox regression, "
        "elastic net or boosting."
    )


def _in_column(trees: Trees, k: int, n_causes: int) -> Trees:
    """Let the leaves of the trees of a cause speak in a column of their own."""
    value = np.zeros((len(trees.value), n_causes))
    value[:, k] = trees.value[:, 0]
    return replace(trees, value=value)


def _joined(trees: Sequence[Trees]) -> Trees:
    nodes = np.cumsum([0, *(t.left.size for t in trees)])
    leaves = np.cumsum([0, *(len(t.value) for t in trees)])

    def moved(name: str, by: NDArray[np.intp]) -> NDArray[np.int64]:
        arrays = [getattr(t, name) for t in trees]
        return np.concatenate(
            [np.where(a < 0, a, a + n) for a, n in zip(arrays, by[:-1], strict=True)]
        )

    def stacked(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(t, name) for t in trees])

    return Trees(
        root=moved("root", nodes),
        left=moved("left", nodes),
        right=moved("right", nodes),
        term=np.concatenate([t.term for t in trees]),
        threshold=stacked("threshold"),
        n_patients=np.concatenate([t.n_patients for t in trees]),
        leaf=moved("leaf", leaves),
        value=stacked("value"),
    )
