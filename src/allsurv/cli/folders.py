"""The folder of a run: made by the run, whole or not there, and never shared by two jobs."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

from allsurv.errors import ConfigError

__all__ = ["NewFolder"]


class NewFolder:
    """A folder that appears under its name when all of it is written.

    It is made beside its place, under a name that no other job has, before anything is computed:
    a place that cannot be written is refused then. What is in it when :meth:`finish` is called was
    written by this run alone.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        if place.exists() and not (place.is_dir() and not any(place.iterdir())):
            raise ConfigError(f"--out {place}: is there already and not empty; name a new folder.")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self.part = Path(mkdtemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent))
            self.part.chmod(0o777 & ~_umask())
        except OSError as error:
            raise ConfigError(_cannot(place, error)) from None

    def __enter__(self) -> NewFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.part, ignore_errors=True)
        if isinstance(error, OSError) and self._is_inside(error):
            raise ConfigError(_cannot(self.place, error)) from None

    def finish(self) -> Path:
        """Give the folder its name; where another job has taken it since, a number is added."""
        for number in range(1, 1000):
            name = self.place.name if number == 1 else f"{self.place.name}-{number}"
            place = self.place.with_name(name)
            with suppress(OSError):
                place.rmdir()  # of an empty one, which some systems do not replace
            try:
                os.rename(self.part, place)
            except OSError:
                if not place.exists():
                    raise
                continue
            return place
        raise ConfigError(f"--out {self.place}: is taken; name a new folder.")

    def _is_inside(self, error: OSError) -> bool:
        return error.filename is None or str(error.filename).startswith(str(self.part))


def _cannot(place: Path, error: OSError) -> str:
    return f"--out {place}: cannot be written ({error.strerror or error}); name another folder."


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
