"""ADSL and ADTTE in the public layout of the CDISC pilot, filled with invented patients.

Names, labels and order of the 49 and 26 variables are those of the pilot; no value is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

LABELS = {
    "STUDYID": "Study Identifier",
    "USUBJID": "Unique Subject Identifier",
    "SUBJID": "Subject Identifier for the Study",
    "SITEID": "Study Site Identifier",
    "SITEGR1": "Pooled Site Group 1",
    "ARM": "Description of Planned Arm",
    "TRT01P": "Planned Treatment for Period 01",
    "TRT01PN": "Planned Treatment for Period 01 (N)",
    "TRT01A": "Actual Treatment for Period 01",
    "TRT01AN": "Actual Treatment for Period 01 (N)",
    "TRTSDT": "Date of First Exposure to Treatment",
    "TRTEDT": "Date of Last Exposure to Treatment",
    "TRTDUR": "Duration of Treatment (days)",
    "AVGDD": "Avg Daily Dose (as planned)",
    "CUMDOSE": "Cumulative Dose (as planned)",
    "AGE": "Age",
    "AGEGR1": "Pooled Age Group 1",
    "AGEGR1N": "Pooled Age Group 1 (N)",
    "AGEU": "Age Units",
    "RACE": "Race",
    "RACEN": "Race (N)",
    "SEX": "Sex",
    "ETHNIC": "Ethnicity",
    "SAFFL": "Safety Population Flag",
    "ITTFL": "Intent-To-Treat Population Flag",
    "EFFFL": "Efficacy Population Flag",
    "COMP8FL": "Finishers of Week 8 Population Flag",
    "COMP16FL": "Finishers of Week 16 Population Flag",
    "COMP24FL": "Finishers of Week 24 Population Flag",
    "DISCONFL": "Did the Subject Discontinue the Study?",
    "DSRAEFL": "Discontinued due to AE?",
    "DTHFL": "Subject Died?",
    "BMIBL": "Baseline BMI (kg/m^2)",
    "BMIBLGR1": "Pooled Baseline BMI Group 1",
    "HEIGHTBL": "Baseline Height (cm)",
    "WEIGHTBL": "Baseline Weight (kg)",
    "EDUCLVL": "Years of Education",
    "DISONSDT": "Date of Onset of Disease",
    "DURDIS": "Duration of Disease (Months)",
    "DURDSGR1": "Pooled Disease Duration Group 1",
    "VISIT1DT": "Date of Visit 1",
    "RFSTDTC": "Subject Reference Start Date/Time",
    "RFENDTC": "Subject Reference End Date/Time",
    "VISNUMEN": "End of Trt Visit (Vis 12 or Early Term.)",
    "RFENDT": "Date of Discontinuation/Completion",
    "DCDECOD": "Standardized Disposition Term",
    "EOSSTT": "End of Study Status",
    "DCREASCD": "Reason for Discontinuation",
    "MMSETOT": "MMSE Total",
}
TRUTH = {
    **dict.fromkeys(["STUDYID", "SUBJID", "SITEID", "SITEGR1", "ARM", "TRT01PN", "TRT01A"], ""),
    **dict.fromkeys(["TRT01AN", "AGEGR1N", "AGEU", "RACEN"], ""),
    **dict.fromkeys(
        ["TRTSDT", "TRTEDT", "DISONSDT", "VISIT1DT", "RFSTDTC", "RFENDTC", "RFENDT"], ""
    ),
    "USUBJID": "identifier",
    **dict.fromkeys(["TRT01P", "RACE", "SEX", "ETHNIC"], "nominal baseline"),
    **dict.fromkeys(["AGEGR1", "BMIBLGR1", "DURDSGR1"], "ordinal baseline"),
    **dict.fromkeys(["AGE", "EDUCLVL", "MMSETOT"], "integer baseline"),
    **dict.fromkeys(["BMIBL", "HEIGHTBL", "WEIGHTBL", "DURDIS"], "continuous baseline"),
    **dict.fromkeys(["TRTDUR", "VISNUMEN"], "integer post-baseline"),
    **dict.fromkeys(["AVGDD", "CUMDOSE"], "continuous post-baseline"),
    **dict.fromkeys(
        ["SAFFL", "ITTFL", "EFFFL", "COMP8FL", "COMP16FL", "COMP24FL", "DISCONFL", "DSRAEFL"],
        "binary post-baseline",
    ),
    "DTHFL": "binary outcome",
    **dict.fromkeys(["DCDECOD", "EOSSTT", "DCREASCD"], "nominal post-baseline"),
}
"""What each variable is, by ADaM's rules; empty for what is no variable of a prognostic study."""


