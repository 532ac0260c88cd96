"""What may be shown of patients: one rule, by name."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "columns": ["counts_patients"],
        "overlaps": ["shown_counts"],
        "rules": [
            "CMS",
            "POLICIES",
            "SMALLEST_GROUP",
            "DisclosurePolicy",
            "Sum",
            "coarse_step",
            "disclosure_policy",
            "hidden_cells",
        ],
    },
)
