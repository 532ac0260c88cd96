"""Scoring a file of any size: flat memory, whole or not at all, taken up again after a break."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow

from allsurv.errors import AllsurvError, CohortError, ConfigError, Violation
from allsurv.files import FileAnswers
from allsurv.files.workbook import write_workbook
from allsurv.riskmodel.files import digest_of_tree
from allsurv.riskmodel.horizons import read_horizons
from allsurv.scoring.chunks import Chunk, read_chunks
from allsurv.scoring.engine import Engine, OnError
from allsurv.scoring.reading import Numbers
from allsurv.scoring.scorer import RiskScorer
from allsurv.scoring.tally import Tally, write_tally
from allsurv.scoring.units import UnitCounts, count_units
from allsurv.whole_file import whole_file

__all__ = ["Scored", "score_file"]

_JOB = "job.json"
SUFFIXES = (".csv", ".parquet", ".pq", ".xlsx")
_MOST_ROWS_OF_A_SHEET = 1_048_575
_UNEVEN = "file: has more or fewer cells than there are column names."


@dataclass(frozen=True)
class Scored:
    """How many patients of a file were scored.

    Parameters
    ----------
    n_rows : int
        Patients in the file, and rows written.
    n_faulty : int
        Of them without a risk, for the reason in column ``fault``.
    n_resumed : int
        Of them scored by an earlier call that was interrupted.
    """

    n_rows: int
    n_faulty: int
    n_resumed: int


def score_file(
    scorer: RiskScorer,
    patients: Path,
    out: Path,
    *,
    horizons: Sequence[float] | None = None,
    explain: bool = False,
    on_error: OnError = "raise",
    trusted_units: Sequence[str] = (),
    answers: FileAnswers | None = None,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Scored:
    """Score a file of patients into a CSV, Parquet or Excel file; none there is replaced."""
    _refuse_place(patients, out, overwrite=overwrite)
    if horizons is not None:
        horizons = read_horizons(horizons, where="score", fewest=0, zero=True)
    options: dict[str, Any] = {
        "horizons": None if horizons is None else list(horizons),
        "explain": explain,
        "on_error": on_error,
        "trusted_units": list(trusted_units),
        "answers": asdict(answers or FileAnswers()),
    }
    work = _open_work(out, _job(scorer, patients, out, options))
    engine = Engine(scorer.risk_model)
    pieces: list[Path] = []
    tally = Tally()
    n_rows = n_resumed = 0
    try:
        for chunk in read_chunks(patients, scorer.risk_model, answers):
            piece = work / f"{len(pieces):06d}{_suffix(out)}"
            counted = piece.with_suffix(".json")
            size = len(chunk.rows) + len(chunk.broken)
            n_resumed += size if counted.exists() else 0
            if not counted.exists():
                scored, units = _score_chunk(engine, chunk, horizons, explain)
                with whole_file(piece) as part:
                    _write_table(scored, part, header=not pieces)
                with whole_file(counted) as part:
                    write_tally(scored, units, part)
            pieces.append(piece)
            tally.add(counted)
            n_rows += size
            pa.default_memory_pool().release_unused()
            if progress is not None:
                progress(n_rows)
        faults = [*tally.of_columns(scorer.risk_model, trusted_units)]
        if on_error == "raise":
            faults += tally.of_rows()
        if faults:
            raise CohortError(str(patients), scorer.risk_model.study, faults)
        with whole_file(out) as part:
            if out.suffix.lower() == ".xlsx":
                _join_in_workbook(pieces, part, scorer.risk_model.provenance)
            else:
                _join(pieces, part)
    except AllsurvError:
        shutil.rmtree(work)
        raise
    shutil.rmtree(work)
    return Scored(n_rows, tally.n_faulty, n_resumed)


def _refuse_place(patients: Path, out: Path, *, overwrite: bool) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{out}: risks are written as {', '.join(SUFFIXES)}; change the ending.")
    if out.exists() and patients.exists() and out.samefile(patients):
        raise ConfigError(f"{out}: is the file of patients; give the risks another name.")
    if out.exists() and not overwrite:
        raise ConfigError(f"{out}: is there already; name another file, or ask to overwrite it.")


def _job(scorer: RiskScorer, patients: Path, out: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Name everything on which a piece depends."""
    try:
        found = patients.stat()
    except OSError:
        return {}  # the reader says what is wrong with it
    return {
        "format": 2,
        "patients": [str(patients.resolve()), found.st_size, found.st_mtime_ns],
        "model": digest_of_tree(scorer.risk_model.tree()),
        "out": _suffix(out),
        **options,
    }


