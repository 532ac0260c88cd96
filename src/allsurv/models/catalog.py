"""The families of models, each as one value; and what other rows of a table of models are called.

Configuration, tables, figures, card and command line take what they say of a family from here.
Another is added by :func:`register_family`. Classes are imported when a model is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from allsurv.errors import ModelError
from allsurv.nearest import did_you_mean
from allsurv.policy.rules import SMALLEST_GROUP

if TYPE_CHECKING:
    from allsurv.models.base import SurvivalModel

__all__ = [
    "COMPETING",
    "FAMILIES",
    "REFERENCES",
    "Family",
    "find_family",
    "is_path",
    "model_label",
    "register_family",
    "trainable",
]

NOT_EXPORTED = (
    "a challenger is a program of another package, and a fitted one may hold exact times of single "
    "patients: it is validated and compared, and never saved, exported or recommended"
)

NOT_YET_EXPORTED = (
    "a form of it of which no count or time of a single patient follows is not made yet: it is "
    "fitted, predicts and is validated, and never saved or exported"
)


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of models.

    Attributes
    ----------
    name : str
        In configurations and tables.
    label : str
        What readers call it.
    short : str
        The same where there is little space.
    kind : type or str
        Its class, or where that is, as ``module:Class``.
    complexity : int
        Among models that predict equally well the one of lowest complexity is recommended.
    role : {"trained", "reference", "challenger"}
        What it is for: to be trained, validated, recommended and exported; to compare with; or, of
        another package, to be validated and compared only.
    usual : bool
        Whether it is trained unless a configuration chooses otherwise.
    corrected : bool
        Whether it is validated by bootstrap as well, where that is asked for.
    mechanism : str
        Form in which it is exported, of ``allsurv.riskmodel.mechanisms``; empty if it is not.
    not_exported : str
        Why it is not exported; empty if it is.
    space : mapping from str to sequence
        What ``tuning: {spaces: standard}`` tries per parameter. The first of equals wins, so the
        simpler is first.
    base : str
        Of a family of models of several causes: the family that is applied to each cause; empty for
        one of its own.
    """

    name: str
    label: str
    short: str
    kind: type[SurvivalModel] | str
    complexity: int
    role: Literal["trained", "reference", "challenger"] = "trained"
    usual: bool = False
    corrected: bool = False
    mechanism: str = ""
    not_exported: str = ""
    space: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    base: str = ""

    @property
    def model_class(self) -> type[SurvivalModel]:
        """Class of its models."""
        if not isinstance(self.kind, str):
            return self.kind
        module, _, name = self.kind.partition(":")
        found: type[SurvivalModel] = getattr(import_module(module), name)
        return found


_FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="cox",
            label="Cox regression",
            short="Cox",
            kind="allsurv.models.cox:CoxModel",
            complexity=0,
            usual=True,
            corrected=True,
            mechanism="linear",
            # Penalties are per standard deviation or level.
            space={"ridge": [64, 32, 16, 8, 4, 2, 1, 0.5, 0.25, 0]},
        ),
        Family(
            name="coxnet",
            label="Elastic-net Cox",
            short="penalised Cox",
            kind="allsurv.models.coxnet:ElasticNetCox",
            complexity=1,
            usual=True,
            corrected=True,
            mechanism="linear",
            # alpha is per patient, as in glmnet.
            space={
                "l1_ratio": [0.1, 0.5, 1.0],
                "alpha": [0.5, 0.35, 0.25, 0.18, 0.125, 0.09, 0.0625, 0.045, 0.03, 0.02, 0.01],
            },
        ),
        Family(
            name="rsf",
            label="Random survival forest",
            short="survival forest",
            kind="allsurv.models.forest:SurvivalForest",
            complexity=4,
            usual=True,
            mechanism="forest",
            space={
                "min_samples_leaf": [2 * SMALLEST_GROUP, SMALLEST_GROUP],
                "max_features": ["sqrt", 0.5, None],
            },
        ),
        Family(
            name="gbs",
            label="Gradient-boosted survival",
            short="gradient boosting",
            kind="allsurv.models.boosting:GradientBoosting",
            complexity=3,
            usual=True,
            mechanism="boosted",
            # Numbers of stages up to the largest come from one fit.
            space={
                "max_depth": [1, 2, 3],
                "learning_rate": [0.05, 0.1],
                "n_estimators": [5, 10, 20, 30, 50, 75, 100, 150, 200],
            },
        ),
        Family(
            name="cgbs",
            label="Componentwise boosting",
            short="componentwise boosting",
            kind="allsurv.models.boosting:ComponentwiseBoosting",
            complexity=2,
            mechanism="linear",
            space={"n_estimators": [5, 10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 400]},
        ),
        Family(
            name="null",
            label="Kaplan-Meier (no predictors)",
            short="Kaplan-Meier",
            kind="allsurv.models.null:NullModel",
            complexity=0,
            role="reference",
            mechanism="constant",
        ),
        Family(
            name="published",
            label="Published equation",
            short="published equation",
            kind="allsurv.models.published:PublishedModel",
            complexity=0,
            role="reference",
            mechanism="linear",
        ),
    )
}
FAMILIES: Mapping[str, Family] = MappingProxyType(_FAMILIES)
"""Every family there is, by its name in a configuration."""

