"""Drafts of study files: from a file of patients, a REDCap project, ADaM data sets.

A draft is a proposal. Every guess has its reason beside it in the study file; what cannot be
guessed is a question there, which ``load_study`` puts to the reader until it is answered.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "adam": ["import_adam"],
        "draft": ["Draft", "draft_study"],
        "redcap": ["import_redcap"],
        "redcap_export": ["redcap_dictionary"],
    },
)
