"""No parameter that nobody passes, no function that nobody calls: what is not offered is used.

Read from the syntax trees of package, tests and notebooks. Offered is what a package's ``__init__``
exports, and all of ``stats``; there a user may pass or call what we do not.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "allsurv"
NOT_READ = ("cli", "plots")  # typer passes the one; figures are drawn through tables of functions
PASSED_BY_OTHERS = {
    "FeatureEncoder.__repr__(N_CHAR_MAX)": "scikit-learn",
    "RiskModelService.predict(params)": "MLflow",
    "PublishedModel(grid)": "make_model",
    "PublishedModel(equation)": "make_model",
    "PublishedModel(curve)": "make_model",
    "PublishedModel(baseline)": "make_model",
    "fit_from_landmark(firth)": "passed through a partial, in describe.cox.screening",
    "optimism_table(level)": "kept: every table of limits takes its level",
    "net_benefit_table(level)": "kept: every table of limits takes its level",
    "nobody_table(level)": "kept: every table of limits takes its level",
    "compare_models(level)": "kept: every table of limits takes its level",
}
CALLED_BY_OTHERS = {"load_context", "readable", "readinto"}  # MLflow; the io module


class Calls(NamedTuple):
    """How functions are called, by their bare names."""

    keywords: set[tuple[str, str]]
    positional: dict[str, int]
    starred: set[str]
    names: Counter[str]


def test_every_optional_parameter_is_passed_somewhere():
    calls, offered = calls_of(), exported()
    found = {
        label
        for place, owner, function in functions()
        if not is_offered(place, owner, function, offered) and place[0] not in NOT_READ
        for label in unpassed(owner, function, calls)
    }
    assert found <= set(PASSED_BY_OTHERS)


def test_every_function_is_called_somewhere():
    calls, offered = calls_of(), exported()
    found = {
        function.name
        for place, owner, function in functions()
        if not is_offered(place, owner, function, offered)
        and not function.name.startswith("__")
        and not function.decorator_list
        and not calls.names[function.name]
    }
    assert found <= CALLED_BY_OTHERS


def test_the_sweep_sees_what_is_not_passed_and_what_is():
    text = "def f(a, b=1, *, c=2, d=3): ...\ndef g(): ...\n"
    f = ast.parse(text).body[0]
    assert list(unpassed(None, f, read_calls([text]))) == ["f(b)", "f(c)", "f(d)"]
    used = [text, "f(1, 2, c=3)", "delayed(f)(1, d=2)", "g()"]
    assert list(unpassed(None, f, read_calls(used))) == []
    assert list(unpassed(None, f, read_calls([text, "f(**settings)"]))) == []
    assert not read_calls([text]).names["g"]
    assert read_calls(used).names["g"] == 1


def functions() -> Iterator[tuple[tuple[str, ...], ast.ClassDef | None, ast.FunctionDef]]:
    """Give every function of the package with its module and class."""
    for path in SOURCE.rglob("*.py"):
        tree, place = ast.parse(path.read_text()), path.relative_to(SOURCE).parts
        for node in ast.walk(tree):
            inside = node.body if isinstance(node, ast.ClassDef | ast.Module) else []
            owner = node if isinstance(node, ast.ClassDef) else None
            yield from ((place, owner, f) for f in inside if isinstance(f, ast.FunctionDef))


def exported() -> set[str]:
    names = set()
    for path in SOURCE.rglob("__init__.py"):
        names |= set(re.findall(r'"(\w+)"', path.read_text()))
    return names


def is_offered(place, owner, function, offered: set[str]) -> bool:
    name = function.name if owner is None else owner.name
    public = not function.name.startswith("_") or function.name == "__init__"
    return (name in offered and public) or (place[0] == "stats" and public)


def unpassed(owner, function: ast.FunctionDef, calls: Calls) -> Iterator[str]:
    name = owner.name if owner is not None and function.name == "__init__" else function.name
    if name in calls.starred:
        return
    taken = function.args.args[1:] if owner is not None else function.args.args
    n_needed = len(taken) - len(function.args.defaults)
    optional = {a.arg: k for k, a in enumerate(taken) if k >= n_needed}
    for a, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        if default is not None:
            optional[a.arg] = 10**6
    for argument, place in optional.items():
        if (name, argument) not in calls.keywords and calls.positional[name] <= place:
            label = name if owner is None or name == owner.name else f"{owner.name}.{name}"
            yield f"{label}({argument})"


@lru_cache(maxsize=1)
def calls_of() -> Calls:
    return read_calls(texts())


def read_calls(given: Iterable[str]) -> Calls:
    calls = Calls(set(), defaultdict(int), set(), Counter())
    for text in given:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                add_call(node, calls)
            elif isinstance(node, ast.Name):
                calls.names[node.id] += 1
            elif isinstance(node, ast.Attribute):
                calls.names[node.attr] += 1
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                calls.names.update(re.findall(r"\w+", node.value))
    return calls


def texts() -> Iterator[str]:
    for folder in ("src", "tests"):
        yield from (path.read_text() for path in (ROOT / folder).rglob("*.py"))
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                lines = "".join(cell["source"]).splitlines()
                yield "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def add_call(node: ast.Call, calls: Calls) -> None:
    """Note a call; ``delayed(f)(x)`` and ``partial(f, x)`` call ``f`` too."""
    called = [bare(node.func), *(bare(a) for a in node.args[:1])]
    if isinstance(node.func, ast.Call):
        called += [bare(a) for a in node.func.args[:1]]
    many = any(isinstance(a, ast.Starred) for a in node.args)
    for name in filter(None, called):
        if many or any(k.arg is None for k in node.keywords):
            calls.starred.add(name)
        calls.keywords.update((name, k.arg) for k in node.keywords if k.arg)
        calls.positional[name] = max(calls.positional[name], len(node.args))


def bare(node: ast.AST) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")
