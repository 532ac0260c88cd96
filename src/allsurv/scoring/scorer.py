"""Scoring new patients with a saved risk model.

Importing this loads next to nothing; numpy and pandas come with the first model, and nothing else
does. An address of MLflow (``models:/``, ``runs:/``) is resolved by what the package offers as an
entry point (:mod:`allsurv.scoring.addresses`), so scoring from a folder needs no MLflow.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from allsurv.scoring.addresses import is_address, local_folder

if TYPE_CHECKING:
    import pandas as pd

    from allsurv.riskmodel.model import RiskModel
    from allsurv.scoring.engine import OnError

__all__ = ["RiskScorer"]


class RiskScorer:
    """A risk model at work: checked risks for new patients.

    Parameters
    ----------
    risk_model : RiskModel
        The model.
    """

    def __init__(self, risk_model: RiskModel) -> None:
        from allsurv.scoring.engine import Engine
        from allsurv.scoring.units import suspect_units

        self.risk_model = risk_model
        self._engine = Engine(risk_model)
        self._judge = partial(suspect_units, risk_model)

    @classmethod
    def load(cls, address: str | Path) -> RiskScorer:
        """Open a saved risk model.

        Parameters
        ----------
        address : str or Path
            Folder of a risk model, or where MLflow keeps one: ``models:/name@alias``,
            ``models:/name/version``, ``runs:/id/path``.

        Returns
        -------
        RiskScorer
            Ready to score.

        Raises
        ------
        RiskModelError
            If there is no risk model, or a part of it is missing, damaged or altered.
        """
        from allsurv.riskmodel.model import RiskModel

        if isinstance(address, str) and is_address(address):
            address = local_folder(address)
        return cls(RiskModel.read(address))

    def score(
        self,
        frame: pd.DataFrame,
        horizons: Sequence[float] | None = None,
        *,
        explain: bool = False,
        on_error: OnError = "raise",
        trusted_units: Collection[str] = (),
    ) -> pd.DataFrame:
        """Score patients, or say all that is wrong with their data.

        Parameters
        ----------
        frame : DataFrame of shape (n_patients, n_columns)
            One row per patient, columns as in a file of the study (see
            ``risk_model.variables``); others are ignored. A derived predictor may be given in
            place of its sources.
        horizons : sequence of float, optional
            Times at which survival is wanted, in the unit of the study; those of the model by
            default.
        explain : bool, default=False
            Whether to add what each variable adds to the risk score (exact Shapley values).
        on_error : {"raise", "report"}, default="raise"
            ``report`` scores the good rows; a bad one has no risk, and its reasons in ``fault``.
            What makes the whole table unreadable, such as a missing column, always raises.
        trusted_units : collection of str
            Variables whose unit you vouch for, though their values look a power of ten off.

        Returns
        -------
        DataFrame
            One row per patient, in the order and with the index of ``frame``: ``risk_score``
            (higher is worse), ``risk_centile`` (per cent of development that scored lower),
            ``risk_group``; per horizon ``survival_12`` with ``survival_12_lower`` and
            ``survival_12_upper`` (instability interval: what refits on other samples of the
            cohort predict; NaN where the model was exported without); ``extrapolating``,
            ``imputed``, ``outside_population`` (names of variables, empty for none); ``fault``
            (empty for none). With ``explain`` also ``contribution_base`` and one
            ``contribution_<variable>``, which sum to ``risk_score``.

        Raises
        ------
        CohortError
            If data break the study's dictionary; ``.violations`` names every row.
        ModelError
            If horizons are not a list of different numbers, one lies beyond the follow-up of
            development, or ``on_error`` is unknown.
        """
        judge = partial(self._judge, trusted=trusted_units)
        return self._engine.score(frame, horizons, judge, explain=explain, on_error=on_error)
