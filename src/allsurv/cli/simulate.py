"""Draw a simulated cohort and write it."""

from __future__ import annotations

from pathlib import Path

from allsurv.cohort import read_cohort
from allsurv.cohort.writing import write_cohort
from allsurv.errors import ConfigError
from allsurv.simulate.draw import simulate_cohort
from allsurv.study import load_study

__all__ = ["read_effects", "simulate_command"]


def simulate_command(
    study: str, n: int, seed: int, effects: str, out: Path, cohort: str = ""
) -> None:
    """Write simulated patients; say what was put in."""
    definition = load_study(study)
    if definition.cohort is None and not cohort:
        raise ConfigError(
            f"simulate: study '{definition.name}' comes without a cohort to resemble; give yours "
            "by --cohort."
        )
    drawn = simulate_cohort(
        definition,
        n=n,
        effects=read_effects(effects),
        like=read_cohort(cohort, definition) if cohort else None,
        random_state=seed,
    )
    path = write_cohort(drawn, out)
    print(f"{drawn.n} simulated patients: {path}. {drawn.source.statement}")


def read_effects(text: str) -> dict[str, float] | None:
    """Read log hazard ratios from a command line.

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