COMPETING: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            Family(
                name="cause_cox",
                label="Cause-specific Cox regression",
                short="cause-specific Cox",
                kind="allsurv.models.competing.cause_specific:CauseSpecific",
                complexity=0,
                base="cox",
                not_exported=NOT_YET_EXPORTED,
            ),
            Family(
                name="cause_coxnet",
                label="Cause-specific elastic-net Cox",
                short="penalised cause-specific Cox",
                kind="allsurv.models.competing.cause_specific:CauseSpecific",
                complexity=2,
                base="coxnet",
                not_exported=NOT_YET_EXPORTED,
            ),
            Family(
                name="fine_gray",
                label="Fine-Gray regression",
                short="Fine-Gray",
                kind="allsurv.models.competing.fine_gray:FineGray",
                complexity=1,
                not_exported=NOT_YET_EXPORTED,
            ),
            Family(
                name="cause_rsf",
                label="Random forest of competing risks",
                short="competing-risks forest",
                kind="allsurv.models.competing.forest:CompetingForest",
                complexity=4,
                base="rsf",
                not_exported=NOT_YET_EXPORTED,
            ),
            Family(
                name="cause_gbs",
                label="Cause-specific gradient boosting",
                short="cause-specific boosting",
                kind="allsurv.models.competing.cause_specific:CauseSpecific",
                complexity=3,
                base="gbs",
                not_exported=NOT_YET_EXPORTED,
            ),
            Family(
                name="incidence",
                label="Aalen-Johansen (no predictors)",
                short="Aalen-Johansen",
                kind="allsurv.models.competing.incidence:IncidenceModel",
                complexity=0,
                role="reference",
                not_exported=NOT_YET_EXPORTED,
            ),
        )
    }
)
"""Families of models of several causes, by name."""

REFERENCES: Mapping[str, str] = MappingProxyType(
    {"kaplan_meier": "null", "published": "published", "aalen_johansen": "incidence"}
)
"""What models are compared with: name in tables, and family."""

_OTHER_ROWS = {
    "treat_all": "Treat all",
    "treat_none": "Treat none",
    "published protocol": "Cox, the paper's protocol",
}


def find_family(name: str) -> Family:
    """Look a family up by name; an import path is that of a challenger.

    Parameters
    ----------
    name : str
        As in tables.

    Returns
    -------
    Family
        Its entry.

    Raises
    ------
    ModelError
        If there is none of that name; the message suggests the near miss.

    Examples
    --------
    >>> find_family("rsf").label
    'Random survival forest'
    >>> find_family("sksurv.svm.FastSurvivalSVM").label
    'FastSurvivalSVM (sksurv)'
    """
    if name in _FAMILIES:
        return _FAMILIES[name]
    if name in COMPETING:
        return COMPETING[name]
    if is_path(name):
        root, *_, last = name.split(".")
        return Family(
            name=name,
            label=f"{last} ({root})",
            short=last,
            kind="allsurv.models.challenger:Challenger",
            complexity=max(family.complexity for family in _FAMILIES.values()) + 1,
            role="challenger",
            not_exported=NOT_EXPORTED,
        )
    raise ModelError(
        f"family: '{name}' is no family of models; allowed are "
        f"{', '.join((*_FAMILIES, *COMPETING))}, or the import path of an estimator."
        f"{did_you_mean(name, (*_FAMILIES, *COMPETING))}"
    )


def is_path(name: str) -> bool:
    """Whether a name is an import path, such as ``sksurv.svm.FastSurvivalSVM``.

    Examples
    --------
    >>> is_path("sksurv.svm.FastSurvivalSVM"), is_path("cox"), is_path("a b.c")
    (True, False, False)
    """
    return "." in name and all(part.isidentifier() for part in name.split("."))


def trainable() -> dict[str, Family]:
    """Give the families that a configuration may train.

    Examples
    --------
    >>> list(trainable())
    ['cox', 'coxnet', 'rsf', 'gbs', 'cgbs']
    """
    return {name: family for name, family in _FAMILIES.items() if family.role == "trained"}


def model_label(name: str) -> str:
    """Say what readers call a row of a table of models.

    Raises
    ------
    ModelError
        If the name is neither of a family nor of anything else that is shown beside models.

    Examples
    --------
    >>> model_label("kaplan_meier"), model_label("treat_all")
    ('Kaplan-Meier (no predictors)', 'Treat all')
    """
    if name in _OTHER_ROWS:
        return _OTHER_ROWS[name]
    return find_family(REFERENCES.get(name, name)).label


@contextmanager
def register_family(family: Family) -> Iterator[Family]:
    """Add a family to the catalogue, inside a ``with`` block.

    Parameters
    ----------
    family : Family
        The new entry.

    Yields
    ------
    Family
        The same; it is gone after the block.

    Raises
    ------
    ModelError
        If there is one of that name, if it is not a plain word, or if its class names another
        family.
    """
    where = "register_family"
    taken = {*_FAMILIES, *COMPETING, *REFERENCES, *_OTHER_ROWS}
    if family.name in taken or not family.name.isidentifier():
        raise ModelError(
            f"{where}: '{family.name}' is taken or is not a plain word; call it otherwise."
        )
    if family.model_class.family != family.name:
        raise ModelError(
            f"{where}: {family.model_class.__name__}.family is '{family.model_class.family}'; it "
            f"must be '{family.name}', by which exported models name their family."
        )
    _FAMILIES[family.name] = family
    try:
        yield family
    finally:
        del _FAMILIES[family.name]
