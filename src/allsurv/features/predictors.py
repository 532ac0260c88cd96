"""Who may predict: variables that are known when the prediction is made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from allsurv.errors import ModelError
from allsurv.study.spec import Study

__all__ = ["check_predictors"]


def check_predictors(study: Study, predictors: Sequence[str], endpoint: str) -> None:
    """Refuse predictors that nobody can know when the prediction is made.

    Parameters
    ----------
    study : Study
        Its data dictionary says when a value is known.
    predictors : sequence of str
        Variables that are to enter a prognostic model.
    endpoint : str
        What is predicted.

    Raises
    ------
    ModelError
        If a predictor is part of the outcome, becomes known only after the prediction moment, is
        an identifier, or is named twice.

    Notes
    -----
    A patient must live long enough to respond, or to be transplanted. Taken as a baseline
    variable, either credits that time to the treatment: immortal time bias [1]_.

    References
    ----------
    .. [1] Suissa S. Am J Epidemiol. 2008;167(4):492-499. doi:10.1093/aje/kwm324

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> study = load_study("rr-all")
    >>> check_predictors(study, ["age", "tp53_mut"], "os")
    >>> check_predictors(study, ["age", "response"], "os")
    Traceback (most recent call last):
    ...
    allsurv.errors.ModelError: predictors: 'response' is not known at ...
    """
    outcome = _outcome_variables(study, endpoint)
    for position, name in enumerate(predictors):
        variable = study.variable(name)
        if name in predictors[:position]:
            raise ModelError(f"predictors: '{name}' is named twice; name it once.")
        if variable.kind == "identifier":
            raise ModelError(
                f"predictors: '{name}' tells patients apart and predicts nothing; leave it out."
            )
        if variable.known == "outcome" or name in outcome:
            raise ModelError(
                f"predictors: '{name}' is part of an outcome of study '{study.name}'; a model "
                f"that sees it does not predict. Allowed: {_allowed(study)}."
            )
        if variable.known != "baseline":
            raise ModelError(
                f"predictors: '{name}' is not known at {study.prediction.moment}. A patient must "
                "live long enough to have it, so as a baseline predictor it would credit that time "
                "to itself (immortal time). Use it as a time-dependent variable of an analysis, or "
                f"from a landmark. Allowed: {_allowed(study)}."
            )


def _outcome_variables(study: Study, endpoint: str) -> set[str]:
    chosen = study.endpoint(endpoint)
    return {chosen.time, *chain.from_iterable(condition for condition in chosen.event)}


def _allowed(study: Study) -> str:
    names = study.baseline()
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more
