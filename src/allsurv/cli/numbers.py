"""Numbers given on the command line."""

from __future__ import annotations

from allsurv.errors import ConfigError

__all__ = ["numbers_of"]


def numbers_of(text: str, option: str) -> list[float] | None:
    """Read numbers separated by commas.

    Examples
    --------
    >>> numbers_of("6, 12", "--horizons")
    [6.0, 12.0]
    """
    try:
        return [float(part) for part in text.split(",")] if text.strip() else None
    except ValueError:
        raise ConfigError(
            f"{option}: '{text[:40]}' are not numbers separated by commas, such as 12,24,36."
        ) from None
