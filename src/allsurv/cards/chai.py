"""A card as the CHAI applied model card v0.2: XML that validates without a network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from lxml import etree

from allsurv.cards.quotes import NOT_EVALUATED, Tree, plain_text, resolve
from allsurv.errors import ConfigError
from allsurv.validation import find_measure

__all__ = ["check_chai", "write_chai"]

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"
KEYWORDS = ("survival analysis", "prognosis", "risk prediction", "model card")


class Aspect(NamedTuple):
    """Measures of one aspect of performance; none where it is empty."""

    name: str


FACTS: dict[str, Any] = {
    "BasicInfo": {
        "ModelName": "identity/name",
        "ModelDeveloper": "identity/developer",
        "DeveloperContact": "identity/contact",
    },
    "ReleaseInfo": {
        "ReleaseStage": "stage",
        "ReleaseDate": "identity/build",
        "ReleaseVersion": "identity/version",
        "GlobalAvailability": "identity/availability",
        "RegulatoryApproval": "identity/regulatory_status",
    },
    "ModelSummary": {"Summary": "summary", "Keywords": None},
    "UsesAndDirections": {
        "IntendedUseAndWorkflow": "use/intended_use use/decision_role use/moment",
        "PrimaryIntendedUsers": "use/intended_users",
        "HowToUse": "use/how_to_use",
        "TargetedPatientPopulation": "use/population",
        "CautionedOutOfScopeSettings": "use/out_of_scope",
    },
    "Warnings": {
        "KnownRisksAndLimitations": "risks/known_risks risks/sample_size",
        "KnownBiasesOrEthicalConsiderations": "data/equity data/ethics",
        "ClinicalRiskLevel": "risks/risk_level",
    },
    "TrustIngredients": {
        "AISystemFacts": {
            "OutcomesAndOutputs": "outcome/endpoint outcome/origin outcome/horizons",
            "ModelType": "model/family",
            "InputDataSource": "data/cohort",
            "OutputAndInputDataTypes": "predictors",
            "DevelopmentDataCharacterization": "data/size data/data_statement data/eligibility",
            "BiasMitigationApproaches": "risks/bias_management",
            "OngoingMaintenance": "monitoring/monitoring monitoring/update_plan",
            "Security": "security/format",
            "Transparency": "model/specification model/versions",
        },
        "TransparencyInformation": {
            "FundingSource": "identity/funding",
            "StakeholdersConsulted": "stakeholders/stakeholders",
        },
    },
    "KeyMetrics": {
        "UsefulnessUsabilityEfficacy": Aspect("usefulness"),
        "FairnessEquity": Aspect(""),
        "SafetyReliability": Aspect("reliability"),
    },
    "Resources": {
        "PeerReviewedPublications": "stakeholders/publications identity/citation",
        "PatientConsentOrDisclosure": "data/ethics",
    },
    "Bibliography": "identity/citation",
}
"""Elements in their order, and what of the card each holds."""


def write_chai(card: Tree, results: Tree) -> bytes:
    """Write a card as CHAI XML."""
    root = etree.Element(f"{{{NAMESPACE}}}AppliedModelCard", nsmap={None: NAMESPACE})
    for name, content in FACTS.items():
        _add(root, name, content, card, results)
    etree.indent(root)
    raw: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    check_chai(raw)
    return raw + b"\n"


def check_chai(raw: bytes) -> None:
    """Validate CHAI XML, offline."""
    schema = etree.XMLSchema(
        etree.fromstring(files("allsurv.cards").joinpath("chai.xsd").read_bytes())
    )
    try:
        document = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise ConfigError(f"CHAI card: not XML: {error}.") from None
    if not schema.validate(document):
        first = schema.error_log[0]
        raise ConfigError(f"CHAI card: line {first.line}: {first.message}")


def _add(parent: Any, name: str, content: Any, card: Tree, results: Tree) -> None:
    node = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if isinstance(content, dict):
        for key, value in content.items():
            _add(node, key, value, card, results)
    elif isinstance(content, Aspect):
        _add_metric(node, content, card, results)
    elif name == "Keywords":
        for word in KEYWORDS:
            etree.SubElement(node, f"{{{NAMESPACE}}}Keyword").text = word
    else:
        node.text = _text(content.split(), card)


def _text(places: Iterable[str], card: Tree) -> str:
    said = []
    for place in places:
        name, _, key = place.partition("/")
        if name == "stage":
            said.append(card["status"])
        elif name == "summary":
            said += [f"**{i['label']}.** {plain_text(i['parts'])}" for i in card["summary"]]
        elif not key:
            said.append(_table_text(_section(card, name)["tables"]))
        else:
            items = _section(card, name)["items"]
            said += [plain_text(i["parts"]) for i in items if i["key"] == key]
    return "\n\n".join(dict.fromkeys(filter(None, said))) or NOT_EVALUATED


def _section(card: Tree, name: str) -> Tree:
    found: Tree = next(part for part in card["sections"] if part["id"] == name)
    return found


def _table_text(tables: Sequence[Tree]) -> str:
    rows = [
        " | ".join(filter(None, map(plain_text, row))) for table in tables for row in table["rows"]
    ]
    return "\n".join(f"- {row}" for row in rows)


def _add_metric(node: Any, aspect: Aspect, card: Tree, results: Tree) -> None:
    add = lambda parent, name: etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")  # noqa: E731
    rows = [
        row
        for row in results["tables"]["performance"]
        if row["model"] == card["chosen"] and find_measure(row["measure"]).aspect == aspect.name
    ]
    add(node, "MetricGoal").text = (
        "Honest estimate of performance in new patients of the same kind."
        if rows
        else NOT_EVALUATED
    )
    found = add(node, "Results")
    for row in rows:
        one = add(found, "MetricResult")
        at = "" if row["horizon"] is None else f" at {row['horizon']:g}"
        add(one, "Label").text = f"{row['label']}{at}"
        add(one, "ValueJson").text = json.dumps(_value(row))
    if not rows:
        one = add(found, "MetricResult")
        add(one, "Label").text = NOT_EVALUATED
        add(one, "ValueJson").text = json.dumps({"kind": "single", "value": None})
    validation = str(resolve(results, "/statements/validation"))
    sample = str(resolve(results, "/statements/sample_size"))
    add(node, "Interpretation").text = sample if rows else NOT_EVALUATED
    add(node, "TestType").text = "Internal validation" if rows else NOT_EVALUATED
    add(node, "TestingDataDescription").text = str(resolve(results, "/statements/source"))
    add(node, "ValidationProcessAndJustification").text = validation


def _value(row: Tree) -> Tree:
    if row["estimate"] is None or row["lower"] is None or row["upper"] is None:
        return {"kind": "single", "value": row["estimate"]}
    limits = {key: row[key] for key in ("estimate", "lower", "upper")}
    return {"kind": "estimate_ci", **limits, "level": round(100 * row["level"]), "unit": ""}
