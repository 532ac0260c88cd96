"""The folder of a risk model: ``risk_model.json`` beside ``arrays.npz``, both sealed by SHA-256.

A seal tells damage and careless edits, not a forger: who can rewrite both files can seal them anew.
Bytes depend on the model alone: the same model gives the same files.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from allsurv.errors import ModelError, RiskModelError
from allsurv.riskmodel.schema import first_fault
from allsurv.riskmodel.tree import FORMAT, VERSION
from allsurv.whole_file import whole_file

__all__ = ["digest_of_tree", "manifest_of", "read_folder", "write_folder"]

_JSON = "risk_model.json"
_ARRAYS = "arrays.npz"
MOST_JSON = 32 * 2**20
MOST_PACKED = 2**31
MOST_BYTES, MOST_RATIO = 2**28, 100
"""Bytes of all arrays of a model; more where they are at most so many times the packed ones."""
DTYPES = ("<f8", "<i8")
_UNPACKING = (ValueError, KeyError, RuntimeError)  # encrypted, an unknown packing, a damaged header
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


def _read_bytes(path: Path, most: int) -> bytes:
    """Read a file that is one, of no more bytes than a model can have; a pipe would never end."""
    try:
        held = path.stat()
        if not stat.S_ISREG(held.st_mode):
            raise RiskModelError(f"{path}: is no file; {_AGAIN}")
        if held.st_size > most:
            raise RiskModelError(
                f"{path}: has {held.st_size:,} bytes; a risk model has at most {most:,}."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RiskModelError(f"{path}: cannot be read ({error.strerror}).") from None


def _read_tree(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(_read_bytes(path, MOST_JSON).decode("utf-8"))
    except FileNotFoundError:
        raise RiskModelError(
            f"{path.parent}: there is no {_JSON}; name the folder of an exported risk model."
        ) from None
    except RiskModelError:
        raise
    except (ValueError, RecursionError):  # no JSON, no UTF-8, a number of thousands of digits
        raise RiskModelError(f"{path}: is cut short or no JSON; {_AGAIN}") from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise RiskModelError(f"{path}: is not an allsurv risk model; {_AGAIN}")
    if tree.get("format_version") != VERSION:
        raise RiskModelError(
            f"{path}: has format version {tree.get('format_version')!r}; this allsurv reads "
            f"{VERSION}. Use the allsurv that wrote it, or export the model again."
        )
    if tree.get("sha256") != _seal_of(tree) or not isinstance(tree.get("arrays"), dict):
        raise RiskModelError(f"{path}: was altered after it was written; {_AGAIN}")
    if fault := first_fault(tree):
        raise RiskModelError(f"{path}: {fault}; {_AGAIN}")
    return tree


def _read_arrays(path: Path, manifest: dict[str, Any]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    name = "the table of contents"
    try:
        with zipfile.ZipFile(io.BytesIO(_read_bytes(path, MOST_PACKED))) as archive:
            _compare_contents(path, archive, manifest)
            for name, sealed in sorted(manifest.items()):
                with archive.open(f"{name}.npy") as member:
                    arrays[name] = _read_array(member, sealed)
    except FileNotFoundError:
        raise RiskModelError(f"{path}: is missing; {_AGAIN}") from None
    except RiskModelError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, *_UNPACKING) as error:
        raise RiskModelError(
            f"{path}: is damaged at {name} ({type(error).__name__}); {_AGAIN}"
        ) from None
    for name, array in arrays.items():
        if manifest[name]["sha256"] != _array_digest(array):
            raise RiskModelError(f"{path}: '{name}' was altered after it was written; {_AGAIN}")
    return arrays


def _compare_contents(path: Path, archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """Hold what an archive says it contains against the sealed list, before it is unpacked."""
    sizes = {item.filename: item.file_size for item in archive.infolist()}
    asked = {f"{name}.npy" for name in manifest}
    for member in sorted(sizes.keys() ^ asked):
        name = member.removesuffix(".npy")
        fault = "is missing" if member in asked else "does not belong to this model"
        raise RiskModelError(f"{path}: '{name}' {fault}; {_AGAIN}")
    packed = sum(item.compress_size for item in archive.infolist())
    most = max(MOST_BYTES, MOST_RATIO * min(packed, path.stat().st_size))
    if len(archive.infolist()) != len(asked) or sum(sizes.values()) > most:
        raise RiskModelError(
            f"{path}: holds an array twice, or unpacks to more than {most:,} bytes; {_AGAIN}"
        )
    for name, sealed in manifest.items():
        # The seal can be as hostile as the archive: neither may ask for more than is there.
        if math.prod(sealed["shape"]) * 8 > sizes[f"{name}.npy"]:
            raise RiskModelError(f"{path}: '{name}' was altered after it was written; {_AGAIN}")


def _read_array(member: IO[bytes], sealed: Mapping[str, Any]) -> NDArray[Any]:
    """Read an array whose header says what the sealed list says."""
    version = np.lib.format.read_magic(member)
    if version != (1, 0):
        raise ValueError("version of the array format")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(member)
    if in_columns or dtype.str != sealed["dtype"] or list(shape) != sealed["shape"]:
        raise ValueError("header and seal differ")
    if dtype.str not in DTYPES:
        raise ValueError("kind of the array")
    content = member.read(math.prod(shape) * dtype.itemsize)
    return np.frombuffer(content, dtype=dtype).reshape(shape).copy()


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
