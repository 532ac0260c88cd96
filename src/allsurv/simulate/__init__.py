"""Patients drawn from a model of a study's cohort, with known effects put in.

``draw`` is the entry point. ``copula`` draws baseline, ``effects`` turns it into linear predictors,
``course`` draws follow-up and events, ``story`` records what is known later, in keeping with it.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "draw": ["make_simulator", "simulate_cohort", "simulate_truth"],
        "effects": ["published_effects"],
        "hazard": ["Hazard"],
        "model": ["Simulation", "Simulator"],
    },
)
