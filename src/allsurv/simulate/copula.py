"""Baseline variables of mixed kinds, drawn together: a Gaussian copula.

Every variable is cut from one or several latent normal scores: a number from one, by its smoothed
quantiles; ordered levels from one, by thresholds; unordered levels from one per step ("is it the
first, if not the second, ..."); and whether a value is known at all from one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from allsurv.simulate.codes import Codebook, Columns, decimals_of
from allsurv.simulate.correlation import kept_apart, latent_correlation, see, shrunken
from allsurv.study.spec import Variable

__all__ = ["SCORES", "BaselineModel", "fit_baseline", "quantile_knots"]

Floats = NDArray[np.float64]
_PROBABILITIES = np.concatenate([[0.005], np.arange(1, 100) / 100, [0.995]])
SCORES = np.concatenate([[-4.0], ndtri(_PROBABILITIES), [4.0]])
"""Latent scores between which quantiles are interpolated."""
_UNDECIDED = -2


@dataclass(frozen=True, eq=False)
class _Latent:
    """One latent score: what of which variable it decides, and how it was seen."""

    variable: str
    role: Literal["number", "ordered", "step", "missing"]
    scores: Floats
    cuts: Floats
    level: int = 0
    otherwise: int = 0


@dataclass(frozen=True, eq=False)
class BaselineModel:
    """What it takes to draw baseline variables.

    Attributes
    ----------
    codebook : Codebook
        How variables are held.
    latents : tuple
        What each latent score decides, in the order of the data dictionary.
    factor : ndarray of shape (n_latents, n_latents)
        Lower triangular factor of the latent correlation.
    """

    codebook: Codebook
    latents: tuple[_Latent, ...]
    factor: Floats

    @property
    def correlation(self) -> Floats:
        """Latent correlation that is drawn from."""
        return self.factor @ self.factor.T

    def draw(self, n: int, rng: np.random.Generator) -> Columns:
        """Draw patients."""
        normals = rng.standard_normal((self.factor.shape[0], n))
        scores = self.factor @ normals
        columns: Columns = {}
        for latent, score in zip(self.latents, scores, strict=True):
            self._apply(latent, score, columns)
        for name in columns:
            only_if = self.codebook.study.variable(name).only_if
            if only_if:
                absent = ~self.codebook.holds(columns, only_if)
                columns[name][absent] = -1 if name in self.codebook.values else np.nan
        return columns

    def _apply(self, latent: _Latent, score: Floats, columns: Columns) -> None:
        name = latent.variable
        if latent.role == "number":
            columns[name] = np.round(np.interp(score, SCORES, latent.cuts), latent.level)
        elif latent.role == "ordered":
            codes = np.zeros(score.size, dtype=np.int8)
            for cut in latent.cuts:
                codes += score > cut
            columns[name] = codes
        elif latent.role == "step":
            codes = columns.setdefault(name, np.full(score.size, _UNDECIDED, dtype=np.int8))
            undecided = codes == _UNDECIDED
            codes[undecided] = np.where(
                score[undecided] > latent.cuts[0], latent.otherwise, latent.level
            )
        else:
            missing = -1 if name in self.codebook.values else np.nan
            columns[name][score > latent.cuts[0]] = missing


def quantile_knots(values: Floats) -> Floats:
    """Quantiles of numbers at the scores that draws are interpolated between."""
    inner = np.quantile(values, _PROBABILITIES, method="hazen")
    return np.concatenate([[values.min()], inner, [values.max()]])


def fit_baseline(codebook: Codebook, columns: Columns) -> BaselineModel:
    r"""Learn margins and dependence of the baseline variables."""
    study = codebook.study
    latents = tuple(
        latent
        for name, values in columns.items()
        if (v := study.variable(name)).known == "baseline" and v.derivation is None
        for latent in _latents_of(codebook, v, values, _asked(codebook, v, columns))
    )
    seen = see(np.column_stack([latent.scores for latent in latents]))
    correlation = latent_correlation(shrunken(seen) / seen.attenuation)
    # A variable asked only where another has a level is never seen with that other one either.
    blocks = [
        next(iter(study.variable(latent.variable).only_if), latent.variable) for latent in latents
    ]
    correlation = kept_apart(correlation, blocks)
    return BaselineModel(codebook, latents, np.asarray(np.linalg.cholesky(correlation)))


def _asked(codebook: Codebook, variable: Variable, columns: Columns) -> NDArray[np.bool_]:
    if not variable.only_if:
        return np.ones(next(iter(columns.values())).size, dtype=bool)
    return codebook.holds(columns, variable.only_if)


def _latents_of(
    codebook: Codebook, variable: Variable, values: NDArray[np.float64], asked: NDArray[np.bool_]
) -> Iterator[_Latent]:
    name = variable.name
    coded = name in codebook.values
    known = asked & (values >= 0 if coded else ~np.isnan(values))
    if not known.any():
        return
    if not coded:
        found = values[known]
        scores = _spread(ndtri((rankdata(found) - 0.5) / found.size), known)
        yield _Latent(name, "number", scores, quantile_knots(found), decimals_of(found))
    elif variable.kind == "nominal" and len(variable.levels) > 2:
        yield from _steps(name, values, known, len(variable.levels))
    else:
        share = np.bincount(values[known].astype(int), minlength=len(codebook.values[name]))
        cuts, means = _thresholds(share / share.sum())
        yield _Latent(name, "ordered", _spread(means[values[known].astype(int)], known), cuts)
    if not known[asked].all():
        cuts, means = _thresholds(np.array([known[asked].mean(), 1 - known[asked].mean()]))
        scores = _spread(means[(~known[asked]).astype(int)], asked)
        yield _Latent(name, "missing", scores, cuts)


def _steps(
    name: str, values: NDArray[np.float64], known: NDArray[np.bool_], n_levels: int
) -> Iterator[_Latent]:
    present = [k for k in range(n_levels) if (values[known] == k).any()]
    left = known.copy()
    for level in present[:-1] or present:
        later = values[left] != level
        cuts, means = _thresholds(np.array([1 - later.mean(), later.mean()]))
        otherwise = present[-1] if level == present[-2:][0] else _UNDECIDED
        scores = _spread(means[later.astype(int)], left)
        yield _Latent(name, "step", scores, cuts, level, otherwise)
        left &= values != level


def _thresholds(share: Floats) -> tuple[Floats, Floats]:
    """Cut a normal score into intervals of given probabilities; give the mean of each."""
    cuts = ndtri(np.clip(np.cumsum(share)[:-1], 0, 1))
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    density = np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (density[:-1] - density[1:]) / share
    return cuts, np.where(share > 0, means, 0.0)


def _spread(values: Floats, where: NDArray[np.bool_]) -> Floats:
    out = np.full(where.size, np.nan)
    out[where] = values
    return out