def _open_work(out: Path, job: dict[str, Any]) -> Path:
    work = out.with_name(out.name + ".part")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: there is no folder '{out.parent}'; make it first.")
    if work.exists():
        mark = work / _JOB
        if not mark.is_file():
            raise ConfigError(f"{work}: is in the way and not of allsurv's making; move it.")
        if json.loads(mark.read_text()) == job:
            return work
        shutil.rmtree(work)
    work.mkdir(mode=0o700)
    (work / _JOB).write_text(json.dumps(job))
    return work


def _score_chunk(
    engine: Engine, chunk: Chunk, horizons: Sequence[float] | None, explain: bool
) -> tuple[pd.DataFrame, UnitCounts]:
    units: UnitCounts = {}

    def count(numbers: Numbers) -> tuple[Violation, ...]:
        units.update(count_units(engine.model, numbers))
        return ()

    scored = engine.score(chunk.frame, horizons, count, explain=explain, on_error="report")
    scored.insert(0, "row", chunk.rows)
    identifiers = engine.model.provenance.get("identifiers", [])
    for place, name in enumerate((n for n in identifiers if n in chunk.frame), start=1):
        if name not in scored:  # a column of that name is a result
            scored.insert(place, name, chunk.frame[name].to_numpy())
    if len(chunk.broken):
        uneven = pd.DataFrame({"row": chunk.broken, "fault": _UNEVEN}).reindex(columns=list(scored))
        uneven = uneven.astype(scored.dtypes.to_dict())
        scored = pd.concat([scored, uneven]) if len(scored) else uneven
        scored = scored.sort_values("row", ignore_index=True)
    return scored, units


def _suffix(out: Path) -> str:
    """Give the ending of pieces; those of a workbook keep their numbers as Parquet does."""
    return ".csv" if out.suffix.lower() == ".csv" else ".parquet"


def _write_table(scored: pd.DataFrame, to: Path, *, header: bool) -> None:
    table = pa.Table.from_pandas(scored, preserve_index=False, nthreads=1)
    if _suffix(to) == ".parquet":
        with _parquet(to, table.schema) as writer:
            writer.write_table(table)
    else:
        arrow.write_csv(
            table, to, arrow.WriteOptions(include_header=header, quoting_style="needed")
        )


def _parquet(to: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a file that lists distinct values for texts only: hardly a number comes twice."""
    texts = [f.name for f in schema if not (pa.types.is_floating(f.type) or f.name == "row")]
    return pq.ParquetWriter(to, schema, use_dictionary=texts)


def _join_in_workbook(pieces: Sequence[Path], to: Path, provenance: Mapping[str, Any]) -> None:
    frame = pd.concat([pd.read_parquet(piece) for piece in pieces], ignore_index=True)
    if len(frame) > _MOST_ROWS_OF_A_SHEET:
        raise ConfigError(f"{to.suffix}: a sheet holds 1,048,575 patients; write .csv or .parquet.")
    write_workbook(frame, to, provenance["source"]["statement"], sheet="risks")


def _join(pieces: Sequence[Path], to: Path) -> None:
    if pieces and _suffix(to) == ".parquet":
        with _parquet(to, pq.read_schema(pieces[0])) as writer:
            for piece in pieces:
                writer.write_table(pq.read_table(piece, use_threads=False))
        return
    with to.open("wb") as whole:
        for piece in pieces:
            with piece.open("rb") as part:
                shutil.copyfileobj(part, whole)
