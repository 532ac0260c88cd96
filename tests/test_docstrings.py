"""Every public name says what it takes, what it gives and what it raises (numpydoc)."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import Validator, validate

import allsurv

CODES = {"GL08", "SS01", "PR01", "PR02", "PR03", "RT01", "YD01"}
RUN_AS_SCRIPTS = {"allsurv.__main__", "allsurv.tracking.pyfunc_entry"}


def modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(allsurv.__path__, "allsurv."):
        if not module.name.endswith("__main__") and module.name not in RUN_AS_SCRIPTS:
            yield module.name


def public_objects(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    for attribute in getattr(module, "__all__", ()):
        thing = getattr(module, attribute)
        if getattr(thing, "__module__", None) != name or not callable(thing):
            continue
        yield f"{name}.{attribute}"
        if inspect.isclass(thing):
            for method, value in vars(thing).items():
                told = isinstance(value, classmethod | property) or callable(value)
                names = (method, getattr(value, "__name__", method))
                if told and not any(n.startswith("_") for n in names):
                    yield f"{name}.{attribute}.{method}"


@pytest.mark.parametrize("name", list(modules()))
@pytest.mark.filterwarnings("ignore")
def test_docstrings_of(name):
    assert (importlib.import_module(name).__doc__ or "").strip(), f"{name} says nothing"
    faults = [fault for path in public_objects(name) for fault in faults_of(path)]
    assert not faults, "\n".join(faults)


def faults_of(path: str) -> Iterator[str]:
    thing = Validator._load_obj(path)
    found = {code: text for code, text in validate(path)["errors"] if code in CODES}
    if isinstance(thing, property) or path.endswith("_command"):
        found.pop("RT01", None)  # its one line says what it is
    if inspect.isclass(thing) and fields_of(thing) is not None:
        # A value says what it holds under Parameters or under Attributes.
        found = {code: text for code, text in found.items() if not code.startswith("PR")}
        sections = NumpyDocString(inspect.getdoc(thing))
        named = sections["Parameters"] + sections["Attributes"]
        documented = {n.strip() for p in named for n in p.name.split(",")}
        if missing := fields_of(thing) - documented:
            found["fields"] = f"{sorted(missing)} not documented"
    elif inspect.isclass(thing) and "__init__" not in vars(thing):
        found = {code: text for code, text in found.items() if not code.startswith("PR")}
    yield from (f"{path}: {code} {text}" for code, text in found.items())


def fields_of(kind: type) -> set[str] | None:
    if dataclasses.is_dataclass(kind):
        return {f.name for f in dataclasses.fields(kind) if f.init and not f.name.startswith("_")}
    return set(kind._fields) if issubclass(kind, tuple) and hasattr(kind, "_fields") else None
