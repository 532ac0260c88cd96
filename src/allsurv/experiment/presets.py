"""What ships with the package: presets and the default experiment.

In the repository they are ``configs/`` and ``experiments/001-paper``, where readers look for them;
the wheel carries the same files beside this module.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEFAULT", "default_experiment", "preset_folders"]

DEFAULT = "001-paper"
_IN_THE_WHEEL = Path(__file__).with_name("presets")
_REPOSITORY = Path(__file__).parents[3]


def preset_folders(config_file: Path) -> list[Path]:
    """Give the folders in which presets are looked up: those above a configuration, then ours."""
    shipped = _IN_THE_WHEEL if _IN_THE_WHEEL.is_dir() else _REPOSITORY / "configs"
    above = [folder / "configs" for folder in config_file.resolve().parents]
    return [*above, *([] if shipped in above else [shipped])]


def default_experiment() -> Path:
    """Give the configuration that runs where none is named."""
    shipped = _IN_THE_WHEEL if _IN_THE_WHEEL.is_dir() else _REPOSITORY / "experiments"
    return shipped / DEFAULT / "config.yaml"
