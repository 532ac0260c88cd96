"""Where a risk model can be fetched from, besides a folder.

Other packages offer addresses as entry points of the group ``allsurv.addresses``: the name is the
scheme (``models`` for ``models:/name@alias``), the object a function from the address to a folder.
So a scorer that reads folders needs none of them.
"""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

from allsurv.errors import RiskModelError

__all__ = ["is_address", "local_folder"]

GROUP = "allsurv.addresses"
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/")
_OF_MLFLOW = ("models", "runs", "mlflow-artifacts")


def is_address(address: str | Path) -> bool:
    """Tell an address, such as ``models:/name@alias``, from a folder."""
    return isinstance(address, str) and _ADDRESS.match(address) is not None


def local_folder(address: str) -> Path:
    """Fetch the folder behind an address; a scheme that nothing installed offers is refused."""
    match = _ADDRESS.match(address)
    scheme = match[1] if match else ""
    for offered in entry_points(group=GROUP, name=scheme):
        try:
            fetch = offered.load()
        except ModuleNotFoundError as error:
            raise RiskModelError(
                f"{address}: '{error.name}' is not installed; install the extra: allsurv[track]."
            ) from None
        return Path(fetch(address))
    if scheme in _OF_MLFLOW:
        raise RiskModelError(
            f"{address}: an address of MLflow; install the package with its extra: allsurv[track]."
        )
    known = [f"{name}:/" for name in sorted({e.name for e in entry_points(group=GROUP)})]
    or_one = f", or an address that begins with {', '.join(known)}" if known else ""
    raise RiskModelError(f"{address}: no known kind of address; give a folder{or_one}.")
