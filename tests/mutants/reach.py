"""Which tests execute a line: the suite traced once, and looked up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coverage import CoverageData

from mutants.changes import Change

TOO_SLOW = (
    "tests/benchmarks", "tests/mutants", "tests/test_distribution.py", "tests/test_docstrings.py",
    "tests/test_house.py", "tests/test_main_job.py", "tests/test_notebooks.py",
)  # fmt: skip
"""Tests of the whole project and of its form: they are not asked."""


@dataclass
class Reach:
    """What the traced suite executed.

    ``lines`` gives the contexts of each line of each module, ``seconds`` what each test took,
    ``fixtures`` which shared fixtures a test uses, ``setup`` what each of them took; ``importers``
    which modules and files of tests import a module.
    """

    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    fixtures: dict[str, frozenset[str]] = field(default_factory=dict)
    setup: dict[str, float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    importers: dict[str, set[str]] = field(default_factory=dict)

    def without(self, files: Sequence[str]) -> Reach:
        """Forget tests and fixtures of some files."""

        def is_kept(name: str) -> bool:
            return name.removeprefix("fixture ").partition("::")[0] not in files

        return Reach(
            {
                module: {line: set(filter(is_kept, found)) for line, found in several.items()}
                for module, several in self.lines.items()
            },
            {test: seconds for test, seconds in self.seconds.items() if is_kept(test)},
            {test: fixtures for test, fixtures in self.fixtures.items() if is_kept(test)},
            {name: seconds for name, seconds in self.setup.items() if is_kept(name)},
            set(filter(is_kept, self.broken)),
            self.importers,
        )

    def joined(self, other: Reach) -> Reach:
        """Put two traces of the same code together; who imports what is the other's."""
        lines = {module: dict(several) for module, several in self.lines.items()}
        for module, several in other.lines.items():
            known = lines.setdefault(module, {})
            for line, found in several.items():
                known[line] = known.get(line, set()) | found
        return Reach(
            lines,
            self.seconds | other.seconds,
            self.fixtures | other.fixtures,
            self.setup | other.setup,
            self.broken | other.broken,
            other.importers,
        )

    def to_json(self) -> dict[str, Any]:
        """Turn into plain values; a name is written once."""
        names: dict[str, int] = {}
        lines = {
            module: {
                line: sorted(names.setdefault(name, len(names)) for name in sorted(found))
                for line, found in several.items()
            }
            for module, several in self.lines.items()
        }
        return {
            "names": list(names),
            "lines": lines,
            "seconds": self.seconds,
            "fixtures": {test: sorted(found) for test, found in self.fixtures.items()},
            "setup": self.setup,
            "broken": sorted(self.broken),
            "importers": {module: sorted(found) for module, found in self.importers.items()},
        }

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> Reach:
        """Make from :meth:`to_json`."""
        names = value["names"]
        return cls(
            {
                module: {int(line): {names[k] for k in found} for line, found in several.items()}
                for module, several in value["lines"].items()
            },
            value["seconds"],
            {test: frozenset(found) for test, found in value["fixtures"].items()},
            value["setup"],
            set(value["broken"]),
            {module: set(found) for module, found in value["importers"].items()},
        )

    def is_reached(self, module: str, first: int, last: int) -> bool:
        """Whether any test, one that fails under the tracer too, executes any of the lines."""
        lines = self.lines.get(module, {})
        return any(lines.get(line) for line in range(first, last + 1))

    def tests_of(self, change: Change) -> tuple[list[str], str]:
        """Give the tests to ask, the likeliest and quickest first, and how near they come.

        Code that numba compiles and what runs in processes of its own is not seen by the tracer:
        where no test reaches the line, those of the module are asked, then of the package. What is
        executed on import only, such as a constant, is reached through whoever imports it.
        """
        lines = self.lines.get(change.module, {})
        own = set().union(*(lines.get(n, ()) for n in range(change.first, change.last + 1)))
        near = [(own, "line"), (set().union(*lines.values()), "module")]
        package = change.module.split("/")[2]
        of_package = {test for test in self.seconds if test.split("/")[1] == package}
        if not change.function:
            near = [(self._through_importers(change.module), "importers")]
        for contexts, how in (*near, (of_package, "package")):
            found = self._expand(contexts)
            if found:
                return sorted(found, key=lambda test: self._order(test, package)), how
        return [], "nothing"

    def _through_importers(self, module: str) -> set[str]:
        found: set[str] = set()
        for name in (module, *self.importers.get(module, ())):
            found.update(*self.lines.get(name, {}).values())
            found.update(test for test in self.seconds if test.partition("::")[0] == name)
        return found

    def _expand(self, contexts: Iterable[str]) -> set[str]:
        shared = {context for context in contexts if context.startswith("fixture ")}
        tests = {context for context in contexts if context in self.seconds}
        if shared:
            tests |= {test for test, uses in self.fixtures.items() if uses & shared}
        return tests

    def cost(self, tests: Sequence[str]) -> float:
        """Seconds that tests take together, with each shared fixture once."""
        shared = set().union(*(self.fixtures[test] for test in tests))
        return sum(self.seconds[t] for t in tests) + sum(self.setup.get(s, 0.0) for s in shared)

    def within(self, tests: Sequence[str], budget: float) -> list[str]:
        """Take tests, in their order, as long as they fit into a number of seconds."""
        taken: list[str] = []
        shared: set[str] = set()
        left = budget
        for test in tests:
            more = self.fixtures[test] - shared
            needs = self.seconds[test] + sum(self.setup.get(name, 0.0) for name in more)
            if needs <= left or not taken:
                taken.append(test)
                shared |= more
                left -= needs
        return taken

    def _order(self, test: str, package: str) -> tuple[bool, float, str]:
        away = f"/{package}/" not in test.partition("::")[0]
        return away, self.cost([test]), test


