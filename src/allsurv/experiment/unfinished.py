"""What a running job has done so far, so that a killed one can be taken up again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from allsurv.experiment.config import Config
from allsurv.models.origin import package_versions
from allsurv.validation.finished import FinishedRefits
from allsurv.whole_file import whole_file

__all__ = ["UnfinishedJob", "open_job"]


@dataclass(frozen=True)
class UnfinishedJob:
    """One job in a folder that other jobs, running or killed, may share.

    Parameters
    ----------
    folder : Path
        Refits of this configuration, and a note of each job that works on them.
    note : Path
        That of this job.
    """

    folder: Path
    note: Path

    @property
    def finished(self) -> FinishedRefits:
        """Refits that are done."""
        return FinishedRefits(self.folder / "refits", json.dumps(package_versions()))

    def name_run(self, run_id: str) -> None:
        """Note which tracked run this job is."""
        _write(self.note, run_id)

    def take_over(self) -> list[str]:
        """Forget the jobs that were killed."""
        killed = []
        for note in sorted(self.folder.glob("job-*.json")):
            owner = _read(note)
            if note != self.note and owner is not None and not _is_alive(owner):
                killed += [str(owner["run"])] if owner["run"] else []
                note.unlink(missing_ok=True)
        return killed

    def close(self) -> None:
        """Remove what is kept, unless another job still works on it."""
        self.note.unlink(missing_ok=True)
        others = [_read(note) for note in self.folder.glob("job-*.json")]
        if not any(owner is not None and _is_alive(owner) for owner in others):
            shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def open_job(root: Path, config: Config) -> Iterator[UnfinishedJob]:
    """Begin a job, or go on with one of the same configuration that was killed."""
    choices = json.dumps(config.to_dict(), sort_keys=True, default=str)
    digest = hashlib.sha256(choices.encode()).hexdigest()[:12]
    folder = root / f"{config.name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    root.chmod(0o700)
    job = UnfinishedJob(folder, folder / f"job-{socket.gethostname()}-{os.getpid()}.json")
    _write(job.note, "")
    yield job
    job.close()


def _write(note: Path, run_id: str) -> None:
    owner = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
        "run": run_id,
    }
    with whole_file(note) as part:
        part.write_text(json.dumps(owner), encoding="utf-8")


def _read(note: Path) -> dict[str, str | int] | None:
    try:
        owner: dict[str, str | int] = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return owner


def _is_alive(owner: dict[str, str | int]) -> bool:
    """Whether a job still runs; one on another machine is taken to."""
    if owner["host"] != socket.gethostname():
        return True
    try:
        os.kill(int(owner["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(int(owner["pid"])) == owner["started"]


def _started(pid: int) -> str:
    """When a process began, where the system says so; numbers of processes are used again."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
