"""Where refits run: processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import joblib

from allsurv.errors import ConfigError

__all__ = ["ENGINES", "engine"]

ENGINES = ("local", "dask")


@contextmanager
def engine(name: str = "local", scheduler: str = "") -> Iterator[None]:
    """Run all refits inside the block on an engine; the numbers do not depend on it."""
    if name not in ENGINES:
        raise ConfigError(f"engine: '{name}'; allowed are {', '.join(ENGINES)}.")
    if name == "local":
        if scheduler:
            raise ConfigError("engine: a scheduler is given; say engine 'dask' as well.")
        yield
        return
    if not scheduler:
        raise ConfigError(
            "engine: dask needs the address of a scheduler, such as tcp://127.0.0.1:8786; start "
            "one with 'dask scheduler' and workers with 'dask worker ADDRESS'."
        )
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError("engine: dask is not installed; pip install 'allsurv[dask]'.") from None
    try:
        client = Client(scheduler, timeout="10s")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"engine: no scheduler answers at {scheduler} ({type(error).__name__}); "
            "check the address."
        ) from None
    with client:
        _require_package(client.run(_version))
        with joblib.parallel_config(backend="dask"):
            yield


def _version() -> str:
    """Give the version installed on a worker; empty where there is none.

    Sent by value, so that it can be asked of workers who lack the package.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("allsurv")
    except PackageNotFoundError:
        return ""


def _require_package(found: Mapping[str, str]) -> None:
    """Refuse workers who could not even read what they are sent: a task would wait for ever."""
    wanted = _version()
    lacking = {worker: has for worker, has in found.items() if has != wanted}
    if not found:
        raise ConfigError("engine: the scheduler has no workers; start one with 'dask worker'.")
    if lacking:
        worker, has = next(iter(lacking.items()))
        raise ConfigError(
            f"engine: {len(lacking)} of {len(found)} workers lack allsurv {wanted} ({worker} has "
            f"{has or 'none'}); install the same version on every worker."
        )
