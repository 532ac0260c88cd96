"""A plugin of pytest: which test, and which fixture shared by tests, executes which line.

A fixture of a module or a session runs once, in the set-up of the first test that asks for it; it
is traced under its own name, and what it executes counts for every test that uses it. Each process
of pytest-xdist writes a file of lines and one of tests; :mod:`mutants.reach` puts them together.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest


class Contexts:
    """Traces one process."""

    def __init__(self, folder: Path, source: str) -> None:
        self.mark = f"{os.getpid()}"
        self.folder = folder
        self.tests: dict[str, dict[str, Any]] = {}
        self.fixtures: dict[str, float] = {}
        self.stack: list[str] = []
        self.inside = 0.0
        self.coverage = coverage.Coverage(
            data_file=str(folder / f"lines.{self.mark}"), source=[source], config_file=False
        )
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        self.tests[item.nodeid] = {"seconds": 0.0, "passed": True, "fixtures": []}
        self.coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.coverage.switch_context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        if fixturedef.scope == "function":
            return (yield)
        key = _key(fixturedef)
        self.stack.append(key)
        self.coverage.switch_context(key)
        began, inside = time.perf_counter(), self.inside
        try:
            return (yield)
        finally:
            seconds = time.perf_counter() - began
            self.fixtures[key] = self.fixtures.get(key, 0.0) + seconds - (self.inside - inside)
            self.inside = inside + seconds
            self.stack.pop()
            self.coverage.switch_context(self.stack[-1] if self.stack else self.item(request))

    @staticmethod
    def item(request: pytest.FixtureRequest) -> str:
        return request._pyfuncitem.nodeid

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call):
        report = yield
        test = self.tests[item.nodeid]
        test["seconds"] += report.duration if report.when == "call" else 0.0
        test["passed"] = bool(test["passed"] and report.passed)
        test["fixtures"] = sorted({_key(one) for one in _fixtures(item) if one.scope != "function"})
        return report

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        self.coverage.save()
        (self.folder / f"tests.{self.mark}.json").write_text(
            json.dumps({"tests": self.tests, "fixtures": self.fixtures})
        )


def _key(fixturedef) -> str:
    return f"fixture {fixturedef.baseid}::{fixturedef.argname}"


def _fixtures(item: pytest.Item) -> Iterator[Any]:
    """Give the fixtures a test names, those of their own, and those it asked for while it ran."""
    named = getattr(item, "_fixtureinfo", None)
    for several in getattr(named, "name2fixturedefs", {}).values():
        yield from several
    yield from getattr(getattr(item, "_request", None), "_fixture_defs", {}).values()


def pytest_configure(config: pytest.Config) -> None:
    folder = os.environ.get("MUTANTS_CONTEXTS")
    workers = getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput")
    if folder and not workers:
        plugin = Contexts(Path(folder), os.environ["MUTANTS_SOURCE"])
        config.pluginmanager.register(plugin, "mutants-contexts")
