"""Names of a paper's tables and figures: keys for files, titles for readers."""

from __future__ import annotations

import re

__all__ = ["paper_key", "paper_title"]

PLACE = re.compile(r"(Table|Fig\.|Figure) (S?\d+[A-Z]?)")


def paper_key(paper: str, name: str) -> str:
    """Name an item after its place in the paper, else after its name in the study file.

    Examples
    --------
    >>> paper_key("Fig. 1A", "os_overall"), paper_key("Results, text", "rfs_by_sct")
    ('figure-1a', 'rfs-by-sct')
    """
    found = PLACE.fullmatch(paper)
    if found is None:
        return name.replace("_", "-")
    kind = "table" if found[1] == "Table" else "figure"
    return f"{kind}-{found[2].lower()}"


def paper_title(paper: str, label: str) -> str:
    """Put the place in the paper before a label.

    Examples
    --------
    >>> paper_title("Fig. 1B", "Overall survival by regimen")
    'Fig. 1B. Overall survival by regimen'
    """
    return f"{paper}. {label}" if PLACE.fullmatch(paper) else label
