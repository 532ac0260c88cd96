"""What a package exports, and all of ``stats``, says what it takes, gives and raises (numpydoc).

Every other public name says in a sentence what it does; its types say the rest.
"""

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

SENTENCE = {"GL08", "SS01"}
CODES = SENTENCE | {"PR01", "PR02", "PR03", "RT01", "YD01"}
RUN_AS_SCRIPTS = {"allsurv.__main__", "allsurv.tracking.pyfunc_entry"}


def modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(allsurv.__path__, "allsurv."):
        if not module.name.endswith("__main__") and module.name not in RUN_AS_SCRIPTS:
            yield module.name


def public_objects(name: str) -> Iterator[tuple[str, bool]]:
    """Give the public functions, classes and methods of a module, and whether one is exported."""
    module = importlib.import_module(name)
    for attribute in getattr(module, "__all__", ()):
        thing = getattr(module, attribute)
        if getattr(thing, "__module__", None) != name or not callable(thing):
            continue
        whole = name.startswith("allsurv.stats.") or is_exported(name, attribute)
        yield f"{name}.{attribute}", whole
        if inspect.isclass(thing):
            for method, value in vars(thing).items():
                told = isinstance(value, classmethod | property) or callable(value)
                names = (method, getattr(value, "__name__", method))
                if told and not any(n.startswith("_") for n in names):
                    yield f"{name}.{attribute}.{method}", whole


def is_exported(module: str, name: str) -> bool:
    parts = module.split(".")
    packages = [".".join(parts[:i]) for i in range(1, len(parts))]
    return any(name in getattr(importlib.import_module(p), "__all__", ()) for p in packages)


@pytest.mark.parametrize("name", list(modules()))
@pytest.mark.filterwarnings("ignore")
def test_docstrings_of(name):
    assert (importlib.import_module(name).__doc__ or "").strip(), f"{name} says nothing"
    faults = [fault for path, whole in public_objects(name) for fault in faults_of(path, whole)]
    assert not faults, "\n".join(faults)


def faults_of(path: str, whole: bool) -> Iterator[str]:
    thing = Validator._load_obj(path)
    found = {code: text for code, text in validate(path)["errors"] if code in CODES}
    if not whole:
        found = {code: text for code, text in found.items() if code in SENTENCE}
    elif isinstance(thing, property) or path.endswith("_command"):
        found.pop("RT01", None)  # its one line says what it is
    if whole and inspect.isclass(thing) and fields_of(thing) is not None:
        # A value says what it holds under Parameters or under Attributes.
        found = {code: text for code, text in found.items() if not code.startswith("PR")}
        if missing := fields_of(thing) - documented_of(thing):
            found["fields"] = f"{sorted(missing)} not documented"
    elif whole and inspect.isclass(thing) and not takes_arguments(thing):
        found = {code: text for code, text in found.items() if not code.startswith("PR")}
    yield from (f"{path}: {code} {text}" for code, text in found.items())


def takes_arguments(thing: type) -> bool:
    return "__init__" in vars(thing) and not getattr(thing, "_is_protocol", False)


def documented_of(thing: type) -> set[str]:
    """Give the fields that a value or one of its bases documents."""
    documented = set()
    for kind in thing.__mro__[:-1]:
        sections = NumpyDocString(inspect.cleandoc(kind.__doc__ or ""))
        named = sections["Parameters"] + sections["Attributes"]
        documented |= {n.strip() for p in named for n in p.name.split(",")}
    return documented


def fields_of(kind: type) -> set[str] | None:
    if dataclasses.is_dataclass(kind):
        return {f.name for f in dataclasses.fields(kind) if f.init and not f.name.startswith("_")}
    return set(kind._fields) if issubclass(kind, tuple) and hasattr(kind, "_fields") else None