def adsl(n: int = 254) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    arm = rng.integers(0, 3, n)
    arms = np.array(["Placebo", "Xanomeline Low Dose", "Xanomeline High Dose"])[arm]
    age, race = rng.integers(51, 90, n), rng.integers(0, 3, n)
    group = np.digitize(age, [65, 81])
    start = 19000 + rng.integers(0, 500, n)
    length = rng.integers(1, 210, n)
    bmi, disease = np.round(rng.normal(25, 4, n), 1), np.round(rng.exponential(30, n) + 1, 1)
    done = length > 150

    def flag(mask) -> np.ndarray:
        return np.where(mask, "Y", "N")

    def date(days) -> list[str]:
        return [str(np.datetime64("1960-01-01") + int(d)) for d in days]

    columns = {
        "STUDYID": ["CDISCPILOT01"] * n,
        "USUBJID": [f"01-{701 + i % 17}-{1000 + i}" for i in range(n)],
        "SUBJID": [f"{1000 + i}" for i in range(n)],
        "SITEID": [f"{701 + i % 17}" for i in range(n)],
        "SITEGR1": [f"{701 + i % 11}" for i in range(n)],
        "ARM": arms,
        "TRT01P": arms,
        "TRT01PN": np.array([0, 54, 81])[arm],
        "TRT01A": arms,
        "TRT01AN": np.array([0, 54, 81])[arm],
        "TRTSDT": start,
        "TRTEDT": start + length,
        "TRTDUR": length,
        "AVGDD": np.round(np.array([0, 54, 75])[arm] + rng.uniform(0, 3, n), 1),
        "CUMDOSE": np.round(length * np.array([0, 54, 75.5])[arm], 1),
        "AGE": age,
        "AGEGR1": np.array(["<65", "65-80", ">80"])[group],
        "AGEGR1N": group + 1,
        "AGEU": ["YEARS"] * n,
        "RACE": np.array(["WHITE", "BLACK OR AFRICAN AMERICAN", "ASIAN"])[race],
        "RACEN": race + 1,
        "SEX": np.where(rng.random(n) < 0.5, "F", "M"),
        "ETHNIC": np.where(rng.random(n) < 0.1, "HISPANIC OR LATINO", "NOT HISPANIC OR LATINO"),
        "SAFFL": ["Y"] * n,
        "ITTFL": ["Y"] * n,
        "EFFFL": flag(rng.random(n) < 0.9),
        "COMP8FL": flag(length > 56),
        "COMP16FL": flag(length > 112),
        "COMP24FL": flag(done),
        "DISCONFL": np.where(done, "", "Y"),
        "DSRAEFL": np.where(rng.random(n) < 0.3, "Y", ""),
        "DTHFL": np.where(rng.random(n) < 0.1, "Y", ""),
        "BMIBL": bmi,
        "BMIBLGR1": np.array(["<25", "25-<30", ">=30"])[np.digitize(bmi, [25, 30])],
        "HEIGHTBL": np.round(rng.normal(165, 10, n), 1),
        "WEIGHTBL": np.round(rng.normal(68, 12, n), 1),
        "EDUCLVL": rng.integers(3, 24, n),
        "DISONSDT": start - 1000,
        "DURDIS": disease,
        "DURDSGR1": np.where(disease < 12, "<12", ">=12"),
        "VISIT1DT": start - 14,
        "RFSTDTC": date(start),
        "RFENDTC": date(start + length),
        "VISNUMEN": rng.integers(4, 13, n),
        "RFENDT": start + length,
        "DCDECOD": np.where(done, "COMPLETED", "ADVERSE EVENT"),
        "EOSSTT": np.where(done, "COMPLETED", "DISCONTINUED"),
        "DCREASCD": np.where(done, "Completed", "Adverse Event"),
        "MMSETOT": rng.integers(10, 25, n),
    }
    assert list(columns) == list(LABELS)
    return pd.DataFrame(columns)


def adtte(subjects: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = len(subjects)
    event = rng.random(n) < 0.6
    shared = ["STUDYID", "SITEID", "USUBJID", "AGE", "AGEGR1", "AGEGR1N", "RACE", "RACEN", "SEX"]
    frame = subjects[[*shared, "TRTSDT", "TRTEDT", "TRTDUR"]].copy()
    frame["TRTP"], frame["TRTA"] = subjects["TRT01P"], subjects["TRT01A"]
    frame["TRTAN"] = subjects["TRT01AN"]
    frame["PARAM"] = "Time to First Dermatologic Event"
    frame["PARAMCD"] = "TTDE"
    frame["AVAL"] = rng.integers(1, 190, n)
    frame["STARTDT"] = subjects["TRTSDT"]
    frame["ADT"] = frame["STARTDT"] + frame["AVAL"] - 1
    frame["CNSR"] = np.where(event, 0, 1)
    frame["EVNTDESC"] = np.where(event, "Dematologic Event Occured", "Study Completion Date")
    frame["SRCDOM"] = np.where(event, "ADAE", "ADSL")
    frame["SRCVAR"] = np.where(event, "ASTDT", "RFENDT")
    frame["SRCSEQ"] = np.arange(n)
    frame["SAFFL"] = "Y"
    assert frame.shape[1] == 26
    return frame
