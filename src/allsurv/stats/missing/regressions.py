"""Multinomial and proportional-odds regressions kept finite by lightly weighted pseudo-patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from allsurv.stats.missing.newton import maximise

__all__ = [
    "augmented_multinomial",
    "augmented_ordinal",
    "multinomial_probabilities",
    "ordinal_probabilities",
]

Floats = NDArray[np.float64]


def augmented_multinomial(
    y: ArrayLike,
    known: ArrayLike,
    X: ArrayLike,
    *,
    n_levels: int = 2,
    start: Floats | None = None,
) -> tuple[Floats, Floats]:
    r"""Fit multinomial regressions that stay finite under perfect prediction.

    With two levels this is logistic regression.

    Parameters
    ----------
    y : array-like of shape (n_patients,)
        Level, from 0; not looked at where not known.
    known : array-like of bool of shape (n_patients,)
        Who is fitted; each level must be among them.
    X : array-like of shape (n_fits, n_patients, n_columns)
        Predictors of each fit, without intercept; mean, spread and range are those of all.
    n_levels : int, default=2
        Levels.
    start : ndarray, optional
        Coefficients to begin at, as returned.

    Returns
    -------
    coef : ndarray of shape (n_fits, n_levels - 1, n_columns + 1)
        Log odds of each level against level 0, intercept first.
    information : ndarray of shape (n_fits, n, n)
        Their information, levels one after the other, n = (n_levels - 1)(n_columns + 1).

    Raises
    ------
    ModelError
        If a maximum is not reached.

    Notes
    -----
    For each predictor and each level, two pseudo-patients half a standard deviation above and
    below its mean, all others at theirs; together they count as many patients as there are
    coefficients per level [1]_. Checked against R ``nnet::multinom``, and with two levels
    ``glm``, on ``mice:::augment``.

    References
    ----------
    .. [1] White IR, Daniel R, Royston P. Comput Stat Data Anal. 2010;54(10):2267-2275.
       doi:10.1016/j.csda.2010.04.005
    """
    rows, level, weight = _augmented(y, known, X, n_levels)
    is_level = (level == np.arange(1, n_levels)[:, None]).astype(float)
    m, _, q = rows.shape
    k = n_levels - 1
    columns = np.ascontiguousarray(rows.transpose(0, 2, 1))

    def likelihoods(flat: Floats) -> tuple[Floats, Floats, Floats]:
        linear = flat.reshape(m, k, q) @ columns
        p, log_total = _softmax(linear)
        value = ((linear * is_level).sum(axis=1) - log_total) @ weight
        score = ((weight * (is_level - p)) @ rows).reshape(m, k * q)
        information = np.empty((m, k, q, k, q))
        for a in range(k):
            for b in range(a, k):
                share = weight * p[:, a] * ((a == b) - p[:, b])
                block = (columns * share[:, None]) @ rows
                information[:, a, :, b, :] = information[:, b, :, a, :] = block
        return value, score, information.reshape(m, k * q, k * q)

    first = np.zeros((m, k * q)) if start is None else np.reshape(start, (m, k * q))
    coef, information = maximise(likelihoods, first)
    return coef.reshape(m, k, q), information


def _softmax(linear: Floats) -> tuple[Floats, Floats]:
    """Probabilities of all levels but the first, whose log odds are 0, and the log of their sum.

    Levels are the middle axis: NumPy sums along a long last axis faster than along a short one.
    """
    top = np.maximum(linear.max(axis=1), 0.0)
    odds = np.exp(linear - top[:, None])
    total = odds.sum(axis=1) + np.exp(-top)
    return odds / total[:, None], top + np.log(total)


def multinomial_probabilities(coef: Floats, X: Floats) -> Floats:
    """Give each patient's probability of each level.

    Parameters
    ----------
    coef : ndarray of shape (n_fits, n_levels - 1, n_columns + 1)
        As of :func:`augmented_multinomial`.
    X : ndarray of shape (n_fits, n_patients, n_columns)
        Predictors.

    Returns
    -------
    ndarray of shape (n_fits, n_levels, n_patients)
        Summing to 1 over levels.
    """
    p, _ = _softmax(coef[:, :, :1] + coef[:, :, 1:] @ X.transpose(0, 2, 1))
    return np.concatenate([1 - p.sum(axis=1, keepdims=True), p], axis=1)


def augmented_ordinal(
    y: ArrayLike,
    known: ArrayLike,
    X: ArrayLike,
    *,
    n_levels: int,
    start: Floats | None = None,
) -> tuple[Floats, Floats]:
    r"""Fit proportional-odds regressions that stay finite under perfect prediction.

    Parameters
    ----------
    y : array-like of shape (n_patients,)
        Level, from 0, in order; not looked at where not known.
    known : array-like of bool of shape (n_patients,)
        Who is fitted; each level must be among them.
    X : array-like of shape (n_fits, n_patients, n_columns)
        Predictors of each fit.
    n_levels : int
        Levels, at least two.
    start : ndarray, optional
        Coefficients to begin at, as returned.

    Returns
    -------
    coef : ndarray of shape (n_fits, n_levels - 1 + n_columns)
        Thresholds, rising, then slopes: :math:`P(y \le k) = 1 / (1 + e^{x \beta - \theta_k})`.
    information : ndarray of shape (n_fits, n_levels - 1 + n_columns, n_levels - 1 + n_columns)
        Their observed information.

    Raises
    ------
    ModelError
        If a maximum is not reached.

    Notes
    -----
    The log-likelihood is concave, so that Newton's method finds its one maximum. Pseudo-patients
    as in :func:`augmented_multinomial`. Checked against R ``ordinal::clm`` on ``mice:::augment``.
    """
    rows, level, weight = _augmented(y, known, X, n_levels)
    likelihoods = _OrdinalLikelihoods(rows[:, :, 1:], level, weight, n_levels)
    return maximise(likelihoods, likelihoods.start() if start is None else start)


class _OrdinalLikelihoods:
    """Log-likelihoods of proportional odds, with scores and observed informations."""

    def __init__(self, X: Floats, level: NDArray[np.intp], weight: Floats, n_levels: int) -> None:
        self.X, self.level, self.weight = X, level, weight
        self.k = n_levels - 1
        is_level = (level[:, None] == np.arange(n_levels)).astype(float)
        self.below_threshold = is_level[:, :-1]  # level j lies just below threshold j
        self.above_threshold = is_level[:, 1:]

    def start(self) -> Floats:
        """Thresholds of the levels' shares, slopes of nothing."""
        m, _, p = self.X.shape
        share = np.cumsum(np.bincount(self.level, self.weight))[:-1] / self.weight.sum()
        return np.tile(np.concatenate([np.log(share / (1 - share)), np.zeros(p)]), (m, 1))

    def __call__(self, coef: Floats) -> tuple[Floats, Floats, Floats]:
        k, X = self.k, self.X
        ends = np.full((len(coef), 1), np.inf)
        theta = np.concatenate([-ends, coef[:, :k], ends], axis=1)
        linear = (X @ coef[:, k:, None])[..., 0]
        above, below = theta[:, self.level + 1] - linear, theta[:, self.level] - linear
        up_to, under = expit(above), expit(below)
        # From the nearer tail, so that the difference keeps its digits far out.
        p_level = np.where(below > 0, expit(-below) - expit(-above), up_to - under).clip(1e-300)
        value = np.log(p_level) @ self.weight
        value[np.any(np.diff(coef[:, :k], axis=1) <= 0, axis=1)] = -np.inf
        a, b = up_to * expit(-above) / p_level, under * expit(-below) / p_level
        # Minus the second derivatives of log(F(above) - F(below)); F' = F(1 - F), F'' = F'(1 - 2F).
        aa = self.weight * (a**2 - a * (1 - 2 * up_to))
        bb = self.weight * (b**2 + b * (1 - 2 * under))
        ab = self.weight * a * b
        return value, self._score(self.weight * a, self.weight * b), self._information(aa, bb, ab)

    def _score(self, a: Floats, b: Floats) -> Floats:
        thresholds = a @ self.below_threshold - b @ self.above_threshold
        slopes = ((b - a)[:, None, :] @ self.X)[:, 0]
        return np.concatenate([thresholds, slopes], axis=1)

    def _information(self, aa: Floats, bb: Floats, ab: Floats) -> Floats:
        k, X = self.k, self.X
        m, _, p = X.shape
        found = np.zeros((m, k + p, k + p))
        at = np.arange(k)
        found[:, at, at] = aa @ self.below_threshold + bb @ self.above_threshold
        found[:, at[1:], at[:-1]] = found[:, at[:-1], at[1:]] = -(ab @ self.below_threshold)[:, 1:]
        per_patient = (aa - ab)[:, None] * self.below_threshold.T
        per_patient += (bb - ab)[:, None] * self.above_threshold.T
        mixed = -(per_patient @ X)
        found[:, :k, k:], found[:, k:, :k] = mixed, mixed.transpose(0, 2, 1)
        found[:, k:, k:] = X.transpose(0, 2, 1) @ (X * (aa + bb - 2 * ab)[..., None])
        return found


