"""Where refits run: processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import joblib

from allsurv.errors import ConfigError

__all__ = ["ENGINES", "engine"]

ENGINES = ("local", "dask")


@contextmanager
def engine(name: str = "local", scheduler: str = "") -> Iterator[None]:
    """Run all refits inside the block on an engine; the numbers do not depend on it.

    Parameters
    ----------
    name : {"local", "dask"}, default="local"
        Processes of this machine, or workers of a Dask scheduler, on whatever machines they run.
    scheduler : str, default=""
        Address of the scheduler, such as ``tcp://127.0.0.1:8786``; needed by ``dask`` only. The
        workers must have this package installed; patients' data travel to them.

    Yields
    ------
    None
        While the engine is in use.

    Raises
    ------
    ConfigError
        If the engine is unknown, its package is not installed, or nobody answers at the address.
    """
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
    with client, joblib.parallel_config(backend="dask"):
        yield
