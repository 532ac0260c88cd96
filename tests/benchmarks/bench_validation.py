"""Time nested validation against the same work written with scikit-survival, in one run.

    export OPENBLAS_NUM_THREADS=1
    python tests/benchmarks/bench_validation.py      # one repeat of 5 folds, 20 bootstraps
    python tests/benchmarks/bench_validation.py --repeats 5 --bootstraps 200   # peer: an hour

110 patients of the embedded cohort. Peer: a ColumnTransformer's columns, ``GridSearchCV`` over the
same candidates in the same number of inner folds, ``cross_validate`` on the same outer folds, and a
loop over the same bootstrap samples. Both sides run
in one process and are timed in processor seconds. Models are of the same quality where Harrell's C
on the patients left out agrees.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.linear_model import CoxnetSurvivalAnalysis, CoxPHSurvivalAnalysis
from sksurv.metrics import concordance_index_censored

from allsurv.cohort import load_cohort
from allsurv.features import make_features
from allsurv.models import TunedModel, make_model
from allsurv.stats.measures.discrimination import harrell_c
from allsurv.validation.plans import Plan, draw_bootstraps, draw_folds
from allsurv.validation.resampling import refit_all

TREES = 500
OURS = {
    "cox": ({}, {"ridge": [64, 32, 16, 8, 4, 2, 1, 0.5, 0.25, 0.1]}),
    "coxnet": ({}, {"l1_ratio": [0.1, 0.5, 1.0], "alpha": [0.25, 0.125, 0.06, 0.03]}),
    "rsf": (
        {"n_estimators": TREES},
        {"min_samples_leaf": [22, 11], "max_features": ["sqrt", 0.5, None]},
    ),
    "gbs": ({}, {"max_depth": [1, 2, 3], "n_estimators": [20, 50, 100, 200]}),
}
THEIRS = {
    "cox": (CoxPHSurvivalAnalysis(), {"alpha": OURS["cox"][1]["ridge"]}),
    "coxnet": (
        CoxnetSurvivalAnalysis(),
        {"l1_ratio": [0.1, 0.5, 1.0], "alphas": [[a] for a in OURS["coxnet"][1]["alpha"]]},
    ),
    "rsf": (RandomSurvivalForest(TREES, random_state=0), OURS["rsf"][1]),
    "gbs": (
        GradientBoostingSurvivalAnalysis(subsample=0.5, min_samples_leaf=11, random_state=0),
        OURS["gbs"][1],
    ),
}


def concordance(y, score):
    return concordance_index_censored(y["event"], y["time"], score)[0]


def of_ours(family, cohort, splits):
    fixed, space = OURS[family]
    model = TunedModel(make_model(family, cohort.study, random_state=0, **fixed), space)
    X, y = cohort.X, cohort.y("os")
    refits = refit_all({family: model}, X, y, splits, np.array([12.0]))
    return np.mean([harrell_c(y[r.split.test], r.risk_score).value for r in refits])


def of_theirs(family, cohort, splits):
    model, space = THEIRS[family]
    X, y = cohort.X, cohort.y("os")
    found = []
    for split in splits:
        encoder = make_features(cohort.study).fit(X.iloc[split.train])
        search = GridSearchCV(clone(model), space, cv=5, scoring=make_scorer_of_survival())
        search.fit(encoder.design(X.iloc[split.train]), y[split.train])
        score = search.predict(encoder.design(X.iloc[split.test]))
        found.append(concordance(y[split.test], score))
    return np.mean(found)


def make_scorer_of_survival():
    return make_scorer(concordance, response_method="predict")


def timed(call, *args):
    begin = time.process_time()
    value = call(*args)
    return time.process_time() - begin, value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--bootstraps", type=int, default=20)
    parser.add_argument("--families", nargs="+", default=list(OURS))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    cohort = load_cohort("rr-all")
    y = cohort.y("os")
    nested = draw_folds(y["event"], Plan(asked.repeats, 5), 0)
    boots = draw_bootstraps(len(y), asked.bootstraps, 0)
    for family in asked.families:  # compiled code is loaded before the clock starts
        of_ours(family, cohort, nested[:1])
    totals = np.zeros(2)
    print(f"{'work':28s} {'allsurv':>9s} {'peer':>9s} {'ratio':>7s}   Harrell's C (ours, peer)")
    for family in asked.families:
        for name, splits in (("nested CV", nested), (f"{len(boots)} bootstraps", boots)):
            ours, our_c = timed(of_ours, family, cohort, splits)
            theirs, their_c = timed(of_theirs, family, cohort, splits)
            totals += ours, theirs
            work = f"{family}, {name}"
            print(
                f"{work:28s} {ours:8.2f}s {theirs:8.2f}s {theirs / ours:6.1f}x   "
                f"{our_c:.3f} {their_c:.3f}",
                flush=True,
            )
    print(f"{'all':28s} {totals[0]:8.2f}s {totals[1]:8.2f}s {totals[1] / totals[0]:6.1f}x")


if __name__ == "__main__":
    main()
