"""What a folder of a reproduced paper holds: listed, so that it can be written anew, not mixed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from allsurv.errors import ConfigError
from allsurv.reproduction.items import Reproduction

__all__ = ["clear_previous", "write_contents"]

CONTENTS = "reproduction.json"
FORMAT = "allsurv-reproduction/1"


def write_contents(reproduction: Reproduction, folder: str | Path, files: Iterable[Path]) -> Path:
    """Write ``reproduction.json``: origin, disclosure policy, versions, items and files.

    Parameters
    ----------
    reproduction : Reproduction
        The whole analysis.
    folder : str or Path
        Where its files stand.
    files : iterable of Path
        Every file written into it.

    Returns
    -------
    Path
        The file.
    """
    folder, source = Path(folder), reproduction.source
    tree = {
        "format": FORMAT,
        "study": reproduction.study.name,
        "study_digest": reproduction.study.digest,
        "source": {"kind": source.kind, "name": source.name, "digest": source.digest},
        "statement": reproduction.statement,
        "policy": reproduction.policy,
        "versions": dict(reproduction.versions),
        "items": [
            {
                "key": item.key,
                "title": item.title,
                "label": item.label,
                "kind": item.kind,
                "local_only": item.local_only,
            }
            for item in reproduction
        ],
        "files": sorted(file.relative_to(folder).as_posix() for file in files),
    }
    path = folder / CONTENTS
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def clear_previous(folder: str | Path) -> Path:
    """Make a folder ready: files of an earlier reproduction go, anybody else's folder is refused.

    A list of no files marks it from the beginning, so that a reproduction that was broken off can
    be carried out again.

    Parameters
    ----------
    folder : str or Path
        Made if need be.

    Returns
    -------
    Path
        The folder, without the files that an earlier reproduction listed.

    Raises
    ------
    ConfigError
        If it cannot be made, or holds something and no list of an earlier reproduction.
    """
    folder = Path(folder)
    begun = json.dumps({"format": FORMAT, "files": []})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _listed(folder) if any(folder.iterdir()) else []:
            (folder / name).unlink(missing_ok=True)
        (folder / CONTENTS).write_text(begun + "\n", encoding="utf-8")
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise ConfigError(
            f"{folder}: cannot be used as a folder ({reason}); name another."
        ) from None
    return folder


def _listed(folder: Path) -> list[str]:
    foreign = ConfigError(
        f"{folder}: holds files that no reproduction has written; name an empty folder, a new one, "
        "or that of an earlier reproduction."
    )
    try:
        tree = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        raise foreign from None
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise foreign
    names = [str(name) for name in tree.get("files", [])]
    return [name for name in names if not ({"..", "/"} & set(PurePosixPath(name).parts))]
