"""Exact Shapley values of one mechanism for encoded patients, summed to variables and checked.

A term of one variable is known when that variable is; a declared product when both of its are, and
what it adds is shared equally between them, as Shapley values of that game demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.explain.game import interactions_to_coalitions, shapley_matrix
from allsurv.explain.trees import tree_coalitions, tree_shap
from allsurv.features.encoding import Term
from allsurv.features.products import variables_used
from allsurv.models.mechanisms import Boosted, Forest, Linear, Mechanism
from allsurv.models.trees import Trees

__all__ = ["Question", "explain_score", "explain_survival", "make_question"]

Floats = NDArray[np.float64]
Steps = NDArray[np.intp]

TOLERANCE = 1e-8
CHUNK = 1 << 22  # coalitions times patients held at once


@dataclass(frozen=True, eq=False)
class Question:
    """A mechanism, encoded patients, and which variables each term is computed from.

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
    uses : ndarray of bool of shape (n_terms, n_variables)
        Whether a term is computed from a variable: one of them, or the two of a product.
    family : str
        Family of the model, for messages.
    """

    mechanism: Linear | Boosted | Forest
    design: Floats
    reference: Floats
    variables: tuple[str, ...]
    uses: NDArray[np.bool_]
    family: str

    @property
    def coalition_of(self) -> Steps:
        """Number of the smallest coalition in which each term is known."""
        return self.uses @ (1 << np.arange(len(self.variables)))

    def by_variable(self, by_term: Floats) -> Floats:
        """Sum over the terms of each variable, a product shared between its two.

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
        for term, uses in enumerate(self.uses):
            for variable in np.flatnonzero(uses):
                out[:, variable] += by_term[:, term] / uses.sum()
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
    uses = np.array([[name in used for name in names] for used in variables_used(terms)])
    return Question(mechanism, design, reference, names, uses, family)


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
    design, coalition_of = asked.design[rows], asked.coalition_of
    if isinstance(mechanism, Boosted):
        leaf_value = mechanism.trees.value[:, 0]
        return tree_coalitions(
            mechanism.trees, leaf_value, design, coalition_of, len(asked.variables)
        )
    added = np.zeros((1 << len(asked.variables), len(design)))
    parts = (design - asked.reference) * mechanism.coef
    np.add.at(added, coalition_of, parts.T)
    return interactions_to_coalitions(added) + asked.reference @ mechanism.coef


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
