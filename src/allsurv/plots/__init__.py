"""Figures drawn from tidy tables: the only package with matplotlib."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "accuracy": ["plot_calibration", "plot_performance"],
        "effects": ["plot_findings", "plot_hazard_ratios"],
        "curves": ["plot_kaplan_meier"],
        "explanation": [
            "plot_effects_over_time",
            "plot_importance",
            "plot_waterfall",
            "shap_explanation",
        ],
        "files": ["write_figure", "write_figures"],
        "drawers": ["Drawers"],
        "incidence": ["plot_cumulative_incidence"],
        "states": ["plot_state_diagram", "plot_state_shares"],
        "stacked": ["plot_stacked_incidence"],
        "items": ["plot_item", "write_item", "write_items"],
        "paper": ["alt_text"],
        "power": ["plot_power"],
        "residuals": ["plot_residuals"],
        "swimmer": ["plot_swimmer"],
    },
)