def ordinal_probabilities(coef: Floats, X: Floats, *, n_levels: int) -> Floats:
    """Give each patient's probability of each level.

    Parameters
    ----------
    coef : ndarray of shape (n_fits, n_levels - 1 + n_columns)
        As of :func:`augmented_ordinal`.
    X : ndarray of shape (n_fits, n_patients, n_columns)
        Predictors.
    n_levels : int
        Levels.

    Returns
    -------
    ndarray of shape (n_fits, n_levels, n_patients)
        Summing to 1 over levels.
    """
    k = n_levels - 1
    up_to = expit(coef[:, :k, None] - coef[:, None, k:] @ X.transpose(0, 2, 1))
    ends = np.zeros((len(coef), 1, X.shape[1]))
    return np.diff(np.concatenate([ends, up_to, ends + 1], axis=1), axis=1)


def _augmented(
    y: ArrayLike, known: ArrayLike, X: ArrayLike, n_levels: int
) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Rows with intercept, levels and weights of who is fitted, pseudo-patients last."""
    outcome, who = np.asarray(y, dtype=float), np.asarray(known, dtype=bool)
    design = np.asarray(X, dtype=float)
    extra = _pseudo_patients(design, n_levels)
    rows = np.concatenate([design[:, who], extra], axis=1)
    rows = np.concatenate([np.ones((*rows.shape[:2], 1)), rows], axis=2)
    added = np.tile(np.repeat(np.arange(n_levels), 2), design.shape[2])
    level = np.concatenate([outcome[who].astype(np.intp), added])
    weight = np.ones(level.size)
    weight[int(who.sum()) :] = rows.shape[2] / max(added.size, 1)
    return rows, level, weight


def _pseudo_patients(design: Floats, n_levels: int) -> Floats:
    m, _, p = design.shape
    mean, spread = design.mean(axis=1), design.std(axis=1, ddof=1)
    extra = np.repeat(mean[:, None, :], 2 * n_levels * p, axis=1).reshape(m, p, 2 * n_levels, p)
    to_either_side = 0.5 * np.tile([1.0, -1.0], n_levels)
    for j in range(p):
        extra[:, j, :, j] += spread[:, j, None] * to_either_side
    low, high = design.min(axis=1), design.max(axis=1)
    clipped: Floats = np.clip(extra.reshape(m, -1, p), low[:, None], high[:, None])
    return clipped
