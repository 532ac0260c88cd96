"""Exact Shapley values of one mechanism for encoded patients, summed to variables and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.explain.game import shapley_matrix, sum_coalitions
from allsurv.explain.trees import tree_coalitions, tree_shap
from allsurv.features.encoding import Term
from allsurv.models.mechanisms import Boosted, Forest, Linear, Mechanism
from allsurv.models.trees import Trees

__all__ = ["Question", "explain_score", "explain_survival", "make_question"]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]

TOLERANCE = 1e-8
CHUNK = 1 << 22  # coalitions times patients held at once


@dataclass(frozen=True, eq=False)
class Question:
    """A mechanism, encoded patients, and which variable each term belongs to.

    Parameters
    ----------
    mechanism : Linear, Boosted or Forest
        What predicts.
    design : ndarray of shape (n_patients, n_terms)
        Encoded patients.
    reference : ndarray of shape (n_terms,)
        Patient from whom a linear model is explained.
    variables : tuple of str
        Names of the variables.
    variable_of : ndarray of int of shape (n_terms,)
        Variable each term belongs to.
    family : str
        Family of the model, for messages.
    """

    mechanism: Linear | Boosted | Forest
    design: Floats
    reference: Floats
    variables: tuple[str, ...]
    variable_of: Steps
    family: str

    def by_variable(self, by_term: Floats) -> Floats:
        """Sum over the terms of each variable.

        Parameters
        ----------
        by_term : ndarray of shape (n_patients, n_terms, ...)
            What each term adds.

        Returns
        -------
        ndarray of shape (n_patients, n_variables, ...)
            What each variable adds.
        """
        out = np.zeros((by_term.shape[0], len(self.variables), *by_term.shape[2:]))
        for term, variable in enumerate(self.variable_of):
            out[:, variable] += by_term[:, term]
        return out


def make_question(
    mechanism: Mechanism,
    design: Floats,
    reference: Floats,
    terms: Sequence[Term],
    variables: Sequence[str],
    *,
    family: str,
) -> Question:
    """Put together what is to be explained.

    Parameters
    ----------
    mechanism : Mechanism
        What predicts.
    design : ndarray of shape (n_patients, n_terms)
        Encoded patients.
    reference : ndarray of shape (n_terms,)
        Patient from whom a linear model is explained.
    terms : sequence of Term
        Columns of the design.
    variables : sequence of str
        Names of the variables.
    family : str
        Family of the model, for messages.

    Returns
    -------
    Question
        Ready to be asked.

    Raises
    ------
    ModelError
        If the mechanism tells no patients apart.
    """
    if not isinstance(mechanism, Linear | Boosted | Forest):
        raise ModelError(
            f"explain: a model of family '{family}' gives every patient the same prediction; "
            "explain one of another family."
        )
    names = tuple(map(str, variables))
    variable_of = np.array([names.index(term.variable) for term in terms], dtype=np.intp)
    return Question(mechanism, design, reference, names, variable_of, family)


def explain_score(asked: Question) -> tuple[Floats, float]:
    """Split each risk score.

    Parameters
    ----------
    asked : Question
        Mechanism and patients.

    Returns
    -------
    values : ndarray of shape (n_patients, n_variables)
        What each variable adds.
    base : float
        Score of a patient of whom nothing is known.

    Raises
    ------
    ModelError
        If values and base miss a score by more than 1e-8.
    """
    mechanism = asked.mechanism
    if isinstance(mechanism, Linear):
        values = asked.by_variable((asked.design - asked.reference) * mechanism.coef)
        base = float(asked.reference @ mechanism.coef)
    else:
        leaf_value = mechanism.trees.value
        if isinstance(mechanism, Forest):
            leaf_value = leaf_value.sum(axis=1, keepdims=True) / mechanism.trees.root.size
        by_time, bases = _tree_shap(asked, mechanism.trees, leaf_value)
        values, base = by_time[:, :, 0], float(bases[0])
    _refuse_inexact(asked, values, np.array(base), mechanism.risk_score(asked.design))
    return values, base


def explain_survival(asked: Question, steps: Steps) -> tuple[Floats, Floats]:
    """Split each predicted survival.

    Parameters
    ----------
    asked : Question
        Mechanism and patients.
    steps : ndarray of int of shape (n_times,)
        Positions on the time grid.

    Returns
    -------
    values : ndarray of shape (n_patients, n_variables, n_times)
        What each variable adds.
    base : ndarray of shape (n_times,)
        Survival of a patient of whom nothing is known.

    Raises
    ------
    ModelError
        If values and base miss a survival by more than 1e-8, or there are too many variables.
    """
    mechanism = asked.mechanism
    if isinstance(mechanism, Forest):
        leaf_value = mechanism.leaf_survival(steps) / mechanism.trees.root.size
        values, base = _tree_shap(asked, mechanism.trees, leaf_value)
    else:
        values, base = _coalition_survival(asked, mechanism, mechanism.hazard[steps])
    _refuse_inexact(asked, values, base, mechanism.survival(asked.design, steps))
    return values, base


def _coalition_survival(
    asked: Question, mechanism: Linear | Boosted, hazard: Floats
) -> tuple[Floats, Floats]:
    to_values = shapley_matrix(len(asked.variables))
    rows = max(1, CHUNK // to_values.shape[1])
    values = np.empty((len(asked.design), len(asked.variables), hazard.size))
    base = np.empty(hazard.size)
    for first in range(0, len(asked.design), rows):
        part = slice(first, first + rows)
        relative = np.exp(_score_coalitions(asked, mechanism, part))
        base = np.exp(-hazard * relative[0, 0])
        for k, cumulative in enumerate(hazard):
            values[part, :, k] = (to_values @ np.exp(-cumulative * relative)).T
    return values, base


def _score_coalitions(asked: Question, mechanism: Linear | Boosted, rows: slice) -> Floats:
    if isinstance(mechanism, Linear):
        parts = asked.by_variable((asked.design[rows] - asked.reference) * mechanism.coef)
        return sum_coalitions(parts) + asked.reference @ mechanism.coef
    return tree_coalitions(
        mechanism.trees,
        mechanism.trees.value[:, 0],
        asked.design[rows],
        asked.variable_of,
        len(asked.variables),
    )


def _tree_shap(asked: Question, trees: Trees, leaf_value: Floats) -> tuple[Floats, Floats]:
    by_term, base = tree_shap(trees, leaf_value, asked.design)
    return asked.by_variable(by_term), base


def _refuse_inexact(asked: Question, values: Floats, base: Floats, prediction: Floats) -> None:
    error = float(np.abs(values.sum(axis=1) + base - prediction).max(initial=0.0))
    scale = max(1.0, float(np.abs(prediction).max(initial=0.0)))
    if not error <= TOLERANCE * scale:
        raise ModelError(
            f"explain: SHAP values of '{asked.family}' miss the prediction by {error:.1e}; at most "
            f"{TOLERANCE:g} is allowed. They are not exact and must not be used."
        )
