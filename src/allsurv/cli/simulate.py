"""Draw a simulated cohort and write it."""

from __future__ import annotations

from pathlib import Path

from allsurv.cohort.simulate import simulate_cohort, write_cohort
from allsurv.errors import ConfigError
from allsurv.study import load_study

__all__ = ["read_effects", "simulate_command"]


def simulate_command(study: str, n: int, seed: int, effects: str, out: Path) -> None:
    """Write simulated patients; say what was put in.

    Parameters
    ----------
    study : str
        Bundled name, or path of a study file.
    n : int
        Number of patients.
    seed : int
        Seed; the same one draws the same patients.
    effects : str
        Log hazard ratios, as ``pb_blasts=0.014,sct=-0.3``; ``none``; empty for the published.
    out : Path
        CSV or Parquet file.
    """
    cohort = simulate_cohort(
        load_study(study), n=n, effects=read_effects(effects), random_state=seed
    )
    path = write_cohort(cohort, out)
    print(f"{cohort.n} simulated patients: {path}. {cohort.source.statement}")


def read_effects(text: str) -> dict[str, float] | None:
    """Read log hazard ratios from a command line.

    Parameters
    ----------
    text : str
        ``term=value`` by comma; a term may itself be ``variable=level``.

    Returns
    -------
    dict from str to float, or None
        ``None`` for an empty text: the study's published effects.

    Raises
    ------
    ConfigError
        If a part is no ``term=value``.

    Examples
    --------
    >>> read_effects("pb_blasts=0.014, arm=after=-0.5")
    {'pb_blasts': 0.014, 'arm=after': -0.5}
    >>> read_effects("none")
    {}
    """
    if not text.strip():
        return None
    if text.strip() == "none":
        return {}
    effects = {}
    for part in text.split(","):
        term, _, value = part.strip().rpartition("=")
        try:
            effects[term.strip()] = float(value)
        except ValueError:
            term = ""
        if not term.strip():
            raise ConfigError(
                f"--effects: {part.strip()!r} is no term=value; write pb_blasts=0.014,sct=-0.3, "
                "or none."
            )
    return effects
