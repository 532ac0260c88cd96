"""Masks of leaves find the leaf that walking down the tree finds, and results do not change."""

from __future__ import annotations

import numpy as np
import pytest

from allsurv.riskmodel.mechanisms import Boosted, Forest
from allsurv.riskmodel.trees import LEAF, Trees


def grow(rng, n_leaves, n_terms, levels):
    """A random tree whose thresholds lie among a few values, so that ties are met."""
    tree = {name: [LEAF] for name in ("left", "right", "term")}
    tree["threshold"], tree["n_patients"] = [0.0], [11]
    open_ = [0]
    while len(open_) < n_leaves:
        node = open_.pop(int(rng.integers(len(open_))))
        tree["term"][node] = int(rng.integers(n_terms))
        tree["threshold"][node] = float(rng.choice(levels))
        for side in ("left", "right"):
            tree[side][node] = len(tree["left"])
            open_.append(len(tree["left"]))
            for name, value in (("left", LEAF), ("right", LEAF), ("term", LEAF)):
                tree[name].append(value)
            tree["threshold"].append(0.0)
            tree["n_patients"].append(11)
    tree["value"] = rng.normal(size=(len(tree["left"]), 2)).cumsum(axis=1)
    return tree


@pytest.mark.parametrize("n_leaves", [1, 2, 7, 8, 9, 30, 64, 65, 150])
def test_masks_find_the_leaf_that_walking_finds(n_leaves):
    rng = np.random.default_rng(n_leaves)
    levels = np.round(rng.normal(size=12), 1)
    sizes = [max(1, n_leaves - k) for k in range(6)]
    trees = Trees.join([grow(rng, size, 5, levels) for size in sizes])
    design = rng.choice(np.concatenate([levels, rng.normal(size=20), [-np.inf, np.inf]]), (900, 5))
    found = trees.leaves(design)
    np.testing.assert_array_equal(found, trees._walk(design.astype(np.float32)))
    assert (trees._masks is None) == (n_leaves == 1)
    if n_leaves > 1:
        assert len(np.unique(found)) > 3


def test_tables_that_would_be_too_large_are_not_made(monkeypatch):
    from allsurv.riskmodel import leaf_masks

    monkeypatch.setattr(leaf_masks, "_MOST_BYTES", 10)
    rng = np.random.default_rng(0)
    trees = Trees.join([grow(rng, 9, 3, rng.normal(size=50))])
    design = rng.normal(size=(600, 3))
    assert trees._masks is None
    np.testing.assert_array_equal(trees.leaves(design), trees._walk(design.astype(np.float32)))


@pytest.mark.parametrize("kind", ["forest", "boosted"])
def test_a_patient_scores_the_same_alone_and_among_many(kind):
    rng = np.random.default_rng(3)
    trees = Trees.join([grow(rng, 8, 4, rng.normal(size=30)) for _ in range(40)])
    steps = np.array([0, 2, 5])
    if kind == "forest":
        positive = Trees(**{**trees.__dict__, "value": np.abs(trees.value).cumsum(axis=1) / 20})
        mechanism = Forest(positive, np.array([1, 4]))
    else:
        one = Trees(**{**trees.__dict__, "value": trees.value[:, :1] / 10})
        mechanism = Boosted(one, np.linspace(0, 1, 7))
    design = rng.normal(size=(30_000, 4))
    score, survival = mechanism.score_and_survival(design, steps)
    for i in (0, 511, 512, 29_999):
        alone = mechanism.score_and_survival(design[i : i + 1], steps)
        assert alone[0][0] == score[i]
        np.testing.assert_array_equal(alone[1][0], survival[i])
