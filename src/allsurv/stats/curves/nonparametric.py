"""Survival without a model: curves, tests between groups, landmarks."""

from allsurv.stats.curves.hazard import NelsonAalen, nelson_aalen
from allsurv.stats.curves.kaplan_meier import follow_up, kaplan_meier
from allsurv.stats.curves.landmark import Landmark, landmark
from allsurv.stats.curves.logrank import LogRankTest, logrank_test
from allsurv.stats.curves.survival_curve import KaplanMeier, RiskTable, SurvivalAt

__all__ = [
    "KaplanMeier",
    "Landmark",
    "LogRankTest",
    "NelsonAalen",
    "RiskTable",
    "SurvivalAt",
    "follow_up",
    "kaplan_meier",
    "landmark",
    "logrank_test",
    "nelson_aalen",
]