def collect(tree: Path, tests: Sequence[str], folder: Path, jobs: int) -> None:
    """Trace tests in a copy of the tree."""
    folder.mkdir(parents=True, exist_ok=True)
    ignored = [f"--ignore={name}" for name in TOO_SLOW]
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "mutants.contexts", "-p", "no:cacheprovider",
        "--hypothesis-seed=0", *ignored, *(["-n", str(jobs)] if jobs > 1 else []), *tests,
    ]  # fmt: skip
    environment = environment_of(tree) | {
        "MUTANTS_CONTEXTS": str(folder),
        "MUTANTS_SOURCE": str(tree / "src" / "allsurv"),
    }
    done = subprocess.run(command, cwd=tree, env=environment, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"mutants: the suite did not run (pytest ended with {done.returncode}).")


def environment_of(tree: Path) -> dict[str, str]:
    """Environment in which the package of a copy is the one that is imported."""
    path = os.pathsep.join([str(tree / "src"), str(tree / "tests")])
    # Options for all runs of pytest, such as those of CI, are not for the runs inside this one.
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def read(folder: Path, tree: Path) -> Reach:
    """Put together what every traced process wrote."""
    reach = Reach()
    lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in sorted(folder.glob("lines.*")):
        data = CoverageData(str(file))
        data.read()
        for path in data.measured_files():
            module = Path(path).relative_to(tree).as_posix()
            for line, contexts in data.contexts_by_lineno(path).items():
                lines[module][line].update(contexts)
    for several in lines.values():
        for contexts in several.values():
            contexts.discard("")  # executed on import only
    for file in sorted(folder.glob("tests.*.json")):
        found = json.loads(file.read_text())
        for name, seconds in found["fixtures"].items():
            reach.setup[name] = max(seconds, reach.setup.get(name, 0.0))
        for test, known in found["tests"].items():
            if known["passed"]:
                reach.seconds[test] = known["seconds"]
                reach.fixtures[test] = frozenset(known["fixtures"])
            else:
                reach.broken.add(test)
    reach.lines = {module: dict(several) for module, several in lines.items()}
    reach.importers = _importers(tree)
    return reach


def _importers(tree: Path) -> dict[str, set[str]]:
    """Tell for each module which files import it, from itself or from its package."""
    asked = re.compile(r"^\s*(?:from|import) (allsurv[\w.]*)", re.M)
    imported: dict[str, set[str]] = defaultdict(set)
    files = [*(tree / "src").rglob("*.py"), *(tree / "tests").rglob("*.py")]
    for file in files:
        for name in asked.findall(file.read_text(encoding="utf-8")):
            imported[name].add(file.relative_to(tree).as_posix())
    found = {}
    for file in (tree / "src").rglob("*.py"):
        module = file.relative_to(tree / "src").with_suffix("").as_posix().replace("/", ".")
        of_package = imported[module.rpartition(".")[0]]
        found[file.relative_to(tree).as_posix()] = imported[module] | of_package
    return found
