"""Files of Stata, SAS and SPSS: codes unchanged, labels beside them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from allsurv.errors import ConfigError
from allsurv.files.layout import Unreadable
from allsurv.files.spss import read_apart

__all__ = ["Labelled", "kind_of", "read_statistical"]

Kind = Literal["", "SPSS", "Stata", "SAS", "SAS transport"]

_SAS = b"\x00" * 12 + b"\xc2\xea\x81\x60"
_TRANSPORT = b"HEADER RECORD*******LIB"
_SMALLEST_OF_IBM = 1e-78
_STATA_VERSIONS = range(104, 120)
"""Format numbers of Stata's binary files before 13, which begin with the number alone."""


@dataclass(frozen=True)
class Labelled:
    """A table with the labels its file holds.

    Parameters
    ----------
    frame : DataFrame
        Codes unchanged; dates as text.
    understood : str
        What the file is.
    labels : mapping from str to str
        Column to label for readers.
    value_labels : mapping
        Column to code to label.
    """

    frame: pd.DataFrame
    understood: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[object, str]] = field(default_factory=dict)


def kind_of(head: bytes, path: Path) -> Kind:
    r"""Tell which program's file it is, from its first bytes.

    Examples
    --------
    >>> kind_of(b"$FL2@(#) SPSS DATA FILE", Path("patients.sav"))
    'SPSS'
    """
    if head.startswith((b"$FL2", b"$FL3")):
        return "SPSS"
    if head.startswith(_SAS):
        return "SAS"
    if head.startswith(_TRANSPORT):
        return "SAS transport"
    old = path.suffix.lower() == ".dta" and head[:1] and head[0] in _STATA_VERSIONS
    return "Stata" if head.startswith(b"<stata_dta>") or old else ""


def read_statistical(path: Path, kind: Kind) -> Labelled:
    """Read a file of Stata, SAS or SPSS."""
    import struct

    read = {"SPSS": _spss, "Stata": _stata, "SAS": _sas, "SAS transport": _sas}[kind]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about dates out of pandas' range, and odd letters
            found = read(path, kind)
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        OverflowError,
        OSError,
        EOFError,
        struct.error,
        MemoryError,
        AssertionError,
        ZeroDivisionError,
        NotImplementedError,
    ):
        raise Unreadable(f"is a damaged {kind} file; write it again.") from None
    frame = found.frame.reset_index(drop=True)
    for i in range(frame.shape[1]):
        if frame.dtypes.iloc[i].kind in "mM":
            frame.isetitem(i, _dates(frame.iloc[:, i]))
    return Labelled(frame, found.understood, found.labels, found.value_labels)


def _dates(column: pd.Series) -> pd.Series:
    """Write dates as text, so that they are never taken for numbers."""
    texts = column.astype("string").str.removesuffix(" 00:00:00")
    return texts.astype(object).where(column.notna(), None)


def _stata(path: Path, kind: str) -> Labelled:
    with pd.io.stata.StataReader(path, convert_categoricals=False) as reader:
        frame = reader.read()
        labels = {k: v for k, v in reader.variable_labels().items() if v}
        lists = reader.value_labels()
        named = dict(zip(reader._varlist, reader._lbllist, strict=True))
    values = {name: dict(lists[which]) for name, which in named.items() if which in lists}
    return Labelled(frame, "Stata file", labels, values)


def _sas(path: Path, kind: str) -> Labelled:
    form: Any = "xport" if kind == "SAS transport" else "sas7bdat"
    with pd.read_sas(path, format=form, encoding="utf-8", iterator=True) as reader:
        frame = reader.read()
        labels = _sas_labels(reader)
    if kind == "SAS transport":
        for name in frame.select_dtypes("number"):
            # pandas reads the zero of IBM's floating point as the smallest number it can write
            frame[name] = frame[name].mask(frame[name].abs() < _SMALLEST_OF_IBM, 0.0)
    return Labelled(frame, f"{kind} file", labels)


def _sas_labels(reader: Any) -> dict[str, str]:
    """Take the labels of columns where pandas keeps them: in its transport reader as bytes."""
    if hasattr(reader, "fields"):
        pairs = ((f["name"], f["label"]) for f in reader.fields)
    else:
        pairs = ((column.name, column.label) for column in reader.columns)
    found = {}
    for name, label in pairs:
        words = [
            w.decode("utf-8", "replace") if isinstance(w, bytes) else str(w or "")
            for w in (name, label)
        ]
        if words[1].strip():
            found[words[0].strip()] = words[1].strip()
    return found


def _spss(path: Path, kind: str) -> Labelled:
    if find_spec("pyreadstat") is None:
        raise ConfigError(
            "SPSS files need pyreadstat, which is not installed; run: pip install "
            "'allsurv[files]', or save the table as CSV (UTF-8)."
        )
    frame, labels = read_apart(path)
    values = {name: dict(map(tuple, pairs)) for name, pairs in labels["values"].items()}
    return Labelled(frame, "SPSS file", labels["columns"], values)
