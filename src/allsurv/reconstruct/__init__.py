"""The embedded cohort: invented patients who satisfy what the paper prints.

``python -m allsurv.reconstruct`` writes it. Counts are met by construction
(:mod:`~allsurv.reconstruct.rr_all.strata`, ``baseline``, ``course``, ``toxicity``), times and
covariates are matched to the published survival by a seeded search (``survival``, ``search``).
"""
