"""CHAI XML validates offline; what does not is refused by line."""

from __future__ import annotations

import json

import pytest
from lxml import etree

from allsurv.cards.chai import NAMESPACE, check_chai
from allsurv.errors import ConfigError


@pytest.fixture(scope="module")
def raw(small_folder):
    return (small_folder / "card.xml").read_bytes()


def test_the_card_validates_and_every_leaf_says_something(raw):
    check_chai(raw)
    leaves = [node for node in etree.fromstring(raw).iter() if not len(node)]
    assert len(leaves) > 50
    assert all((node.text or "").strip() for node in leaves)


def test_metrics_carry_their_intervals(raw, small_folder):
    chosen = json.loads((small_folder / "results.json").read_text())
    rows = {
        (row["label"], row["horizon"]): row
        for row in chosen["tables"]["performance"]
        if row["model"] == chosen["chosen"]
    }
    found = etree.fromstring(raw).iter(f"{{{NAMESPACE}}}MetricResult")
    values = {
        node.findtext(f"{{{NAMESPACE}}}Label"): json.loads(
            node.findtext(f"{{{NAMESPACE}}}ValueJson")
        )
        for node in found
    }
    row = rows[("Harrell's C", None)]
    assert values["Harrell's C"] == {
        "kind": "estimate_ci",
        "estimate": row["estimate"],
        "lower": row["lower"],
        "upper": row["upper"],
        "level": 95,
        "unit": "",
    }


def test_a_missing_element_is_named(raw):
    with pytest.raises(ConfigError, match=r"line \d+.*ModelDeveloper"):
        check_chai(raw.replace(b"ModelDeveloper", b"ModelMaker"))


def test_entities_are_not_resolved(raw):
    bomb = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    with pytest.raises(ConfigError):
        check_chai(bomb)
