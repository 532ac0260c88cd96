"""The folder of a risk model: ``risk_model.json`` beside ``arrays.npz``, both sealed by SHA-256.

A seal tells damage and careless edits, not a forger: who can rewrite both files can seal them anew.
Bytes depend on the model alone: the same model gives the same files.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError, RiskModelError
from allsurv.riskmodel.tree import FORMAT, VERSION
from allsurv.whole_file import whole_file

__all__ = ["digest_of_tree", "manifest_of", "read_folder", "write_folder"]

_JSON = "risk_model.json"
_ARRAYS = "arrays.npz"
_AGAIN = "fetch or export the model again."


def manifest_of(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """List arrays with their seals."""
    return {
        name: {
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "sha256": _array_digest(array),
        }
        for name, array in arrays.items()
    }


def write_folder(tree: dict[str, Any], arrays: dict[str, NDArray[Any]], folder: Path) -> Path:
    """Write plain values and arrays, and seal them."""
    try:
        tree["sha256"] = digest_of_tree(tree)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"risk model: provenance cannot be written as JSON ({error}); "
            "give texts, finite numbers, lists and mappings."
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    _write_arrays(arrays, folder / _ARRAYS)
    text = json.dumps(tree, indent=1, ensure_ascii=False, allow_nan=False)
    with whole_file(folder / _JSON) as part:
        part.write_text(text + "\n", encoding="utf-8")
    return folder


def read_folder(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read plain values and arrays, and check their seals."""
    tree = _read_tree(folder / _JSON)
    return tree, _read_arrays(folder / _ARRAYS, tree["arrays"])


def _read_tree(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RiskModelError(
            f"{path.parent}: there is no {_JSON}; name the folder of an exported risk model."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise RiskModelError(f"{path}: is cut short or no JSON; {_AGAIN}") from None
    except OSError as error:
        raise RiskModelError(f"{path}: cannot be read ({error.strerror}).") from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise RiskModelError(f"{path}: is not an allsurv risk model; {_AGAIN}")
    if tree.get("format_version") != VERSION:
        raise RiskModelError(
            f"{path}: has format version {tree.get('format_version')!r}; this allsurv reads "
            f"{VERSION}. Use the allsurv that wrote it, or export the model again."
        )
    if tree.get("sha256") != _seal_of(tree) or not isinstance(tree.get("arrays"), dict):
        raise RiskModelError(f"{path}: was altered after it was written; {_AGAIN}")
    return tree


def _read_arrays(path: Path, manifest: dict[str, Any]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    name = "the table of contents"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            found = set(archive.files)
            for name in sorted(found & set(manifest)):
                arrays[name] = archive[name]
    except FileNotFoundError:
        raise RiskModelError(f"{path}: is missing; {_AGAIN}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise RiskModelError(
            f"{path}: is damaged at {name} ({type(error).__name__}); {_AGAIN}"
        ) from None
    for name in sorted(found ^ set(manifest)):
        fault = "is missing" if name in manifest else "does not belong to this model"
        raise RiskModelError(f"{path}: '{name}' {fault}; {_AGAIN}")
    for name, array in arrays.items():
        sealed = manifest[name]
        if not isinstance(sealed, dict) or sealed.get("sha256") != _array_digest(array):
            raise RiskModelError(f"{path}: '{name}' was altered after it was written; {_AGAIN}")
    return arrays


def _write_arrays(arrays: dict[str, NDArray[Any]], path: Path) -> None:
    with whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def _array_digest(array: NDArray[Any]) -> str:
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape} ".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _seal_of(tree: dict[str, Any]) -> str:
    """Seal a tree that was read; one with numbers JSON does not have was not written by us."""
    try:
        return digest_of_tree(tree)
    except ValueError:
        return ""


def digest_of_tree(tree: dict[str, Any]) -> str:
    """Seal a tree of plain values."""
    content = {key: value for key, value in tree.items() if key != "sha256"}
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
