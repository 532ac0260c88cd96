"""The embedded cohort: invented patients who satisfy what the paper prints.

``python -m allsurv.cohort.reconstruct`` writes it. Counts are met by construction
(:mod:`~allsurv.cohort.reconstruct.strata`, ``baseline``, ``course``, ``toxicity``), times and
covariates are matched to the published survival by a seeded search (``survival``, ``search``).
"""
