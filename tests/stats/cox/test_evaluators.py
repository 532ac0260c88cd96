"""The ways to evaluate the partial likelihood give what its definition gives, term by term."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.stats.cox import likelihood as cox_likelihood
from allsurv.stats.cox.batch import Batch, BatchDesign
from allsurv.stats.cox.dense import DenseTerms
from allsurv.stats.cox.design import check_cox_data
from allsurv.stats.cox.fit import fit_cox
from allsurv.stats.cox.likelihood import PartialLikelihood

N, P = 60, 3
RNG = np.random.default_rng(5)
TIME = np.ceil(RNG.exponential(8, N)) + 1  # many ties
ROWS = {
    "time": TIME,
    "event": RNG.random(N) < 0.7,
    "X": RNG.normal(size=(N, P)) * [1.0, 3.0, 0.2],
}
OFFSET = RNG.normal(size=N) / 3
WEIGHTS = RNG.integers(0, 4, N).astype(float)
MORE = {
    "plain": {},
    "start": {"start": np.floor(TIME * RNG.random(N) * 0.8)},
    "strata": {"strata": RNG.integers(0, 3, N)},
    "all": {
        "start": np.floor(TIME * RNG.random(N) * 0.8),
        "strata": RNG.integers(0, 3, N),
        "offset": OFFSET,
        "weights": WEIGHTS,
    },
}
DESIGNS = pytest.mark.parametrize("more", MORE.values(), ids=list(MORE))
TIES = pytest.mark.parametrize("ties", ["efron", "breslow"])
BETA = np.array([0.6, -0.3, 0.4])


def by_definition(data, likelihood, beta, ties):
    """Sum w (x b - log D) over the events, D the k-th event's denominator, from second moments."""
    x = (data.X - likelihood.centre) / likelihood.scale
    eta = x @ beta + (0.0 if data.offset is None else data.offset)
    weight = np.ones(N) if data.weights is None else data.weights
    risk = weight * np.exp(eta)
    start = np.full(N, -np.inf) if data.start is None else data.start
    stratum = np.zeros(N, int) if data.stratum is None else data.stratum
    loglik, gradient, information = 0.0, np.zeros(P), np.zeros((P, P))
    for s in np.unique(stratum):
        mine = (stratum == s) & (weight > 0)
        for t in np.unique(data.time[mine & data.event]):
            at_risk = mine & (start < t) & (t <= data.time)
            dead = np.flatnonzero(mine & data.event & (data.time == t))
            loglik += weight[dead] @ eta[dead]
            gradient += weight[dead] @ x[dead]
            mean_weight = weight[dead].mean()
            for k in range(dead.size):
                share = at_risk.astype(float)
                share[dead] -= k / dead.size if ties == "efron" else 0.0
                total = share @ risk
                mean = (share * risk) @ x / total
                second = (x.T * (share * risk)) @ x / total
                loglik -= mean_weight * np.log(total)
                gradient -= mean_weight * mean
                information += mean_weight * (second - np.outer(mean, mean))
    return loglik, gradient, information


def same(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert one == pytest.approx(other, rel=1e-11, abs=1e-11)


@DESIGNS
@TIES
@pytest.mark.parametrize("beta", [np.zeros(P), BETA], ids=["zero", "some"])
def test_written_out_and_sorted_terms_are_the_definition(more, ties, beta, monkeypatch):
    data = check_cox_data(**ROWS, **more)
    written_out = PartialLikelihood(data, ties)
    assert isinstance(written_out.terms, DenseTerms)
    wanted = by_definition(data, written_out, beta, ties)
    same(written_out.evaluate(beta), wanted)
    monkeypatch.setattr(cox_likelihood, "MOST_CELLS", 0)
    by_sums = PartialLikelihood(data, ties)
    assert by_sums.terms is by_sums.sorted_terms
    same(by_sums.evaluate(beta), wanted)
    risk = by_sums.risk(by_sums.linear_predictor(beta)[0])
    hazard = written_out.terms.hazard(risk)
    assert by_sums.terms.hazard(risk) == pytest.approx(hazard, rel=1e-12)


@DESIGNS
@TIES
def test_many_sets_of_weights_are_the_definition(more, ties):
    more = {name: values for name, values in more.items() if name != "weights"}
    design = BatchDesign(check_cox_data(**ROWS, **more), ties, copies=False)
    sets = np.array([np.ones(N), WEIGHTS])
    batch = Batch(design, sets, np.zeros((2, P)))
    found = batch.evaluate(np.array([BETA, -BETA]), np.arange(2))
    for k, beta in enumerate([BETA, -BETA]):
        data = check_cox_data(**ROWS, **more, weights=sets[k])
        plain = PartialLikelihood(check_cox_data(**ROWS, **more), ties)
        wanted = by_definition(data, plain, beta, ties)
        same((found.loglik[k], found.gradient[k], found.information[k]), wanted)


@DESIGNS
@TIES
def test_a_fit_does_not_depend_on_the_way(more, ties, monkeypatch):
    written_out = fit_cox(**ROWS, **more, ties=ties)
    monkeypatch.setattr(cox_likelihood, "MOST_CELLS", 0)
    by_sums = fit_cox(**ROWS, **more, ties=ties)
    assert by_sums.n_iterations == written_out.n_iterations
    assert by_sums.coef == pytest.approx(written_out.coef, rel=1e-10)
    assert by_sums.std_error == pytest.approx(written_out.std_error, rel=1e-10)
    survival = written_out.baseline().survival
    assert by_sums.baseline().survival == pytest.approx(survival, rel=1e-10)
