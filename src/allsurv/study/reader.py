"""From a study file, or the name of a bundled study, to a checked Study."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path as FilePath

from allsurv.errors import StudyError
from allsurv.nearest import did_you_mean
from allsurv.study.build import build_study
from allsurv.study.consistency import study_faults
from allsurv.study.faults import raise_faults
from allsurv.study.questions import question_faults
from allsurv.study.schema import schema_faults
from allsurv.study.spec import Study
from allsurv.study.yamlfile import Document, read_yaml

__all__ = ["bundled_studies", "load_study"]

_BUNDLED = FilePath(__file__).with_name("bundled")


def load_study(name_or_path: str | FilePath) -> Study:
    """Read a study: what a cohort looks like, and what was published about it.

    Parameters
    ----------
    name_or_path : str or pathlib.Path
        Name of a bundled study (``rr-all``, ``ebmt-all``), or a YAML file.

    Returns
    -------
    Study
        Frozen; its digest names its content.

    Raises
    ------
    StudyError
        If there is no such study, or the file breaks the schema or its own data dictionary. All
        faults are listed, each with file, line and key, and with the near miss.

    Examples
    --------
    >>> study = load_study("rr-all")
    >>> study.variable("pb_blasts").label
    'Peripheral-blood blasts'
    >>> load_study("rr-al")
    Traceback (most recent call last):
    allsurv.errors.StudyError: 'rr-al' is neither a bundled study (ebmt-all, rr-all,
    rr-all-inotuzumab) nor a file. Did you mean 'rr-all'?
    """
    if isinstance(name_or_path, str) and name_or_path in bundled_studies():
        return _bundled(name_or_path)
    path = FilePath(name_or_path)
    if not path.exists():
        names = ", ".join(bundled_studies())
        hint = did_you_mean(path.name.removesuffix(path.suffix), bundled_studies())
        raise StudyError(f"'{path}' is neither a bundled study ({names}) nor a file.{hint}")
    document = read_yaml(path, error=StudyError)
    raise_faults(document.where, question_faults(document, path), StudyError)
    faults = schema_faults(document.value)
    raise_faults(document.where, map(document.located, faults), StudyError)
    return _checked(document, str(path))


def bundled_studies() -> tuple[str, ...]:
    """List the studies that come with allsurv.

    Returns
    -------
    tuple of str
        Names that :func:`load_study` knows, sorted.

    Examples
    --------
    >>> bundled_studies()
    ('ebmt-all', 'rr-all', 'rr-all-inotuzumab')
    """
    return tuple(sorted(path.stem for path in _BUNDLED.glob("*.yaml")))


@lru_cache
def _bundled(name: str) -> Study:
    # The schema is held against bundled files when they are released, not at every start.
    path = _BUNDLED / f"{name}.yaml"
    return _checked(read_yaml(path, error=StudyError, where=path.name), str(path))


def _checked(document: Document, path: str) -> Study:
    study = build_study(document.value, path=path)
    raise_faults(document.where, map(document.located, study_faults(study)), StudyError)
    return study
