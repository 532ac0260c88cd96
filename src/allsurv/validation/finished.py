"""Refits that are done, kept beside a running job so that a killed one can go on from them."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allsurv.validation.plans import Split
from allsurv.whole_file import whole_file

__all__ = ["FinishedRefits"]


@dataclass(frozen=True)
class FinishedRefits:
    """A folder of refits, one file each, named by everything the refit depends on.

    A file is complete or not there: two jobs in one folder share what they finish and cannot
    spoil each other. Files hold predictions of single patients; the folder is private to the job
    and is removed when it ends.

    Parameters
    ----------
    folder : Path
        Made when the first refit is kept.
    versions : str
        What else the numbers depend on, such as the versions of packages.
    """

    folder: Path
    versions: str = ""

    def digest(self, X: pd.DataFrame, y: NDArray[np.void], *times: NDArray[np.float64]) -> str:
        """Digest the patients and the times they are predicted at."""
        sha = hashlib.sha256(self.versions.encode())
        sha.update("|".join(f"{name}:{kind}" for name, kind in X.dtypes.items()).encode())
        sha.update(pd.util.hash_pandas_object(X, index=False).to_numpy().tobytes())
        for name in y.dtype.names or ():
            sha.update(y[name].tobytes())
        for grid in times:
            sha.update(grid.tobytes() + b"|")
        return sha.hexdigest()

    def key(self, data: str, name: str, model: Any, split: Split) -> str:
        """Name a refit by all it depends on."""
        parameters = sorted(
            (key, repr(value))
            for key, value in model.get_params(deep=True).items()
            if not key.endswith("random_state")
        )
        sha = hashlib.sha256(f"{data}|{name}|{type(model)}|{parameters}|{split.seed}|".encode())
        sha.update(split.train.astype(np.int64).tobytes() + b"|")
        sha.update(split.test.astype(np.int64).tobytes())
        return sha.hexdigest()

    def read(self, key: str) -> Mapping[str, NDArray[Any]] | None:
        """Find a finished refit."""
        try:
            with (
                (self.folder / f"{key}.npz").open("rb") as raw,
                np.load(raw, allow_pickle=False) as file,
            ):
                return dict(file)
        except (OSError, ValueError, zipfile.BadZipFile):
            return None

    def write(self, key: str, parts: Mapping[str, NDArray[Any]]) -> None:
        """Keep a finished refit."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / f"{key}.npz", private=True) as part, part.open("wb") as file:
            np.savez(file, **parts)  # type: ignore[arg-type]
