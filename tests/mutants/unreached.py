"""Refusals that no test reaches: every ``raise``, and every fault that is given to the user."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mutants.reach import Reach

FAULTS = {"Fault", "Violation"}


def unreached(tree: Path, packages: list[str], reach: Reach) -> Iterator[str]:
    """Name the place of each."""
    for package in packages:
        for file in modules_of(tree, package):
            module = file.relative_to(tree).as_posix()
            source = file.read_text()
            for first, last in sorted(_refusals(ast.parse(source))):
                if not reach.is_reached(module, first, last):
                    yield f"{module}:{first}: {source.splitlines()[first - 1].strip()}"


def modules_of(tree: Path, package: str) -> list[Path]:
    """List the modules of a package, or the one module of that name."""
    place = tree / "src" / "allsurv" / package
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def _refusals(tree: ast.Module) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        is_fault = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in FAULTS
        )
        if isinstance(node, ast.Raise) or is_fault:
            yield node.lineno, node.end_lineno or node.lineno
