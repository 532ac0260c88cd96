"""Exact Shapley values of one mechanism for encoded patients, by variable and checked.

The game: its players are the clinician's variables. A coalition of variables knows a term that is
computed from them; it knows a product of two variables if it knows both. Of what is not known

- a *linear* model sees the reference patient's values in place of the patient's. A product of a
  variable that is known and one that is not is therefore the patient's value times the
  reference's; that of two unknown ones is the product of the two references.
- *trees* see everybody: where a term that is not known is asked, both branches count, by the
  number of their patients.

That gives the score of a coalition; its survival is what the model makes of that score (or, for a
forest, the mean of its trees). Both are divided by the Shapley value of the same game.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError
from allsurv.explain.game import shapley_matrix
from allsurv.explain.linear import Dividends, linear_dividends
from allsurv.explain.trees import tree_coalitions, tree_shap
from allsurv.riskmodel.encoding import Term
from allsurv.riskmodel.mechanisms import Boosted, Constant, Forest, Linear, Mechanism
from allsurv.riskmodel.products import factors_of, owners_of

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
    factors : tuple of tuple of int
        Per term the terms of single variables it is the product of; itself if it is none.
    owners : ndarray of bool of shape (n_terms, n_variables)
        Variables each term is computed from: two for a product of two.
    family : str
        Family of the model, for messages.
    """

    mechanism: Linear | Boosted | Forest
    design: Floats
    reference: Floats
    variables: tuple[str, ...]
    factors: tuple[tuple[int, ...], ...]
    owners: NDArray[np.bool_]
    family: str

    def dividends(self, coef: Floats, rows: slice = slice(None)) -> Dividends:
        """Take the score of a linear model apart."""
        return linear_dividends(coef, self.design[rows], self.reference, self.factors, self.owners)


def make_question(
    mechanism: Mechanism,
    design: Floats,
    reference: Floats,
    terms: Sequence[Term],
    variables: Sequence[str],
    *,
    family: str,
) -> Question:
    """Put together what is to be explained."""
    if not isinstance(mechanism, Linear | Boosted | Forest | Constant):
        raise ModelError(
            f"explain: a model of '{family}' has no exact explanation, being neither a sum of "
            "terms nor trees that can be read; explain one of another family."
        )
    if isinstance(mechanism, Constant):
        raise ModelError(
            f"explain: a model of family '{family}' gives every patient the same prediction; "
            "explain one of another family."
        )
    names = tuple(map(str, variables))
    factors, owners = factors_of(terms), owners_of(terms, names)
    return Question(mechanism, design, reference, names, factors, owners, family)


def explain_score(asked: Question) -> tuple[Floats, float]:
    """Split each risk score."""
    mechanism = asked.mechanism
    if isinstance(mechanism, Linear):
        found = asked.dividends(mechanism.coef)
        values, base = found.values(), found.base
    else:
        leaf_value = mechanism.trees.value
        if isinstance(mechanism, Forest):
            leaf_value = leaf_value.sum(axis=1, keepdims=True) / mechanism.trees.root.size
        by_time, bases = tree_shap(mechanism.trees, leaf_value, asked.design, asked.owners)
        values, base = by_time[:, :, 0], float(bases[0])
    _refuse_inexact(asked, values, np.array(base), mechanism.risk_score(asked.design))
    return values, base


def explain_survival(asked: Question, steps: Steps) -> tuple[Floats, Floats]:
    """Split each predicted survival."""
    mechanism = asked.mechanism
    if isinstance(mechanism, Forest):
        leaf_value = mechanism.leaf_survival(steps) / mechanism.trees.root.size
        values, base = tree_shap(mechanism.trees, leaf_value, asked.design, asked.owners)
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
        return asked.dividends(mechanism.coef, rows).coalitions()
    leaf_value = mechanism.trees.value[:, 0]
    return tree_coalitions(mechanism.trees, leaf_value, asked.design[rows], asked.owners)


def _refuse_inexact(asked: Question, values: Floats, base: Floats, prediction: Floats) -> None:
    error = float(np.abs(values.sum(axis=1) + base - prediction).max(initial=0.0))
    scale = max(1.0, float(np.abs(prediction).max(initial=0.0)))
    if not error <= TOLERANCE * scale:
        raise ModelError(
            f"explain: SHAP values of '{asked.family}' miss the prediction by {error:.1e}; at most "
            f"{TOLERANCE:g} is allowed. They are not exact and must not be used."
        )
