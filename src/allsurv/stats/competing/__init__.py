"""Competing risks and several states: incidence, regression, contrasts, measures of prediction."""
