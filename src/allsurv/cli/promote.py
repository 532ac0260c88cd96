"""Make a registered risk model the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allsurv.errors import ConfigError
from allsurv.study.yamlfile import read_yaml

__all__ = ["promote_command", "read_thresholds"]


def promote_command(
    name: str, version: str, alias: str, thresholds: Path | None, approval: Path | None = None
) -> None:
    """Promote a model, or fail with everything that speaks against it."""
    from allsurv.tracking import promote

    limits = read_thresholds(thresholds) if thresholds else None
    done = promote(name, version=version, alias=alias, thresholds=limits, approval=approval)
    print(f"{done.name} version {done.version} is now '{done.alias}'.")
    if done.previous:
        print(f"  Before it was version {done.previous}.")
    for row in done.checks.itertuples():
        print(f"  {row.check}: {row.found}")


def read_thresholds(path: Path) -> Mapping[str, Mapping[str, float]]:
    """Read limits of measures."""
    found: dict[str, Any] = read_yaml(path, error=ConfigError).value
    sound = isinstance(found, dict) and all(
        isinstance(limits, dict)
        and limits
        and set(limits) <= {"min", "max"}
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in limits.values())
        and limits.get("min", -math.inf) <= limits.get("max", math.inf)
        for limits in found.values()
    )
    if not found or not sound:
        raise ConfigError(
            f"{path}: is no list of thresholds; write for example 'harrell_c: {{min: 0.6}}'."
        )
    return found
