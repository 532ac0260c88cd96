"""Cox models small enough to be derived by hand, with every kind of tie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from allsurv.stats.cox.fit import fit_cox


def root(score):
    """The u = exp(b) at which a score, written as a function of u, is 0."""
    return brentq(score, 1e-6, 1e6, xtol=1e-14, rtol=1e-15)


class TestFixedCovariate:
    """Six patients (time, event, x): (1,1,1) (1,0,1) (6,1,1) (6,1,0) (8,0,0) (9,1,0).

    An event tied with a censoring at 1, two events tied at 6. With u = exp(b):

    ====  ==========================  =======  ===================================================
    time  at risk                     sum      likelihood
    ====  ==========================  =======  ===================================================
    1     x=1 three times, 0 thrice   3u + 3   u / (3u + 3)
    6     x=1 once, x=0 three times   u + 3    Breslow u * 1 / (u + 3)**2; Efron takes off half of
                                               the two events, (u + 1) / 2, for the second:
                                               u * 1 / ((u + 3) * (u + 5) / 2)
    9     x=0 once                    1        1
    ====  ==========================  =======  ===================================================
    """

    time, event = (1, 1, 6, 6, 8, 9), (1, 0, 1, 1, 0, 1)
    X = ((1,), (1,), (1,), (0,), (0,), (0,))

    def test_breslow(self):
        # Score 2 - u/(u+1) - 2u/(u+3) = 0, times (u+1)(u+3): -u*u + 3u + 6 = 0.
        u = (3 + np.sqrt(33)) / 2
        fit = fit_cox(self.time, self.event, self.X, ties="breslow")
        assert fit.coef[0] == pytest.approx(np.log(u), rel=1e-9)
        information = u / (u + 1) ** 2 + 2 * 3 * u / (u + 3) ** 2
        assert fit.std_error[0] == pytest.approx(1 / np.sqrt(information), rel=1e-7)
        loglik = 2 * np.log(u) - np.log(3 * u + 3) - 2 * np.log(u + 3)
        assert fit.loglik == pytest.approx(loglik, rel=1e-12)
        assert fit.loglik_null == pytest.approx(-np.log(6) - 2 * np.log(4), rel=1e-12)
        # At b = 0 the score is 2 - 1/2 - 2/4 = 1 and the information 1/4 + 2 * 3/16 = 5/8.
        assert fit.score_test.statistic == pytest.approx(8 / 5, rel=1e-12)
        # Hazards 1/(3u+3), 2/(u+3), 1 at 1, 6, 9.
        h1, h6, h9 = 1 / (3 * u + 3), 2 / (u + 3), 1.0
        assert fit.baseline().hazard == pytest.approx([h1, h6, h9], rel=1e-7)
        expected = [u * h1, u * h1, u * (h1 + h6), h1 + h6, h1 + h6, h1 + h6 + h9]
        martingale = np.array(self.event) - expected
        assert fit.residuals("martingale") == pytest.approx(martingale, abs=1e-7)
        mean1, mean6 = u / (u + 1), u / (u + 3)
        schoenfeld = [1 - mean1, 1 - mean6, 0 - mean6, 0]
        assert fit.residuals("schoenfeld")[:, 0] == pytest.approx(schoenfeld, abs=1e-7)
        # Score residual: (x - mean) at the event, less (x - mean) * expected, time by time.
        last = 0 - ((0 - mean1) * h1 + (0 - mean6) * h6 + 0)
        first = (1 - mean1) - (1 - mean1) * u * h1
        score = fit.residuals("score")[:, 0]
        assert score[[0, 5]] == pytest.approx([first, last], abs=1e-7)

    def test_efron(self):
        # Score 2 - u/(u+1) - u/(u+3) - u/(u+5) = 0, times the denominators: u**3 - 23u - 30 = 0.
        u = root(lambda u: u**3 - 23 * u - 30)
        fit = fit_cox(self.time, self.event, self.X)
        assert fit.coef[0] == pytest.approx(np.log(u), rel=1e-9)
        information = u / (u + 1) ** 2 + 3 * u / (u + 3) ** 2 + 5 * u / (u + 5) ** 2
        assert fit.std_error[0] == pytest.approx(1 / np.sqrt(information), rel=1e-7)
        loglik = 2 * np.log(u) - np.log(3 * u + 3) - np.log(u + 3) - np.log((u + 5) / 2)
        assert fit.loglik == pytest.approx(loglik, rel=1e-12)
        # At 6 two terms, 1/(u+3) and 2/(u+5); the tied events bear half of the second.
        h1, h6 = 1 / (3 * u + 3), 1 / (u + 3) + 2 / (u + 5)
        own = 1 / (u + 3) + 1 / (u + 5)
        assert fit.baseline().hazard == pytest.approx([h1, h6, 1], rel=1e-7)
        expected = [u * h1, u * h1, u * (h1 + own), h1 + own, h1 + h6, h1 + h6 + 1]
        martingale = np.array(self.event) - expected
        assert fit.residuals("martingale") == pytest.approx(martingale, abs=1e-7)
        # The mean at 6 is that of the two terms: u/(u+3), and (u/2)/((u+5)/2) = u/(u+5).
        mean6 = (u / (u + 3) + u / (u + 5)) / 2
        schoenfeld = [1 - u / (u + 1), 1 - mean6, 0 - mean6, 0]
        assert fit.residuals("schoenfeld")[:, 0] == pytest.approx(schoenfeld, abs=1e-7)


class TestStartStop:
    """Ten rows (start, stop] with entries, events and censorings at one and the same times.

    ====  ===========================================  ======  ==================
    time  rows at risk (start < time <= stop)          sum     event
    ====  ===========================================  ======  ==================
    2     1 (x=1), 5 (0); rows 2 and 4 enter at 2      u + 1   row 1, x=1
    3     2 (0), 4 (1), 5 (0); row 7 enters at 3       u + 2   row 2, x=0
    6     3 (0), 4 (1), 5 (0), 7 (1), 8 (1)            3u + 2  row 3, x=0
    7     4 (1), 5 (0), 7 (1), 8 (1); row 6 enters     3u + 1  row 4, x=1
    8     5 (0), 6 (1), 7 (1), 8 (1); 9, 10 enter      3u + 1  row 5, x=0
    9     6 (1), 7 (1), 8 (1, censored), 9 (0), 10     3u + 2  rows 6, 7, x=1, 1
    ====  ===========================================  ======  ==================

    Efron takes half of the two events at 9, (u + u) / 2, off the second sum: 2u + 2.
    """

    start = (1, 2, 5, 2, 1, 7, 3, 4, 8, 8)
    stop = (2, 3, 6, 7, 8, 9, 9, 9, 14, 17)
    event = (1, 1, 1, 1, 1, 1, 1, 0, 0, 0)
    X = ((1,), (0,), (0,), (1,), (0,), (1,), (1,), (1,), (0,), (0,))

    @pytest.mark.parametrize("ties", ["breslow", "efron"])
    def test_fit(self, ties):
        # Each sum a*u + c is a term of the score a*u / (a*u + c), of the information
        # a*u*c / (a*u + c)**2, and of the log-likelihood -log(a*u + c); four events have x = 1.
        sums = [(1, 1), (1, 2), (3, 2), (3, 1), (3, 1), (3, 2)]
        sums.append((3, 2) if ties == "breslow" else (2, 2))
        u = root(lambda u: 4 - sum(a * u / (a * u + c) for a, c in sums))
        fit = fit_cox(self.stop, self.event, self.X, start=self.start, ties=ties)
        assert fit.coef[0] == pytest.approx(np.log(u), abs=1e-9)
        information = sum(a * u * c / (a * u + c) ** 2 for a, c in sums)
        assert fit.std_error[0] == pytest.approx(1 / np.sqrt(information), rel=1e-8)
        loglik = 4 * np.log(u) - sum(np.log(a * u + c) for a, c in sums)
        assert fit.loglik == pytest.approx(loglik, rel=1e-12)
        hazard = [1 / (a * u + c) for a, c in sums]
        hazard[5:] = [hazard[5] + hazard[6]]
        assert fit.baseline().hazard == pytest.approx(hazard, rel=1e-8)
        assert fit.baseline().n_at_risk.tolist() == [2, 3, 5, 4, 4, 5]
        # Row 7 is at risk in (3, 9]: at 6, 7, 8 and, as one of the tied events, at 9.
        own = hazard[5] if ties == "breslow" else 1 / (3 * u + 2) + 0.5 / (2 * u + 2)
        expected = u * (sum(hazard[2:5]) + own)
        assert fit.residuals("martingale")[6] == pytest.approx(1 - expected, abs=1e-8)


def test_case_weights_are_not_copies_under_efron_and_are_under_breslow():
    # Events x = 1 and 0 tied at 1, the first of weight 2; at risk also x = 0, weight 1.
    # Case weights: mean weight 3/2, twice: (2 b) - 3/2 log(2u + 2) - 3/2 log(2u + 2 - (2u + 1)/2).
    # Copies: three tied events, at risk 2u + 2, of which the events 2u + 1.
    time, event, X = [1, 1, 2], [1, 1, 0], [[1], [0], [0]]

    def weighted(u):
        return 2 - 1.5 * 2 * u / (2 * u + 2) - 1.5 * u / (u + 1.5)

    def copied(u):
        return 2 - sum(2 * u * (1 - f) / (2 * u + 2 - f * (2 * u + 1)) for f in (0, 1 / 3, 2 / 3))

    fit = fit_cox(time, event, X, weights=[2, 1, 1])
    assert fit.coef[0] == pytest.approx(np.log(root(weighted)), rel=1e-8)
    copies = fit_cox([1, 1, 1, 2], [1, 1, 1, 0], [[1], [1], [0], [0]])
    assert copies.coef[0] == pytest.approx(np.log(root(copied)), rel=1e-8)
    assert abs(fit.coef[0] - copies.coef[0]) > 0.01
    breslow = fit_cox(time, event, X, weights=[2, 1, 1], ties="breslow")
    twice = fit_cox([1, 1, 1, 2], [1, 1, 1, 0], [[1], [1], [0], [0]], ties="breslow")
    assert breslow.coef == pytest.approx(twice.coef, rel=1e-12)


def test_two_groups_without_ties_the_score_test_is_the_log_rank_test():
    # Observed less expected in group 1 over its hypergeometric variance, event by event.
    rng = np.random.default_rng(4)
    time = rng.permutation(40) + 1.0
    event = rng.random(40) < 0.7
    group = rng.random(40) < 0.5
    observed = expected = variance = 0.0
    for t in time[event]:
        share = group[time >= t].mean()
        observed += float(group[time == t].sum())
        expected += share
        variance += share * (1 - share)
    fit = fit_cox(time, event, group[:, None])
    statistic = (observed - expected) ** 2 / variance
    assert fit.score_test.statistic == pytest.approx(statistic, rel=1e-10)
